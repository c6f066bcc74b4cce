// The 45 operations of AWS Batch and the paths they arrive at (AWS reference,
// 2.1 and sections 4 to 11).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::aws_batch {

/// Those that Berth answers.
enum class operation : uint8_t {
  create_compute_environment,
  describe_compute_environments,
  update_compute_environment,
  delete_compute_environment,
  create_job_queue,
  describe_job_queues,
  update_job_queue,
  delete_job_queue,
  get_job_queue_snapshot,
  register_job_definition,
  describe_job_definitions,
  deregister_job_definition,
  submit_job,
  describe_jobs,
  list_jobs,
  cancel_job,
  terminate_job,
  list_tags_for_resource,
  tag_resource,
  untag_resource,
};
constexpr size_t operation_count = 20;

struct routed {
  /// Nothing: AWS Batch has this operation, Berth has not.
  std::optional<operation> what;
  /// As AWS spells it: `SubmitJob`.
  std::string_view name;
  /// Tag operations: the ARN, decoded; empty when it was badly encoded.
  std::string resource_arn;
};

/// Nothing when no operation has this method and path. `path` is the raw,
/// still encoded path without the query.
std::optional<routed> route(std::string_view method, std::string_view path);

/// `SubmitJob`
std::string_view name_of(operation what);

} // namespace berth::aws_batch
