// What shards tell agents and agents tell shards (rules Outbox and Sessions).
#pragma once

#include "messages/fields.hpp"
#include "messages/ids.hpp"
#include "messages/job.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// Start an attempt. In the log only the identities are kept; whoever releases
/// the dispatch fills in `spec` from the job's body, which never changes.
struct start_attempt {
  static constexpr uint16_t number = 1;
  attempt_id attempt;
  lease_id lease;
  /// Filled in on release.
  shared_job_spec spec;
  account_region owner;
  std::string queue_name;
  std::string environment_name;
  BERTH_FIELDS(attempt, lease, spec, owner, queue_name, environment_name)
};

/// Stop an attempt: SIGTERM, then SIGKILL after the grace period. An attempt
/// that has not started yet will not.
struct stop_attempt {
  static constexpr uint16_t number = 2;
  attempt_id attempt;
  BERTH_FIELDS(attempt)
};

using dispatch_body = std::variant<start_attempt, stop_attempt>;

/// Rule Outbox: numbered without gaps per (source shard, agent session). The
/// receiver takes only the last number + 1. Another session's is refused.
struct dispatch {
  shard_id source;
  agent_id agent;
  session_id session;
  uint64_t number = 0;
  dispatch_body body;
  BERTH_FIELDS(source, agent, session, number, body)
};

/// The main process exists. `started_ms` is the agent's wall clock.
struct attempt_started_report {
  static constexpr uint16_t number = 1;
  attempt_id attempt;
  int64_t started_ms = 0;
  BERTH_FIELDS(attempt, started_ms)
};

/// The attempt is over: its tree is gone and its output complete.
struct attempt_ended_report {
  static constexpr uint16_t number = 2;
  attempt_id attempt;
  attempt_end end = attempt_end::exited;
  std::optional<int32_t> exit_code;
  /// AWS's container reason; empty when there is none.
  std::string reason;
  int64_t started_ms = 0;
  int64_t stopped_ms = 0;
  BERTH_FIELDS(attempt, end, exit_code, reason, started_ms, stopped_ms)
};

using attempt_report =
    std::variant<attempt_started_report, attempt_ended_report>;

/// Numbered without gaps per (agent session, destination shard).
struct numbered_report {
  uint64_t number = 0;
  attempt_report body;
  BERTH_FIELDS(number, body)
};

} // namespace berth
