// What clients are answered, before a dialect prints it.
#pragma once

#include "messages/catalog.hpp"
#include "messages/errors.hpp"
#include "messages/job.hpp"

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// The mutation is done and there is nothing to tell.
struct done_response {
  static constexpr uint16_t number = 1;
  BERTH_FIELDS()
};

/// A created or updated environment or queue, or a registered definition.
struct object_response {
  static constexpr uint16_t number = 2;
  std::string name;
  std::string arn;
  /// Definitions only.
  uint32_t revision = 0;
  BERTH_FIELDS(name, arn, revision)
};

struct submitted_response {
  static constexpr uint16_t number = 3;
  job_id id;
  std::string name;
  std::string arn;
  BERTH_FIELDS(id, name, arn)
};

struct environments_response {
  static constexpr uint16_t number = 4;
  std::vector<environment_object> environments;
  std::string next_token;
  BERTH_FIELDS(environments, next_token)
};

/// A queue with the ARNs of its environments, in order.
struct queue_view {
  queue_object object;
  /// One per entry of `object.settings.environments`.
  std::vector<std::string> arns;
  BERTH_FIELDS(object, arns)
};

struct queues_response {
  static constexpr uint16_t number = 5;
  std::vector<queue_view> queues;
  std::string next_token;
  BERTH_FIELDS(queues, next_token)
};

struct definitions_response {
  static constexpr uint16_t number = 6;
  std::vector<definition_object> definitions;
  std::string next_token;
  BERTH_FIELDS(definitions, next_token)
};

/// Children by status, indexed by `job_status`.
using status_counts = std::vector<uint32_t>;

/// All that is known of a job or an array child.
struct job_view {
  job_key key;
  account_region owner;
  std::string queue_name;
  /// The resolved specification; for a child its parent's.
  shared_job_spec spec;
  job_status status = job_status::submitted;
  std::string status_reason;
  int64_t created_ms = 0;
  int64_t started_ms = 0;
  int64_t stopped_ms = 0;
  /// Finished ones, oldest first, and the live one at the end while there is
  /// one (its `end` is not set).
  std::vector<attempt_record> attempts;
  bool is_cancelled = false;
  bool is_terminated = false;
  /// Array parents only: `job_status_count` entries.
  status_counts children;
  int64_t children_changed_ms = 0;
  /// Present tags; they may be changed after submission.
  tag_map tags;
  BERTH_FIELDS(key, owner, queue_name, spec, status, status_reason, created_ms,
               started_ms, stopped_ms, attempts, is_cancelled, is_terminated,
               children, children_changed_ms, tags)
};

struct jobs_response {
  static constexpr uint16_t number = 7;
  /// In the order of the request; unknown ids are left out.
  std::vector<job_view> jobs;
  BERTH_FIELDS(jobs)
};

struct job_list_response {
  static constexpr uint16_t number = 8;
  std::vector<job_view> jobs;
  std::string next_token;
  BERTH_FIELDS(jobs, next_token)
};

struct snapshot_job {
  job_key key;
  /// When it reached its present position.
  int64_t at_position_ms = 0;
  BERTH_FIELDS(key, at_position_ms)
};

struct queue_snapshot_response {
  static constexpr uint16_t number = 9;
  account_region owner;
  std::vector<snapshot_job> front;
  int64_t at_ms = 0;
  /// vCPUs of the queue's leases, in thousandths.
  int64_t vcpu_milli_used = 0;
  BERTH_FIELDS(owner, front, at_ms, vcpu_milli_used)
};

struct tags_response {
  static constexpr uint16_t number = 10;
  tag_map tags;
  BERTH_FIELDS(tags)
};

enum class wait_reason : uint8_t {
  none = 0,
  /// Terminal.
  finished = 1,
  /// Placed; `where` says on which agent of which environment and why there.
  placed = 2,
  dependencies = 3,
  /// Others of its queue are served before it.
  behind_in_queue = 4,
  /// The environments have no room for its shape now.
  no_room = 5,
  /// Its shape can never fit in any of its environments.
  never_fits = 6,
  environments_disabled = 7,
  /// No agent of its environments has joined.
  no_agents = 8,
  /// Queues of a higher priority take what becomes free.
  higher_priority = 9,
  /// Its environment keeps agents free for a job that has waited longer.
  reserved_for_older = 10,
  /// An array parent: its children run or wait.
  children = 11,
};
const char* to_string(wait_reason r);

struct why_response {
  static constexpr uint16_t number = 11;
  job_view job;
  wait_reason reason = wait_reason::none;
  /// Jobs of its queue that are served before it; -1 when it does not queue.
  int64_t position = -1;
  /// Sentences: what holds it, and what would have to change.
  std::vector<std::string> sentences;
  BERTH_FIELDS(job, reason, position, sentences)
};

using response =
    std::variant<done_response, object_response, submitted_response,
                 environments_response, queues_response, definitions_response,
                 jobs_response, job_list_response, queue_snapshot_response,
                 tags_response, why_response>;

using result = std::variant<response, api_error>;

} // namespace berth
