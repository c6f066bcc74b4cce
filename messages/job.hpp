// What a job is: the resolved specification that the queue's shard keeps, and
// the records of its attempts. Nothing here changes after submission.
#pragma once

#include "messages/fields.hpp"
#include "messages/ids.hpp"
#include "messages/resources.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth {

struct key_value {
  std::string name;
  std::string value;
  BERTH_FIELDS(name, value)
};

struct ulimit {
  /// As in `ulimit`'s names: nofile, nproc, core ...
  std::string name;
  int64_t soft = 0;
  int64_t hard = 0;
  BERTH_FIELDS(name, soft, hard)
};

/// The container of a definition or, resolved, of a job. `process` runtime:
/// the command, its environment, user and limits are used; the packaging is
/// kept and echoed.
struct container_spec {
  std::vector<std::string> command;
  std::vector<key_value> environment;
  resources needs;
  std::string user;
  std::vector<ulimit> ulimits;
  /// Which form the client wrote the needs in: the deprecated members `vcpus`
  /// and `memory`, or `resourceRequirements`.
  bool vcpus_in_old_form = false;
  bool memory_in_old_form = false;
  /// A JSON object of all other members, normalised by the dialect as they are
  /// read back (image, volumes, roles, logConfiguration ...).
  std::string packaging_json;
  BERTH_FIELDS(command, environment, needs, user, ulimits, vcpus_in_old_form,
               memory_in_old_form, packaging_json)
};

enum class retry_action : uint8_t { retry = 1, exit = 2 };

/// One entry of evaluateOnExit. Patterns as the AWS reference 15.4: only a
/// trailing `*` is special; a condition that is absent matches everything.
struct retry_rule {
  std::optional<std::string> on_status_reason;
  std::optional<std::string> on_reason;
  std::optional<std::string> on_exit_code;
  retry_action action = retry_action::retry;
  BERTH_FIELDS(on_status_reason, on_reason, on_exit_code, action)
};

struct retry_strategy {
  uint32_t attempts = 1;
  std::vector<retry_rule> rules;
  BERTH_FIELDS(attempts, rules)
};

enum class dependency_kind : uint8_t {
  /// Waits for the whole of the other job.
  plain = 0,
  /// As plain when another job is named; without one, child i of this array
  /// waits for child i - 1.
  sequential = 1,
  /// Child i waits for child i of the other array.
  n_to_n = 2,
};

struct dependency {
  /// Nothing only for `sequential` within the array itself.
  std::optional<job_key> on;
  dependency_kind kind = dependency_kind::plain;
  BERTH_FIELDS(on, kind)
};

/// A job as resolved from its definition and overrides, once and for all.
struct job_spec {
  std::string name;
  std::string definition_name;
  uint32_t definition_revision = 0;
  std::map<std::string, std::string> parameters;
  container_spec container;
  retry_strategy retry;
  /// Whether the client or the definition gave a strategy at all.
  bool retry_given = false;
  /// Per attempt, from its start; nothing = no limit.
  std::optional<int64_t> timeout_ms;
  /// 0 for a single job, else 2 to `limits::array_size_max`.
  uint32_t array_size = 0;
  std::vector<dependency> depends_on;
  std::map<std::string, std::string> tags;
  bool propagate_tags = false;
  std::vector<std::string> platform_capabilities;
  BERTH_FIELDS(name, definition_name, definition_revision, parameters,
               container, retry, retry_given, timeout_ms, array_size,
               depends_on, tags, propagate_tags, platform_capabilities)
};

using shared_job_spec = std::shared_ptr<const job_spec>;

/// In AWS Batch's order; the values are part of the format.
enum class job_status : uint8_t {
  submitted = 0,
  pending = 1,
  runnable = 2,
  starting = 3,
  running = 4,
  succeeded = 5,
  failed = 6,
};
constexpr size_t job_status_count = 7;

constexpr bool is_terminal(job_status s) {
  return s == job_status::succeeded || s == job_status::failed;
}
/// `SUBMITTED`, `PENDING` ... as AWS Batch spells them.
const char* to_string(job_status s);
std::optional<job_status> parse_job_status(std::string_view text);

/// How an attempt ended, as its agent (or, for `lost`, its environment) saw it.
enum class attempt_end : uint8_t {
  /// The main process was reaped: `exit_code` is there.
  exited = 1,
  /// The command could not be started: `reason` says why, no exit code.
  failed_to_start = 2,
  /// Stopped because the attempt's time was over.
  timed_out = 3,
  /// Stopped because the job was terminated.
  stopped = 4,
  /// Killed for exceeding its memory.
  out_of_memory = 5,
  /// Its agent, keeper or session is gone; nobody saw its end.
  lost = 6,
  /// Never started: its start was refused (session over, lease lapsed) or
  /// withdrawn by a stop that came first.
  not_started = 7,
};

/// What is kept of an attempt. Times are 0 while unknown.
struct attempt_record {
  uint32_t number = 0;
  environment_uid environment;
  std::string agent;
  session_id session;
  int64_t placed_ms = 0;
  int64_t started_ms = 0;
  int64_t stopped_ms = 0;
  std::optional<attempt_end> end;
  /// 128 + signal when a signal ended it.
  std::optional<int32_t> exit_code;
  /// AWS's container reason, e.g. `CannotStartContainerError: ...`.
  std::string reason;
  /// AWS's attempt statusReason.
  std::string status_reason;
  BERTH_FIELDS(number, environment, agent, session, placed_ms, started_ms,
               stopped_ms, end, exit_code, reason, status_reason)
};

} // namespace berth
