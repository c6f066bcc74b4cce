#include "api/aws_batch/environments.hpp"

#include "api/aws_batch/bounds.hpp"
#include "api/aws_batch/compute_resources.hpp"
#include "api/aws_batch/pages.hpp"
#include "api/aws_batch/shape.hpp"
#include "api/aws_batch/tags.hpp"
#include "messages/limits.hpp"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace berth::aws_batch {

using nlohmann::json;

namespace {

constexpr int64_t ms_per_s = 1000;
constexpr int64_t head_wait_s_max = 30 * 24 * 3600;

/// The members beside computeResources that are only kept.
json copy_kept_members(const json_place& body) {
  static const shape update_policy{
      {{"terminateJobsOnUpdate", member_kind::boolean},
       {"jobExecutionTimeoutMinutes", member_kind::integer}}};
  static const shape kept{
      {{"serviceRole", member_kind::text},
       {"context", member_kind::text},
       {"updatePolicy", member_kind::object, &update_policy}}};
  body.member("updatePolicy")
      .member("jobExecutionTimeoutMinutes")
      .optional_integer(1, job_execution_timeout_minutes_max);
  return copy_shape(body, kept);
}

std::string join_details(json kept, const std::string& resources_json) {
  if (!resources_json.empty())
    kept["computeResources"] = json::parse(resources_json);
  return kept.dump();
}

std::optional<int64_t> parse_head_wait(const tag_map& tags) {
  auto found = tags.find(head_wait_tag);
  if (found == tags.end())
    return std::nullopt;
  const auto& text = found->second;
  int64_t seconds = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0
      || seconds > head_wait_s_max)
    throw refused{"the tag " + found->first + " is \"" + text
                  + "\", but must be an integer number of seconds from 0 to "
                  + std::to_string(head_wait_s_max)};
  return seconds * ms_per_s;
}

json parse_object(std::string_view text) {
  auto parsed = json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : json::object();
}

/// Whether an update's member means that the stored one goes.
bool clears(const std::string& name, const json& value) {
  if (name == "imageId" || name == "ec2KeyPair" || name == "placementGroup"
      || name == "ec2Configuration")
    return (value.is_string() && value == "")
           || (value.is_array() && value.empty());
  if (name != "launchTemplate" || !value.is_object())
    return false;
  return value.value("launchTemplateId", json{}) == ""
         || value.value("launchTemplateName", json{}) == "";
}

void merge_members(json& stored, const json& update) {
  for (const auto& [name, value] : update.items()) {
    if (clears(name, value))
      stored.erase(name);
    else
      stored[name] = value;
  }
}

std::string default_service_role(const account_region& owner) {
  return "arn:aws:iam::" + owner.account
         + ":role/aws-service-role/batch.amazonaws.com/"
           "AWSServiceRoleForBatch";
}

void print_compute_resources(json_writer& writer,
                             const environment_settings& settings,
                             json resources) {
  if (!resources.is_object())
    resources = json::object();
  auto type = resources.value("type", json{});
  auto is_fargate = type == "FARGATE" || type == "FARGATE_SPOT";
  if (!is_fargate) {
    resources["minvCpus"] = settings.min_vcpus;
    resources["desiredvCpus"] = settings.desired_vcpus;
  }
  resources["maxvCpus"] = settings.max_vcpus;
  writer.key("computeResources").raw(resources.dump());
}

void print_environment(json_writer& writer, const environment_object& object) {
  const auto& settings = object.settings;
  auto details = parse_object(settings.details_json);
  auto uuid = environment_uuid(object.uid);
  auto is_valid = object.status == object_status::valid;
  auto is_managed = settings.type == environment_type::managed;
  writer.begin_object();
  writer.member("computeEnvironmentName", settings.name);
  writer.member("computeEnvironmentArn",
                make_arn(object.owner, resource_kind::compute_environment,
                         settings.name));
  if (settings.unmanaged_vcpus)
    writer.member("unmanagedvCpus", *settings.unmanaged_vcpus);
  writer.member("ecsClusterArn", "arn:aws:ecs:" + object.owner.region + ":"
                                     + object.owner.account + ":cluster/"
                                     + settings.name + "_Batch_" + uuid);
  writer.member("tags", object.tags);
  writer.member("type", is_managed ? "MANAGED" : "UNMANAGED");
  writer.member("state", to_string(settings.state));
  writer.member("status", is_valid ? "VALID" : "DELETING");
  writer.member("statusReason", is_valid
                                    ? "ComputeEnvironment Healthy"
                                    : "ComputeEnvironment is being deleted");
  if (is_managed) {
    print_compute_resources(writer, settings,
                            details.value("computeResources", json::object()));
    if (!details.contains("serviceRole"))
      details["serviceRole"] = default_service_role(object.owner);
  }
  details.erase("computeResources");
  writer.splice(details.dump());
  writer.member("containerOrchestrationType", "ECS");
  writer.member("uuid", uuid);
  writer.end_object();
}

} // namespace

