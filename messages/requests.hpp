// What clients ask, as a dialect parsed it: types and bounds of the members are
// checked, names are not resolved yet. Names may be names or ARNs throughout.
#pragma once

#include "messages/catalog.hpp"
#include "messages/job.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// Who asks, and which call of theirs this is.
struct caller {
  account_region owner;
  /// The same for all tries of one call (`amz-sdk-invocation-id`), or random.
  std::string invocation_id;
  /// A hash over operation and body, hexadecimal.
  std::string body_hash;
  BERTH_FIELDS(owner, invocation_id, body_hash)
};

// Mutations of the catalog.

struct create_environment_request {
  static constexpr uint16_t number = 1;
  environment_settings settings;
  tag_map tags;
  BERTH_FIELDS(settings, tags)
};

/// Given members replace the stored ones.
struct update_environment_request {
  static constexpr uint16_t number = 2;
  std::string environment;
  std::optional<object_state> state;
  std::optional<int64_t> min_vcpus;
  std::optional<int64_t> max_vcpus;
  std::optional<int64_t> desired_vcpus;
  std::optional<int64_t> unmanaged_vcpus;
  /// A JSON object whose members replace those of `details_json`, member by
  /// member also inside computeResources; merged by the dialect's
  /// `merge_details`, which the gateway is given.
  std::string details_json;
  BERTH_FIELDS(environment, state, min_vcpus, max_vcpus, desired_vcpus,
               unmanaged_vcpus, details_json)
};

struct delete_environment_request {
  static constexpr uint16_t number = 3;
  std::string environment;
  BERTH_FIELDS(environment)
};

struct requested_environment_order {
  int32_t order = 0;
  std::string environment;
  BERTH_FIELDS(order, environment)
};

struct create_queue_request {
  static constexpr uint16_t number = 4;
  std::string name;
  object_state state = object_state::enabled;
  int32_t priority = 0;
  std::vector<requested_environment_order> environments;
  tag_map tags;
  BERTH_FIELDS(name, state, priority, environments, tags)
};

struct update_queue_request {
  static constexpr uint16_t number = 5;
  std::string queue;
  std::optional<object_state> state;
  std::optional<int32_t> priority;
  std::optional<std::vector<requested_environment_order>> environments;
  BERTH_FIELDS(queue, state, priority, environments)
};

struct delete_queue_request {
  static constexpr uint16_t number = 6;
  std::string queue;
  BERTH_FIELDS(queue)
};

struct register_definition_request {
  static constexpr uint16_t number = 7;
  definition_settings settings;
  tag_map tags;
  BERTH_FIELDS(settings, tags)
};

struct deregister_definition_request {
  static constexpr uint16_t number = 8;
  /// `name:revision`, ARN, or a bare name (newest ACTIVE revision).
  std::string definition;
  BERTH_FIELDS(definition)
};

struct tag_resource_request {
  static constexpr uint16_t number = 9;
  std::string arn;
  tag_map tags;
  BERTH_FIELDS(arn, tags)
};

struct untag_resource_request {
  static constexpr uint16_t number = 10;
  std::string arn;
  std::vector<std::string> keys;
  BERTH_FIELDS(arn, keys)
};

// Mutations of jobs.

struct container_overrides {
  std::optional<std::vector<std::string>> command;
  std::vector<key_value> environment;
  /// From resourceRequirements; override by type.
  std::optional<int64_t> vcpu_milli;
  std::optional<int64_t> memory_mib;
  /// The deprecated members; they override only the same form.
  std::optional<int64_t> old_vcpus;
  std::optional<int64_t> old_memory_mib;
  BERTH_FIELDS(command, environment, vcpu_milli, memory_mib, old_vcpus,
               old_memory_mib)
};

struct requested_dependency {
  /// `uuid` or `uuid:index`; nothing only with `sequential`.
  std::optional<std::string> job;
  dependency_kind kind = dependency_kind::plain;
  BERTH_FIELDS(job, kind)
};

struct submit_job_request {
  static constexpr uint16_t number = 11;
  std::string name;
  std::string queue;
  std::string definition;
  std::map<std::string, std::string> parameters;
  container_overrides overrides;
  std::optional<retry_strategy> retry;
  std::optional<int64_t> timeout_ms;
  std::optional<bool> propagate_tags;
  uint32_t array_size = 0;
  std::vector<requested_dependency> depends_on;
  tag_map tags;
  BERTH_FIELDS(name, queue, definition, parameters, overrides, retry,
               timeout_ms, propagate_tags, array_size, depends_on, tags)
};

struct cancel_job_request {
  static constexpr uint16_t number = 12;
  std::string job;
  std::string reason;
  BERTH_FIELDS(job, reason)
};

struct terminate_job_request {
  static constexpr uint16_t number = 13;
  std::string job;
  std::string reason;
  BERTH_FIELDS(job, reason)
};

// Questions.

/// A page of a listing. The token is what the previous answer gave.
struct page_request {
  /// 0 = as many as allowed.
  uint32_t max_results = 0;
  /// Empty = from the start.
  std::string token;
  BERTH_FIELDS(max_results, token)
};

struct describe_environments_request {
  static constexpr uint16_t number = 20;
  /// Empty = all.
  std::vector<std::string> environments;
  page_request page;
  BERTH_FIELDS(environments, page)
};

struct describe_queues_request {
  static constexpr uint16_t number = 21;
  std::vector<std::string> queues;
  page_request page;
  BERTH_FIELDS(queues, page)
};

struct describe_definitions_request {
  static constexpr uint16_t number = 22;
  /// ARNs, `name:revision` or names; empty = all, or those of `name`.
  std::vector<std::string> definitions;
  std::string name;
  std::optional<bool> active;
  page_request page;
  BERTH_FIELDS(definitions, name, active, page)
};

struct describe_jobs_request {
  static constexpr uint16_t number = 23;
  std::vector<std::string> jobs;
  BERTH_FIELDS(jobs)
};

enum class job_filter_kind : uint8_t {
  none = 0,
  /// Case-insensitive; a trailing `*` = prefix.
  job_name = 1,
  /// Name, `name*`, or an ARN with its revision.
  job_definition = 2,
  before_created_at = 3,
  after_created_at = 4,
};

struct list_jobs_request {
  static constexpr uint16_t number = 24;
  /// Exactly one of `queue` and `array_job` is set.
  std::string queue;
  std::string array_job;
  /// Not looked at when there is a filter.
  std::optional<job_status> status;
  job_filter_kind filter = job_filter_kind::none;
  std::vector<std::string> filter_values;
  page_request page;
  BERTH_FIELDS(queue, array_job, status, filter, filter_values, page)
};

struct queue_snapshot_request {
  static constexpr uint16_t number = 25;
  std::string queue;
  BERTH_FIELDS(queue)
};

struct list_tags_request {
  static constexpr uint16_t number = 26;
  std::string arn;
  BERTH_FIELDS(arn)
};

/// Berth's own: why a job waits, or why it runs where it runs.
struct why_request {
  static constexpr uint16_t number = 27;
  std::string job;
  BERTH_FIELDS(job)
};

using request = std::variant<
    create_environment_request, update_environment_request,
    delete_environment_request, create_queue_request, update_queue_request,
    delete_queue_request, register_definition_request,
    deregister_definition_request, tag_resource_request, untag_resource_request,
    submit_job_request, cancel_job_request, terminate_job_request,
    describe_environments_request, describe_queues_request,
    describe_definitions_request, describe_jobs_request, list_jobs_request,
    queue_snapshot_request, list_tags_request, why_request>;

} // namespace berth
