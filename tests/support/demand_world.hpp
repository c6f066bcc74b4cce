// A small world of queues and compute environments on one or several shards:
// messages inside a shard are handled within its decision, those between
// shards wait in order until they are delivered. The jobs' side is played by
// the world: it remembers what runs where, and checks that nothing runs twice.
#pragma once

#include "actors/compute_environment_actor.hpp"
#include "actors/queue_actor.hpp"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace berth::testing {

shape make_shape(int64_t vcpus, int64_t memory_mib = 128);
resources make_resources(int64_t vcpus, int64_t memory_mib = 65'536);

/// Where an attempt of a job runs.
struct placed_job {
  queue_uid queue;
  environment_uid environment;
  lease_id lease;
  std::string agent;
  session_id session;
};

class demand_world {
public:
  /// Milliseconds; tests move it.
  int64_t now_ms = 1'000'000;

  environment_uid add_environment(shard_id shard,
                                  environment_settings settings = {});
  queue_uid add_queue(shard_id shard, const std::vector<environment_uid>& order,
                      int32_t priority = 1);
  void configure(environment_uid uid, environment_settings settings);
  void configure(queue_uid uid, const std::vector<environment_uid>& order,
                 int32_t priority);
  void join(environment_uid environment, const std::string& agent,
            resources capacity, session_id session);
  void remove(queue_uid uid);
  void remove(environment_uid uid);

  /// A single job, or an array when `size` is not 0.
  job_id submit(queue_uid queue, const shape& what, int32_t size = 0);
  /// Its attempt is over: ended for good, or to be tried again.
  void end(job_key job, bool retry = false);
  /// A waiting job is taken back.
  void withdraw(job_key job);

  /// Inputs given between `hold` and `go` are one run, so one decision.
  void hold() { held_ = true; }
  void go();
  /// Delivers the oldest waiting message from one shard to the other; false
  /// when there is none.
  bool deliver(shard_id from, shard_id to);
  /// Delivers until nothing waits.
  void deliver_all();
  size_t waiting_messages() const;
  /// Lets time pass: passes that are due are made.
  void advance(int64_t milliseconds);

  const std::map<job_key, placed_job>& running() const { return running_; }
  std::vector<job_key> running_in(environment_uid environment) const;
  /// Waiting and running jobs of the queue.
  size_t alive_count(queue_uid queue) const;
  size_t running_of(queue_uid queue) const;
  queue_uid queue_of(const job_key& job) const;
  const shape& shape_of(const job_key& job) const;
  const std::set<job_key>& waiting() const { return waiting_; }
  const queue_actor& queue(queue_uid uid) const;
  const compute_environment_actor& environment(environment_uid uid) const;
  bool has(queue_uid uid) const { return queues_.count(uid) != 0; }
  bool has(environment_uid uid) const { return environments_.count(uid) != 0; }
  std::vector<queue_uid> queue_uids() const;
  std::vector<environment_uid> environment_uids() const;
  shard_id shard_of_queue(queue_uid uid) const;

  /// Every actor's own invariants, a replay of all events, and a row round
  /// trip must give the same; nothing is granted that is not accounted for.
  void check() const;
  /// Once nothing waits between shards: both ends agree on every lease.
  void check_balance() const;

  /// The events of the last decision.
  std::vector<event> last_events;
  size_t decisions = 0;
  /// The most rounds of the exchange that one decision took.
  size_t rounds_max = 0;
  /// Leases that found no job.
  size_t leases_unmatched = 0;

private:
  struct job_record {
    queue_uid queue;
    queue_position position = 0;
    shape what;
    int64_t submitted_ms = 0;
  };
  struct letter {
    shard_id to;
    actor_message body;
  };

  void input(shard_id shard, actor_message m);
  void decide(shard_id shard, std::vector<actor_message> inputs);
  void exchange(shard_id shard);
  void handle(shard_id shard, const actor_message& m);
  void absorb(shard_id shard, draft& out);
  void apply(
      const event& e, std::map<queue_uid, queue_actor>& queues,
      std::map<environment_uid, compute_environment_actor>& environments) const;
  decision_context context(shard_id shard) const;
  void take(shard_id shard, const place_job& m);
  void take(shard_id shard, const attempt_lost& m);
  void take(shard_id shard, const end_jobs_of_queue& m);
  queue_actor restored(const queue_actor& from) const;

  bool held_ = false;
  std::map<shard_id, std::vector<actor_message>> held_inputs_;
  std::deque<letter> inside_;
  std::map<std::pair<shard_id, shard_id>, std::deque<actor_message>> between_;

  std::map<queue_uid, queue_actor> queues_;
  std::map<environment_uid, compute_environment_actor> environments_;
  std::map<queue_uid, shard_id> queue_shards_;
  std::map<environment_uid, shard_id> environment_shards_;
  std::vector<event> history_;

  uint64_t next_uid_ = 1;
  queue_position next_position_ = 1;
  std::map<job_id, job_record> jobs_;
  std::set<job_key> waiting_;
  std::map<job_key, placed_job> running_;
};

} // namespace berth::testing
