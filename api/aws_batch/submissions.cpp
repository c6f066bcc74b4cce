#include "api/aws_batch/submissions.hpp"

#include "api/aws_batch/containers.hpp"
#include "api/aws_batch/pages.hpp"
#include "api/aws_batch/retries.hpp"
#include "api/aws_batch/tags.hpp"
#include "messages/limits.hpp"

namespace berth::aws_batch {

namespace {

std::string parse_job_name(const json_place& place) {
  if (place.absent())
    place.fail("must be a name");
  auto name = place.text();
  if (!is_valid_name(name))
    throw refused{"Job name should match valid pattern: jobName is "
                  + place.quoted_value()
                  + ", but must have 1 to 128 letters, digits, dashes and "
                    "underscores and begin with a letter or digit"};
  return name;
}

void refuse_shares(const json_place& body) {
  for (const auto* name : {"shareIdentifier", "schedulingPriorityOverride"}) {
    auto member = body.member(name);
    if (!member.empty())
      throw refused{"Job with shareIdentifier or schedulingPriority can onlybe "
                    "submitted to job queue with fair share scheduling policy. "
                    + member.path() + " must be left out"};
  }
}

uint32_t parse_array_size(const json_place& place) {
  auto size = place.member("size").optional_integer(limits::array_size_min,
                                                    limits::array_size_max);
  return static_cast<uint32_t>(size.value_or(0));
}

requested_dependency parse_dependency(const json_place& place, bool in_array) {
  requested_dependency dependency;
  auto job = place.member("jobId");
  auto id = job.text_or_empty();
  if (!id.empty())
    dependency.job = std::move(id);
  auto type_place = place.member("type");
  auto type = type_place.optional_choice({"N_TO_N", "SEQUENTIAL"});
  if (!type) {
    if (!dependency.job)
      job.fail("must be the id of a job");
    return dependency;
  }
  auto is_sequential = *type == "SEQUENTIAL";
  dependency.kind =
      is_sequential ? dependency_kind::sequential : dependency_kind::n_to_n;
  auto needs_array = !is_sequential || !dependency.job;
  if (needs_array && !in_array)
    type_place.fail(is_sequential
                        ? "must have a jobId beside it, unless the job has "
                          "arrayProperties"
                        : "must be left out, unless the job has "
                          "arrayProperties");
  if (!is_sequential && !dependency.job)
    job.fail("must be the id of an array job, since the type is N_TO_N");
  return dependency;
}

std::vector<requested_dependency> parse_dependencies(const json_place& place,
                                                     bool in_array) {
  place.require_list();
  if (place.size() > limits::dependencies_max)
    place.fail("must have at most " + std::to_string(limits::dependencies_max)
               + " entries");
  std::vector<requested_dependency> list;
  place.for_each_element([&](const json_place& element) {
    list.push_back(parse_dependency(element, in_array));
  });
  return list;
}

} // namespace

request parse_submit_job(const json_place& body, const parse_context& context) {
  submit_job_request made;
  made.name = parse_job_name(body.member("jobName"));
  made.queue = parse_reference(body.member("jobQueue"));
  made.definition = parse_reference(body.member("jobDefinition"));
  refuse_shares(body);
  refuse_unsupported(body, {"nodeOverrides", "eksPropertiesOverride",
                            "ecsPropertiesOverride",
                            "consumableResourcePropertiesOverride"});
  made.parameters = body.member("parameters").text_map();
  made.overrides = parse_container_overrides(body.member("containerOverrides"));
  made.retry = parse_retry_strategy(body.member("retryStrategy"));
  made.timeout_ms = parse_timeout(body.member("timeout"), context);
  made.propagate_tags = body.member("propagateTags").optional_boolean();
  made.array_size = parse_array_size(body.member("arrayProperties"));
  made.depends_on =
      parse_dependencies(body.member("dependsOn"), made.array_size > 0);
  made.tags = parse_tags(body.member("tags"));
  return made;
}

void print_submitted(json_writer& json, const submitted_response& response) {
  json.begin_object();
  json.member("jobArn", response.arn);
  json.member("jobName", response.name);
  json.member("jobId", to_string(response.id));
  json.end_object();
}

} // namespace berth::aws_batch