std::string environment_uuid(environment_uid uid) {
  std::array<uint8_t, 16> bytes{};
  for (size_t i = 0; i < 8; ++i)
    bytes[15 - i] = static_cast<uint8_t>(uid.value >> (8 * i));
  return to_string(make_job_id(bytes, shard_id{0}));
}

request parse_create_environment(const json_place& body) {
  create_environment_request made;
  auto& settings = made.settings;
  settings.name = parse_new_name(body.member("computeEnvironmentName"));
  auto type = body.member("type");
  if (type.absent())
    type.fail("must be MANAGED or UNMANAGED");
  settings.type = *type.optional_choice({"MANAGED", "UNMANAGED"}) == "MANAGED"
                      ? environment_type::managed
                      : environment_type::unmanaged;
  settings.state = parse_state(body.member("state")).value_or(settings.state);
  refuse_unsupported(body, {"eksConfiguration"});
  auto unmanaged = body.member("unmanagedvCpus");
  settings.unmanaged_vcpus = unmanaged.optional_integer(0, vcpus_max);
  std::string resources_json;
  if (settings.type == environment_type::managed) {
    if (settings.unmanaged_vcpus)
      unmanaged.fail("must be left out, since the type is MANAGED");
    auto parsed = parse_compute_resources(body.member("computeResources"));
    settings.min_vcpus = parsed.min_vcpus.value_or(0);
    settings.max_vcpus = *parsed.max_vcpus;
    settings.desired_vcpus = parsed.desired_vcpus.value_or(settings.min_vcpus);
    resources_json = std::move(parsed.rest_json);
  }
  settings.details_json = join_details(copy_kept_members(body), resources_json);
  made.tags = parse_tags(body.member("tags"));
  settings.head_wait_ms = parse_head_wait(made.tags);
  return made;
}

request parse_describe_environments(const json_place& body,
                                    const parse_context& context) {
  return describe_environments_request{
      parse_names(body.member("computeEnvironments"), context),
      parse_page(body, limits::page_size_max)};
}

request parse_update_environment(const json_place& body) {
  update_environment_request made;
  made.environment = parse_reference(body.member("computeEnvironment"));
  made.state = parse_state(body.member("state"));
  made.unmanaged_vcpus =
      body.member("unmanagedvCpus").optional_integer(0, vcpus_max);
  std::string resources_json;
  auto resources = body.member("computeResources");
  if (!resources.absent()) {
    auto parsed = parse_compute_resource_update(resources);
    made.min_vcpus = parsed.min_vcpus;
    made.max_vcpus = parsed.max_vcpus;
    made.desired_vcpus = parsed.desired_vcpus;
    resources_json = std::move(parsed.rest_json);
  }
  made.details_json = join_details(copy_kept_members(body), resources_json);
  return made;
}

request parse_delete_environment(const json_place& body) {
  return delete_environment_request{
      parse_reference(body.member("computeEnvironment"))};
}

std::string merge_details(std::string_view stored, std::string_view update) {
  auto merged = parse_object(stored);
  auto changes = parse_object(update);
  auto resources = changes.find("computeResources");
  if (resources != changes.end()) {
    auto& kept = merged["computeResources"];
    if (!kept.is_object())
      kept = json::object();
    if (resources->is_object())
      merge_members(kept, *resources);
    changes.erase(resources);
  }
  merge_members(merged, changes);
  return merged.dump(-1, ' ', false, json::error_handler_t::replace);
}

void print_changed_environment(json_writer& writer,
                               const object_response& response) {
  writer.begin_object();
  writer.member("computeEnvironmentName", response.name);
  writer.member("computeEnvironmentArn", response.arn);
  writer.end_object();
}

void print_environments(json_writer& writer,
                        const environments_response& response) {
  writer.begin_object();
  writer.key("computeEnvironments").begin_array();
  for (const auto& environment : response.environments)
    print_environment(writer, environment);
  writer.end_array();
  if (!response.next_token.empty())
    writer.member("nextToken", response.next_token);
  writer.end_object();
}

} // namespace berth::aws_batch
