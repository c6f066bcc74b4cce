#include "client/submission.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace berth {

using nlohmann::json;

namespace {

constexpr std::size_t name_length_max = 128;
constexpr const char* working_directory_variable = "BERTH_WORKING_DIRECTORY";
/// The job finds programs and files as its submitter does.
constexpr const char* passed_on[] = {"PATH", "HOME"};

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
         || (c >= 'A' && c <= 'Z');
}

/// An error of the settings, within this file.
struct wrong_setting {
  std::string message;
};

json parse_dependency(const std::string& text) {
  auto comma = text.find(',');
  auto id = text.substr(0, comma);
  auto type = comma == std::string::npos ? "" : text.substr(comma + 1);
  if (comma == std::string::npos && id == "SEQUENTIAL")
    return {{"type", id}};
  bool is_type = type.empty() || type == "N_TO_N" || type == "SEQUENTIAL";
  if (id.empty() || !is_type || (comma != std::string::npos && type.empty()))
    throw wrong_setting{"--depends-on " + text
                        + ": give ID, ID,N_TO_N, ID,SEQUENTIAL or SEQUENTIAL"};
  json dependency{{"jobId", id}};
  if (!type.empty())
    dependency["type"] = type;
  return dependency;
}

json parse_environment(const submit_settings& settings, const submitter& from) {
  std::map<std::string, std::string> variables{
      {working_directory_variable, from.working_directory}};
  for (const auto* name : passed_on)
    if (auto found = from.environment.find(name);
        found != from.environment.end())
      variables[name] = found->second;
  for (const auto& text : settings.environment) {
    auto equals = text.find('=');
    auto name = text.substr(0, equals);
    auto own = from.environment.find(name);
    if (name.empty()
        || (equals == std::string::npos && own == from.environment.end()))
      throw wrong_setting{"--env " + text
                          + ": give NAME=VALUE, or the NAME of a variable "
                            "that is set here"};
    variables[name] =
        equals == std::string::npos ? own->second : text.substr(equals + 1);
  }
  auto list = json::array();
  for (const auto& [name, value] : variables)
    list.push_back({{"name", name}, {"value", value}});
  return list;
}

json make_overrides(const submit_settings& settings, const submitter& from) {
  json overrides{{"command", settings.command},
                 {"environment", parse_environment(settings, from)}};
  auto needs = json::array();
  if (!settings.vcpus.empty())
    needs.push_back({{"type", "VCPU"}, {"value", settings.vcpus}});
  if (settings.memory_mib)
    needs.push_back(
        {{"type", "MEMORY"}, {"value", std::to_string(*settings.memory_mib)}});
  if (!needs.empty())
    overrides["resourceRequirements"] = std::move(needs);
  return overrides;
}

json make_body(const submit_settings& settings, const submitter& from) {
  if (settings.command.empty())
    throw wrong_setting{"no command: give it after --, for example: berth "
                        "submit -- echo hello"};
  json body{{"jobName", settings.name.empty()
                            ? name_of_command(settings.command.front())
                            : settings.name},
            {"jobQueue", settings.queue},
            {"jobDefinition", settings.definition},
            {"containerOverrides", make_overrides(settings, from)}};
  if (settings.array_size > 0)
    body["arrayProperties"] = {{"size", settings.array_size}};
  for (const auto& text : settings.depends_on)
    body["dependsOn"].push_back(parse_dependency(text));
  if (settings.attempts)
    body["retryStrategy"] = {{"attempts", *settings.attempts}};
  if (settings.timeout_s)
    body["timeout"] = {{"attemptDurationSeconds", *settings.timeout_s}};
  return body;
}

} // namespace

std::variant<json, std::string> make_submission(const submit_settings& settings,
                                                const submitter& from) {
  using outcome = std::variant<json, std::string>;
  try {
    return outcome{std::in_place_index<0>, make_body(settings, from)};
  } catch (const wrong_setting& wrong) {
    return outcome{std::in_place_index<1>, wrong.message};
  }
}

std::string name_of_command(const std::string& program) {
  auto slash = program.rfind('/');
  auto name = slash == std::string::npos ? program : program.substr(slash + 1);
  std::erase_if(
      name, [](char c) { return !is_alphanumeric(c) && c != '-' && c != '_'; });
  auto first = std::find_if(name.begin(), name.end(), is_alphanumeric);
  name.erase(name.begin(), first);
  return name.empty() ? "job" : name.substr(0, name_length_max);
}

json default_environment_request() {
  return {{"computeEnvironmentName", default_name},
          {"type", "MANAGED"},
          {"state", "ENABLED"},
          {"computeResources",
           {{"type", "EC2"},
            {"minvCpus", 0},
            {"maxvCpus", default_vcpus_max},
            {"instanceTypes", {"optimal"}},
            {"subnets", json::array()},
            {"instanceRole", "berth"}}}};
}

json default_queue_request() {
  return {{"jobQueueName", default_name},
          {"state", "ENABLED"},
          {"priority", 1},
          {"computeEnvironmentOrder",
           {{{"order", 1}, {"computeEnvironment", default_name}}}}};
}

json default_definition_request() {
  return {{"jobDefinitionName", default_name},
          {"type", "container"},
          {"containerProperties",
           {{"image", "local"},
            {"command", {"true"}},
            {"resourceRequirements",
             {{{"type", "VCPU"}, {"value", std::to_string(default_job_vcpus)}},
              {{"type", "MEMORY"},
               {"value", std::to_string(default_job_memory_mib)}}}}}}};
}

} // namespace berth
