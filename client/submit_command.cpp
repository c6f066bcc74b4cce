#include "client/client_failure.hpp"
#include "client/commands.hpp"
#include "client/job_report.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace berth {

using nlohmann::json;

namespace {

submitter this_process() {
  submitter from;
  std::error_code failure;
  from.working_directory = std::filesystem::current_path(failure).string();
  if (failure)
    throw client_failure(exit_status::usage,
                         "the present directory cannot be used: "
                             + failure.message());
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    if (auto equals = text.find('='); equals != std::string::npos)
      from.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return from;
}

bool is_empty(batch_api& api, const std::string& operation, const json& body,
              const char* list) {
  return api.call(operation, body).at(list).empty();
}

/// Another `berth submit` may make it at the same time.
void create(batch_api& api, const std::string& operation, const json& body) {
  try {
    api.call(operation, body);
  } catch (const call_refused& refusal) {
    if (std::string{refusal.what()}.find("already exists") == std::string::npos)
      throw;
  }
}

/// Makes what of environment, queue and definition named `default` is needed
/// and not there. False: all was there.
bool make_defaults(batch_api& api, const submit_settings& settings) {
  bool made = false;
  json names = json::array({default_name});
  if (settings.queue == default_name
      && is_empty(api, "DescribeJobQueues", {{"jobQueues", names}},
                  "jobQueues")) {
    if (is_empty(api, "DescribeComputeEnvironments",
                 {{"computeEnvironments", names}}, "computeEnvironments"))
      create(api, "CreateComputeEnvironment", default_environment_request());
    create(api, "CreateJobQueue", default_queue_request());
    made = true;
  }
  if (settings.definition == default_name
      && is_empty(api, "DescribeJobDefinitions",
                  {{"jobDefinitionName", default_name}, {"status", "ACTIVE"}},
                  "jobDefinitions")) {
    api.call("RegisterJobDefinition", default_definition_request());
    made = true;
  }
  return made;
}

json submit(batch_api& api, const submit_settings& settings,
            const json& submission) {
  try {
    return api.call("SubmitJob", submission);
  } catch (const call_refused& refusal) {
    if (refusal.http_status() != 400 || !make_defaults(api, settings))
      throw;
  }
  return api.call("SubmitJob", submission);
}

} // namespace

int submit_command(command_context& context, const submit_settings& settings,
                   bool wait) {
  auto submission = make_submission(settings, this_process());
  if (const auto* wrong = std::get_if<std::string>(&submission))
    throw client_failure(exit_status::usage, *wrong);
  auto& api = context.api();
  auto answer = submit(api, settings, std::get<json>(submission));
  auto id = answer.at("jobId").get<std::string>();
  if (!wait) {
    if (context.wants_json())
      context.print(answer);
    else
      context.out() << id << "\n";
    return exit_status::done;
  }
  auto succeeded = watch_jobs(context, {id}, true);
  auto details = describe_jobs(api, {id});
  if (context.wants_json() && !details.empty())
    context.print(details.front());
  else if (!context.wants_json())
    context.out() << id << "\n";
  if (succeeded)
    return exit_status::done;
  auto code = details.empty() ? std::nullopt : exit_code_of(details.front());
  return code.value_or(0) == 0 ? exit_status::failed : *code;
}

} // namespace berth
