// What the log says of each job, kept from outside: statuses, attempts and when
// they changed. Written from docs/state_machines.md, sharing nothing with
// `actors/`.
#pragma once

#include "tests/sim/log_checker.hpp"

#include <map>
#include <unordered_map>

namespace berth::sim {

struct attempt_entry {
  uint32_t number = 0;
  environment_uid environment;
  std::string agent;
  session_id session;
  lease_id lease;
  sim_time placed_at = 0;
  std::optional<sim_time> started_at;
  std::optional<sim_time> finished_at;
  std::optional<attempt_finished> finished;
};

struct status_change {
  sim_time at = 0;
  log_offset offset = 0;
  job_status to = job_status::submitted;
};

/// A single job, a child, or an array as a whole.
struct ledger_line {
  job_status status = job_status::submitted;
  std::vector<status_change> changes;
  std::vector<attempt_entry> attempts;
  bool end_requested = false;
  bool terminated = false;
};

struct ledger_job {
  job_id id;
  shard_id shard;
  queue_uid queue;
  shared_job_spec spec;
  queue_position position = 0;
  sim_time submitted_at = 0;
  log_offset offset = 0;
  ledger_line whole;
  /// Arrays only; an array that failed before its children were made has none.
  std::vector<ledger_line> children;
  bool is_array() const { return spec->array_size > 0; }
};

/// A thing that the log must not say.
struct ledger_problem {
  enum kind_of : uint8_t { transition, array, repeated } kind = transition;
  std::string what;
  job_id job;
};

class job_ledger {
public:
  /// Each decision counts once, also when several checkers show it.
  void take(const decided& d);

  const ledger_job* find(const job_id& id) const;
  /// Nothing when there is no such job or child.
  const ledger_line* find(const job_key& key) const;
  const std::map<job_id, ledger_job>& jobs() const { return jobs_; }
  /// The first of its kind.
  const ledger_problem* problem(ledger_problem::kind_of kind) const;

private:
  struct fold;
  ledger_line* line(const job_key& key);

  std::map<job_id, ledger_job> jobs_;
  std::map<shard_id, log_offset> taken_;
  std::vector<ledger_problem> problems_;
};

} // namespace berth::sim
