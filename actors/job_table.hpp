// The jobs of a shard. Jobs are rows, not objects: hot state (status, shape,
// order, links) is in memory until the job is terminal; bodies and terminal
// jobs live in the store. Array jobs keep their children in packed vectors; a
// child has a row of its own only while it is active. The behaviour of one job
// is `job_actor.hpp`'s, that of an array `array_job_actor.hpp`'s.
#pragma once

#include "actors/draft.hpp"
#include "messages/job.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace berth {

class queue_actor;

/// Specifications of jobs.
using job_bodies = std::unordered_map<job_id, shared_job_spec>;

/// Looks at a queue of the same shard; nothing when there is none.
using queue_lookup = std::function<const queue_actor*(queue_uid)>;

struct job_table_options {
  /// Terminal jobs are kept this long.
  int64_t retention_ms = 7LL * 24 * 60 * 60 * 1000;
};

class job_table {
public:
  job_table(job_table_options options, queue_lookup queues);
  ~job_table();

  /// Rows that `decide` or a question must have fetched.
  needed_rows keys_needed(const shard_call&) const;
  needed_rows keys_needed(const actor_message&) const;

  // Calls. Each answers its token, now or (never) later.
  void decide(call_token, const submit_job_call&, const decision_context&,
              draft&) const;
  void decide(call_token, const end_job_call&, const decision_context&,
              draft&) const;
  void decide(call_token, const tag_job_call&, const decision_context&,
              draft&) const;

  // Messages.
  void decide(const place_job&, const decision_context&, draft&) const;
  void decide(const attempt_lost&, const decision_context&, draft&) const;
  void decide(const end_jobs_of_queue&, const decision_context&, draft&) const;
  void decide(const watch_job&, const decision_context&, draft&) const;
  void decide(const dependency_ended&, const decision_context&, draft&) const;
  /// One report; a stale or repeated one emits nothing.
  void decide(const agent_id&, const session_id&, const attempt_report&,
              const decision_context&, draft&) const;

  /// Goes on with long work (at most `limits::work_steps_max` steps) and
  /// expires terminal jobs when that is due.
  void advance(const decision_context&, draft&) const;
  bool has_work() const;
  std::optional<int64_t> next_due_ms() const;

  void apply(const job_submitted&);
  void apply(const waiter_added&);
  void apply(const dependency_settled&);
  void apply(const jobs_became_runnable&);
  void apply(const attempt_placed&);
  void apply(const attempt_started&);
  void apply(const attempt_finished&);
  void apply(const jobs_failed&);
  void apply(const end_requested&);
  void apply(const array_finished&);
  void apply(const job_tagged&);
  void apply(const jobs_expired&);
  void apply(const job_work_advanced&);
  void apply(const job_work_finished&);

  // Questions; `rows` holds what `keys_needed` named.
  result answer(const describe_jobs_call&, const fetched_rows& rows) const;
  result answer(const list_jobs_call&, const fetched_rows& rows) const;
  /// The job's own part of the answer: status, dependencies, position. The
  /// shard adds what its queue's environments say.
  result answer(const why_call&, const fetched_rows& rows) const;
  /// Nothing when unknown or terminal.
  struct live_job {
    queue_uid queue;
    queue_position position = 0;
    shape what;
    job_status status = job_status::submitted;
  };
  std::optional<live_job> find_live(const job_key& job) const;
  size_t live_count() const;

  /// The key of a job's body (a `job_spec`), for whoever releases a dispatch.
  static std::string body_key(const job_id& id);
  /// The body while it is in memory (until the next checkpoint), which spares
  /// its decoding; null = the store has it.
  shared_job_spec pending_body(const job_id& id) const;
  /// A row that is not in the store yet (written by the next checkpoint);
  /// outer nothing = the store knows, inner nothing = deleted.
  std::optional<std::optional<std::string>>
  pending_row(const std::string& key) const;

  /// Moves all changes since the last call into `rows`: called while no
  /// decision is in flight (rule Checkpoint). Gives back the bodies among them,
  /// for whoever wants to have them at hand a little longer.
  job_bodies
  cut_checkpoint(std::map<std::string, std::optional<std::string>>& rows);
  /// Gives back one row of the store at start. Rows not of this table are not
  /// taken (false). Runnable entries and leases of live attempts are handed to
  /// `entries` and `leases` so that the queues can be rebuilt.
  struct restored {
    std::function<void(queue_uid, queue_position, const job_range&,
                       const shape&, int64_t submitted_ms)>
        entry;
    std::function<void(queue_uid, environment_uid, lease_id, const job_key&,
                       const shape&)>
        lease;
  };
  bool load_row(std::string_view key, std::string_view bytes,
                const restored& to);
  /// The key ranges of rows to load at start (live rows only).
  static std::vector<row_range> live_ranges();

  /// Rows that name expired jobs, the oldest first: each one found in the range
  /// is handed to `forget_expired`, and the next checkpoint deletes all that is
  /// stored of those jobs. Nothing when none has expired. Expired jobs are
  /// unknown to every question whether their rows are there or not.
  std::optional<row_range> expired_range(size_t limit) const;
  void forget_expired(const std::string& key, std::string_view bytes);

  void check_invariants() const;
  void add_to(state_hash& hash) const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace berth
