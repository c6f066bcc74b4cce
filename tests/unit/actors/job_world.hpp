// Job tables of one or more shards with queues that only remember what may run.
// Messages between jobs are delivered until none is left, events are applied
// and kept, and after every step the invariants hold.
#pragma once

#include "actors/job_table.hpp"
#include "actors/queue_actor.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace berth::testing {

inline const account_region test_owner{"123456789012", "us-east-1"};
constexpr queue_uid test_queue{7};
constexpr environment_uid test_environment{3};
inline const agent_id test_agent{test_environment, "agent-1"};
constexpr session_id test_session{5, 1};

/// Ids that differ in their first bytes.
job_id test_id(uint32_t n, shard_id shard = {});
std::shared_ptr<job_spec> test_spec(const std::string& name = "job");
/// A copy that waits for the job.
shared_job_spec waiting_spec(const job_key& on,
                             dependency_kind kind = dependency_kind::plain);
shared_job_spec array_spec(uint32_t size,
                           std::vector<dependency> depends_on = {});

class job_world {
public:
  explicit job_world(uint32_t shards = 1, job_table_options options = {});

  // Calls; give back the answer.
  result submit(const job_id& id, shared_job_spec spec = test_spec(),
                queue_uid queue = test_queue);
  void cancel(const job_key& job, const std::string& reason = "not needed");
  void terminate(const job_key& job, const std::string& reason = "stop it");
  result tag(const job_id& job, tag_map put,
             std::vector<std::string> remove = {});

  // What a queue and an agent do.
  void place(const job_key& job);
  void start(const job_key& job);
  void finish(const job_key& job, int32_t exit_code = 0);
  void end(const job_key& job, attempt_end how,
           std::optional<int32_t> exit_code = {}, std::string reason = {});
  void lose(const job_key& job);
  /// Placed, started and ended.
  void run(const job_key& job, int32_t exit_code = 0);
  /// Any message or report.
  template <class Message>
  void tell(shard_id shard, const Message& m) {
    step(shard, [&](const job_table& table, const decision_context& context,
                    draft& d) { table.decide(m, context, d); });
  }
  void report(shard_id shard, const agent_id& agent, const session_id& session,
              const attempt_report& report);
  void close_queue(queue_uid queue, shard_id shard = {});
  void disable_queue(queue_uid queue, shard_id shard = {});
  /// One decision's share of long work and expiry.
  void advance(shard_id shard = {});
  /// Until no work is ready.
  void advance_all();

  // Questions; rows are fetched as a host would.
  std::optional<job_view> describe(const job_key& job,
                                   const account_region& owner = test_owner);
  job_status status(const job_key& job);
  job_list_response list(list_jobs_call call);
  std::vector<std::string> names(const list_jobs_call& call);
  why_response why(const job_key& job);

  // The store.
  void checkpoint();
  /// Deletes what has expired, as a host does from time to time.
  void sweep();
  /// New tables from the store alone; equal to the old ones.
  void reload();
  /// New tables from all events; equal to the old ones.
  void replay();

  uint64_t hash(shard_id shard = {}) const;
  job_table& table(shard_id shard = {}) { return *shards_[shard.value].table; }
  const std::map<std::string, std::string>& rows(shard_id shard = {}) const {
    return shards_[shard.value].rows;
  }
  /// Jobs that the queues would hand out.
  bool is_queued(const job_key& job) const;
  size_t queued_count() const { return queued_.size(); }
  const std::set<job_key>& queued() const { return queued_; }
  /// Jobs and children that hold a lease.
  std::vector<job_key> placed() const;
  /// Of the last step.
  template <class Event>
  std::vector<Event> events_of() const {
    std::vector<Event> found;
    for (const auto& e : last_events)
      if (const auto* one = std::get_if<Event>(&e))
        found.push_back(*one);
    return found;
  }
  template <class Message>
  std::vector<Message> messages_of() const {
    std::vector<Message> found;
    for (const auto& m : last_messages)
      if (const auto* one = std::get_if<Message>(&m.body))
        found.push_back(*one);
    return found;
  }

  int64_t now_ms = 1'700'000'000'000;
  /// Walked after every step unless a test is too large for that.
  bool checks = true;
  std::vector<event> last_events;
  std::vector<sent_message> last_messages;
  std::vector<sent_dispatch> last_dispatches;
  /// The most events and messages that one decide call made.
  size_t largest_step = 0;

private:
  struct one_shard {
    std::unique_ptr<job_table> table;
    std::map<queue_uid, queue_actor> queues;
    std::map<std::string, std::string> rows;
    std::vector<event> events;
  };

  using decide_function =
      std::function<void(const job_table&, const decision_context&, draft&)>;
  void step(shard_id shard, const decide_function& decide,
            const fetched_rows& rows = {});
  void deliver(const sent_message& m);
  void note_queue_message(const actor_message& m);
  fetched_rows fetch(shard_id shard, const needed_rows& needs) const;
  std::unique_ptr<job_table> new_table(shard_id shard);
  void make_queues(one_shard& s);
  attempt_record live_attempt(const job_key& job);

  job_table_options options_;
  std::vector<one_shard> shards_;
  std::deque<sent_message> inside_;
  std::set<job_key> queued_;
  std::map<job_key, lease_id> leases_;
  uint64_t next_lease_ = 1;
  uint64_t steps_ = 0;
  std::vector<call_answer> answers_;
};

/// Whether two results are errors, and of which kind.
std::optional<api_error> error_of(const result& r);

} // namespace berth::testing
