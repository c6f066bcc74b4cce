#include "api/aws_batch/operations.hpp"

#include "api/uri.hpp"

#include <algorithm>
#include <array>

namespace berth::aws_batch {

namespace {

/// In the order of `operation`; all but the last three are `POST /v1/<name in
/// lower case>`.
constexpr std::array<std::string_view, operation_count> names{
    "CreateComputeEnvironment",
    "DescribeComputeEnvironments",
    "UpdateComputeEnvironment",
    "DeleteComputeEnvironment",
    "CreateJobQueue",
    "DescribeJobQueues",
    "UpdateJobQueue",
    "DeleteJobQueue",
    "GetJobQueueSnapshot",
    "RegisterJobDefinition",
    "DescribeJobDefinitions",
    "DeregisterJobDefinition",
    "SubmitJob",
    "DescribeJobs",
    "ListJobs",
    "CancelJob",
    "TerminateJob",
    "ListTagsForResource",
    "TagResource",
    "UntagResource"};
constexpr size_t posted_count = 17;

constexpr std::array<std::string_view, 25> names_without_answer{
    "CreateSchedulingPolicy",
    "DescribeSchedulingPolicies",
    "ListSchedulingPolicies",
    "UpdateSchedulingPolicy",
    "DeleteSchedulingPolicy",
    "CreateConsumableResource",
    "DescribeConsumableResource",
    "ListConsumableResources",
    "UpdateConsumableResource",
    "DeleteConsumableResource",
    "ListJobsByConsumableResource",
    "CreateServiceEnvironment",
    "DescribeServiceEnvironments",
    "UpdateServiceEnvironment",
    "DeleteServiceEnvironment",
    "CreateQuotaShare",
    "DescribeQuotaShare",
    "ListQuotaShares",
    "UpdateQuotaShare",
    "DeleteQuotaShare",
    "SubmitServiceJob",
    "DescribeServiceJob",
    "ListServiceJobs",
    "UpdateServiceJob",
    "TerminateServiceJob"};

constexpr std::string_view version_prefix = "/v1/";
constexpr std::string_view tags_prefix = "/v1/tags/";

bool is_lower_case_of(std::string_view text, std::string_view name) {
  auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(text.begin(), text.end(), name.begin(), name.end(),
                    [&](char a, char b) { return a == lower(b); });
}

std::optional<routed> route_tags(std::string_view method,
                                 std::string_view encoded_arn) {
  std::optional<operation> what;
  if (method == "GET")
    what = operation::list_tags_for_resource;
  else if (method == "POST")
    what = operation::tag_resource;
  else if (method == "DELETE")
    what = operation::untag_resource;
  else
    return std::nullopt;
  return routed{what, name_of(*what),
                percent_decoded(encoded_arn).value_or("")};
}

} // namespace

std::string_view name_of(operation what) {
  return names.at(static_cast<size_t>(what));
}

std::optional<routed> route(std::string_view method, std::string_view path) {
  if (path.starts_with(tags_prefix))
    return route_tags(method, path.substr(tags_prefix.size()));
  if (method != "POST" || !path.starts_with(version_prefix))
    return std::nullopt;
  auto text = path.substr(version_prefix.size());
  for (size_t i = 0; i < posted_count; ++i)
    if (is_lower_case_of(text, names[i]))
      return routed{static_cast<operation>(i), names[i], {}};
  for (auto name : names_without_answer)
    if (is_lower_case_of(text, name))
      return routed{std::nullopt, name, {}};
  return std::nullopt;
}

} // namespace berth::aws_batch
