// The objects people create: compute environments, job queues, definitions.
#pragma once

#include "messages/fields.hpp"
#include "messages/ids.hpp"
#include "messages/job.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth {

using tag_map = std::map<std::string, std::string>;

enum class object_state : uint8_t { disabled = 0, enabled = 1 };
/// `ENABLED` or `DISABLED`.
const char* to_string(object_state s);

enum class object_status : uint8_t { valid = 1, deleting = 2 };

enum class environment_type : uint8_t { managed = 1, unmanaged = 2 };

/// What a client gives for a compute environment.
struct environment_settings {
  std::string name;
  environment_type type = environment_type::managed;
  object_state state = object_state::enabled;
  /// MANAGED only; in vCPUs as AWS counts them.
  int64_t min_vcpus = 0;
  int64_t max_vcpus = 0;
  int64_t desired_vcpus = 0;
  /// UNMANAGED only.
  std::optional<int64_t> unmanaged_vcpus;
  /// How long a head of a queue that does not fit may be passed by smaller
  /// jobs; nothing = the node's default, 0 = strict.
  std::optional<int64_t> head_wait_ms;
  /// A JSON object of all other members as they are read back: computeResources
  /// without the vCPU members, serviceRole, updatePolicy ...
  std::string details_json;
  BERTH_FIELDS(name, type, state, min_vcpus, max_vcpus, desired_vcpus,
               unmanaged_vcpus, head_wait_ms, details_json)
};

struct environment_object {
  environment_uid uid;
  account_region owner;
  /// Where its actor lives; chosen at creation, never recomputed.
  shard_id shard;
  environment_settings settings;
  tag_map tags;
  object_status status = object_status::valid;
  int64_t created_ms = 0;
  BERTH_FIELDS(uid, owner, shard, settings, tags, status, created_ms)
};

struct ordered_environment {
  int32_t order = 0;
  environment_uid environment;
  BERTH_FIELDS(order, environment)
};

struct queue_settings {
  std::string name;
  object_state state = object_state::enabled;
  int32_t priority = 0;
  /// Ascending by `order`; 1 to `limits::environments_per_queue_max`.
  std::vector<ordered_environment> environments;
  BERTH_FIELDS(name, state, priority, environments)
};

struct queue_object {
  queue_uid uid;
  account_region owner;
  /// That of its first environment at its creation, for good.
  shard_id shard;
  queue_settings settings;
  tag_map tags;
  object_status status = object_status::valid;
  int64_t created_ms = 0;
  BERTH_FIELDS(uid, owner, shard, settings, tags, status, created_ms)
};

/// What a client gives for a definition; the parts that Berth acts on are
/// typed, the rest is packaging.
struct definition_settings {
  std::string name;
  /// `container`
  std::string type;
  std::map<std::string, std::string> parameters;
  container_spec container;
  std::optional<retry_strategy> retry;
  std::optional<int64_t> timeout_ms;
  std::optional<bool> propagate_tags;
  std::vector<std::string> platform_capabilities;
  std::optional<int32_t> scheduling_priority;
  BERTH_FIELDS(name, type, parameters, container, retry, timeout_ms,
               propagate_tags, platform_capabilities, scheduling_priority)
};

struct definition_object {
  account_region owner;
  uint32_t revision = 0;
  bool active = true;
  definition_settings settings;
  tag_map tags;
  int64_t registered_ms = 0;
  BERTH_FIELDS(owner, revision, active, settings, tags, registered_ms)
};

enum class resource_kind : uint8_t {
  compute_environment = 1,
  job_queue = 2,
  job_definition = 3,
  job = 4,
};

/// `arn:<partition>:batch:<region>:<account>:<kind>/<name>` (AWS reference
/// 3.1). For a definition the name includes `:revision`.
std::string make_arn(const account_region& owner, resource_kind kind,
                     const std::string& name);

struct parsed_arn {
  account_region owner;
  resource_kind kind = resource_kind::job;
  std::string name;
  BERTH_FIELDS(owner, kind, name)
};
/// Nothing when the text is no ARN of the four kinds above.
std::optional<parsed_arn> parse_arn(std::string_view text);

/// Name rule N of the AWS reference, 3.2.
bool is_valid_name(std::string_view name);

} // namespace berth
