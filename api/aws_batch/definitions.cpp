#include "api/aws_batch/definitions.hpp"

#include "api/aws_batch/bounds.hpp"
#include "api/aws_batch/containers.hpp"
#include "api/aws_batch/pages.hpp"
#include "api/aws_batch/retries.hpp"
#include "api/aws_batch/tags.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace berth::aws_batch {

namespace {

constexpr const char* only_type = "container";

std::string parse_type(const json_place& place) {
  auto type = place.text();
  if (type == "multinode")
    throw refused{"type is multinode, which is not supported yet: it must be "
                  "container"};
  if (type != only_type)
    place.fail("must be container");
  return type;
}

std::vector<std::string> parse_capabilities(const json_place& place) {
  std::vector<std::string> capabilities;
  place.for_each_element([&](const json_place& element) {
    element.text();
    capabilities.push_back(*element.optional_choice({"EC2", "FARGATE"}));
  });
  return capabilities;
}

void print_definition(json_writer& json, const definition_object& object) {
  const auto& settings = object.settings;
  auto revision = std::to_string(object.revision);
  json.begin_object();
  json.member("jobDefinitionName", settings.name);
  json.member("jobDefinitionArn",
              make_arn(object.owner, resource_kind::job_definition,
                       settings.name + ":" + revision));
  json.member("revision", object.revision);
  json.member("status", object.active ? "ACTIVE" : "INACTIVE");
  json.member("type", settings.type);
  if (settings.scheduling_priority)
    json.member("schedulingPriority", *settings.scheduling_priority);
  json.member("parameters", settings.parameters);
  if (settings.retry)
    print_retry_strategy(json.key("retryStrategy"), *settings.retry);
  json.key("containerProperties").begin_object();
  print_container_members(json, settings.container);
  json.end_object();
  if (settings.timeout_ms)
    print_timeout(json.key("timeout"), *settings.timeout_ms);
  json.member("tags", object.tags);
  if (settings.propagate_tags)
    json.member("propagateTags", *settings.propagate_tags);
  if (!settings.platform_capabilities.empty())
    json.member("platformCapabilities", settings.platform_capabilities);
  json.member("containerOrchestrationType", "ECS");
  json.end_object();
}

} // namespace

request parse_register_definition(const json_place& body,
                                  const parse_context& context) {
  register_definition_request made;
  auto& settings = made.settings;
  settings.name = parse_new_name(body.member("jobDefinitionName"));
  settings.type = parse_type(body.member("type"));
  refuse_unsupported(body, {"nodeProperties", "ecsProperties", "eksProperties",
                            "consumableResourceProperties"});
  settings.platform_capabilities =
      parse_capabilities(body.member("platformCapabilities"));
  const auto& capabilities = settings.platform_capabilities;
  auto is_fargate =
      std::find(capabilities.begin(), capabilities.end(), "FARGATE")
      != capabilities.end();
  settings.parameters = body.member("parameters").text_map();
  settings.container = parse_container_properties(
      body.member("containerProperties"), is_fargate, context);
  settings.retry = parse_retry_strategy(body.member("retryStrategy"));
  settings.timeout_ms = parse_timeout(body.member("timeout"), context);
  settings.propagate_tags = body.member("propagateTags").optional_boolean();
  if (auto priority = body.member("schedulingPriority")
                          .optional_integer(0, scheduling_priority_max))
    settings.scheduling_priority = static_cast<int32_t>(*priority);
  made.tags = parse_tags(body.member("tags"));
  return made;
}

request parse_describe_definitions(const json_place& body,
                                   const parse_context& context) {
  describe_definitions_request made;
  made.definitions = parse_names(body.member("jobDefinitions"), context);
  made.name = body.member("jobDefinitionName").text_or_empty();
  if (auto status =
          body.member("status").optional_choice({"ACTIVE", "INACTIVE"}))
    made.active = *status == "ACTIVE";
  made.page = parse_page(body, limits::page_size_max);
  return made;
}

request parse_deregister_definition(const json_place& body) {
  return deregister_definition_request{
      parse_reference(body.member("jobDefinition"))};
}

void print_registered_definition(json_writer& json,
                                 const object_response& response) {
  json.begin_object();
  json.member("jobDefinitionName", response.name);
  json.member("jobDefinitionArn", response.arn);
  json.member("revision", response.revision);
  json.end_object();
}

void print_definitions(json_writer& json,
                       const definitions_response& response) {
  json.begin_object();
  json.key("jobDefinitions").begin_array();
  for (const auto& definition : response.definitions)
    print_definition(json, definition);
  json.end_array();
  if (!response.next_token.empty())
    json.member("nextToken", response.next_token);
  json.end_object();
}

} // namespace berth::aws_batch
