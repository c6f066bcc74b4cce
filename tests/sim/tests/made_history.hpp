// A history made up for a checker's own test: what happened is said in a few
// words, and the checker under test hears it.
#pragma once

#include "tests/sim/checks.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::sim {

class made_history {
public:
  using maker = made_checker (*)(const check_context&);

  /// Begins with a claim of shards 0 and 1.
  explicit made_history(maker make, parameters p = {});

  /// Time goes on by 10 ms with everything that happens.
  made_history& happen(history_event what);
  made_history& wait(sim_time time);
  made_history& claim(shard_id shard, std::string nonce);
  /// A valid decision, which can be read at once.
  made_history& decide(std::vector<event> events, shard_id shard = {});
  /// One that cannot be read yet.
  made_history& decide_unseen(std::vector<event> events, shard_id shard = {});
  made_history& decide(decision_record d, shard_id shard = {});
  /// The next valid one, empty.
  decision_record next(shard_id shard = {}) const;
  made_history& append(record r, shard_id shard = {}, bool visible = true);
  made_history& message(shard_id from, shard_id to, uint64_t number,
                        actor_message body);
  made_history& ask(uint64_t call, request what, uint32_t try_number = 1);
  made_history& answer(uint64_t call, result what, uint32_t try_number = 1);
  made_history& start(const attempt_id& attempt, uint64_t pid);
  made_history& exit(const attempt_id& attempt, uint64_t pid,
                     int32_t exit_code = 0);

  log_offset last_offset(shard_id shard = {}) const;
  /// The end of the run; what the checker found, or nothing.
  std::string end();
  /// What it has found so far.
  std::string found() const;

private:
  std::unique_ptr<checker> checker_;
  sim_time now_ = 0;
  struct log {
    log_offset next = 0;
    log_offset claim = -1;
    std::string nonce;
    uint64_t seq = 0;
    log_offset through = -1;
  };
  std::map<shard_id, log> logs_;
};

// Made-up things, all of shard 0.

job_id made_job(uint8_t number);
/// A specification of one vCPU and 64 MiB.
job_spec made_spec(const std::string& name);
job_submitted submission(uint8_t number, job_spec spec = made_spec("job"));
jobs_became_runnable runnable(uint8_t number);
attempt_id attempt(uint8_t job, uint32_t number = 1);
attempt_placed placed(const attempt_id& a, uint64_t lease = 1);
attempt_finished finished(const attempt_id& a, after_attempt next,
                          int32_t exit_code = 0);
/// vCPUs, 64 MiB each.
shape vcpus(int64_t count);
environment_configured environment(uint64_t uid, int64_t max_vcpus = 8,
                                   std::optional<int64_t> head_wait_ms = {});
agent_joined agent(uint64_t environment, const std::string& name,
                   int64_t vcpus);
demand_noted wants(uint64_t environment, uint64_t queue, int32_t priority,
                   std::vector<demand_run> runs);
leases_granted grants(uint64_t environment, uint64_t queue, int64_t vcpus,
                      uint64_t first_lease, const std::string& agent = "a",
                      uint32_t count = 1);
leases_matched matches(uint64_t environment, uint64_t queue, uint64_t lease,
                       uint8_t job, queue_position position);

} // namespace berth::sim
