// A job queue: its runnable jobs in order, its ordered environments, what they
// have been told and what they answered. It decides which job goes next.
#pragma once

#include "actors/draft.hpp"
#include "messages/catalog.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace berth {

/// One runnable job, or a stretch of an array's children, in queue order.
struct queue_entry {
  job_range jobs;
  queue_position position = 0;
  shape what;
  int64_t submitted_ms = 0;
  BERTH_FIELDS(jobs, position, what, submitted_ms)
};

class queue_actor {
public:
  explicit queue_actor(const queue_configured& first);
  ~queue_actor();
  queue_actor(queue_actor&&) noexcept;
  queue_actor& operator=(queue_actor&&) noexcept;

  // Decisions. What is not listed is refused by the shard.
  void decide(const configure_queue&, const decision_context&, draft&) const;
  void decide(const remove_queue&, const decision_context&, draft&) const;
  void decide(const jobs_of_queue_ended&, const decision_context&,
              draft&) const;
  void decide(const enqueue_jobs&, const decision_context&, draft&) const;
  void decide(const withdraw_jobs&, const decision_context&, draft&) const;
  void decide(const grant&, const decision_context&, draft&) const;
  void decide(const saturated&, const decision_context&, draft&) const;
  void decide(const lease_lost&, const decision_context&, draft&) const;
  void decide(const finish_lease&, const decision_context&, draft&) const;

  /// At the end of a run of inputs: tells environments a demand that differs
  /// from what they have been told, then the releases of the run. Emits
  /// nothing when there is nothing to tell; else it must be called again in the
  /// same decision, after the messages sent and the environments' passes: an
  /// environment that gets leases back is heard before jobs are offered to
  /// those behind it. Its cost is bounded by `limits::demand_jobs_max`, not by
  /// the number of queued jobs.
  void settle(const decision_context&, draft&) const;
  /// Settling again would emit nothing.
  bool is_settled() const;

  void apply(const queue_configured&);
  void apply(const queue_closing&);
  void apply(const jobs_enqueued&);
  void apply(const jobs_withdrawn&);
  void apply(const demand_told&);
  void apply(const leases_matched&);
  void apply(const saturation_noted&);
  void apply(const leases_finished&);
  void apply(const releases_sent&);
  void apply(const queue_jobs_ended&);

  queue_uid uid() const;
  const queue_object& object() const;
  const std::vector<environment_address>& environments() const;
  /// New submissions are taken: enabled and not closing.
  bool admits() const;
  /// Closing, its jobs have ended and all leases are back: `queue_dropped`
  /// follows.
  bool is_gone() const;
  bool is_closing() const;
  size_t runnable_count() const;
  int64_t vcpu_milli_leased() const;

  /// The first jobs in order; at most `limit` job keys.
  std::vector<std::pair<job_key, queue_entry>> front(size_t limit) const;
  /// Jobs behind `after` (position, index) in order, at most `limit` entries;
  /// arrays come as ranges, cut at `after`.
  std::vector<queue_entry> entries_after(queue_position position, int32_t index,
                                         size_t limit) const;
  /// How many jobs are served before this one; counts at most `limit`.
  size_t jobs_before(queue_position position, int32_t index,
                     size_t limit) const;
  /// What an environment answered last for the shape, for `why`.
  struct environment_answer {
    environment_address environment;
    bool everything = false;
    bool saturated_for_shape = false;
    std::optional<unserviceable_reason> never;
  };
  std::vector<environment_answer> answers_for(const shape& what) const;

  /// The row that holds all but the runnable entries and the leases of live
  /// attempts; those are rebuilt from the jobs' rows by `restore_entry` and
  /// `restore_lease`.
  std::string to_row() const;
  static std::optional<queue_actor> from_row(std::string_view bytes);
  void restore_entry(const queue_entry& entry);
  void restore_lease(environment_uid environment, lease_id lease,
                     const job_key& job, const shape& what);

  /// Walks each table both ways; aborts on a violation.
  void check_invariants() const;
  void add_to(state_hash& hash) const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace berth
