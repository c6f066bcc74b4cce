#include "client/client_failure.hpp"
#include "client/commands.hpp"
#include "client/display_text.hpp"
#include "client/job_report.hpp"
#include "messages/job.hpp"

#include <chrono>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

namespace berth {

using nlohmann::json;

namespace {

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string upper(std::string text) {
  for (auto& c : text)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  return text;
}

[[noreturn]] void fail_unknown(const std::string& id) {
  throw client_failure(exit_status::failed,
                       "there is no job " + id
                           + "; see `berth jobs --all` for those there are");
}

void print(command_context& context, const table& what,
           const std::string& empty) {
  if (what.rows.empty())
    context.messages() << empty << "\n";
  else
    context.out() << print_table(what, context.out_terminal().width);
}

std::vector<std::string> queue_names(batch_api& api) {
  std::vector<std::string> names;
  for (const auto& queue :
       all_pages(api, "DescribeJobQueues", json::object(), "jobQueues"))
    names.push_back(queue.at("jobQueueName"));
  return names;
}

/// ListJobs' bodies that together find what is wanted of one selector.
std::vector<json> listings(const json& selector, const list_settings& wanted) {
  std::vector<json> bodies;
  auto add = [&](const char* name, const json& value) {
    auto body = selector;
    body[name] = value;
    bodies.push_back(std::move(body));
  };
  if (!wanted.status.empty()) {
    add("jobStatus", wanted.status);
    return bodies;
  }
  if (wanted.all) {
    add("filters", {{{"name", "AFTER_CREATED_AT"}, {"values", {"0"}}}});
    return bodies;
  }
  for (std::size_t s = 0; s < job_status_count; ++s)
    if (auto status = static_cast<job_status>(s); !is_terminal(status))
      add("jobStatus", to_string(status));
  return bodies;
}

environment_names fetch_environment_names(batch_api& api) {
  return names_of_environments(
      {{"computeEnvironments",
        all_pages(api, "DescribeComputeEnvironments", json::object(),
                  "computeEnvironments")}});
}

/// The details, each array's followed by those of its children.
json with_children(batch_api& api, const json& details) {
  auto all = json::array();
  for (const auto& detail : details) {
    all.push_back(detail);
    auto array = detail.value("arrayProperties", json::object());
    auto size = array.value("size", 0);
    std::vector<std::string> ids;
    for (int i = 0; i < size; ++i)
      ids.push_back(detail.at("jobId").get<std::string>() + ":"
                    + std::to_string(i));
    for (auto& child : describe_jobs(api, ids)) {
      child["jobName"] = child.at("jobName").get<std::string>() + ":"
                         + child.at("jobId").get<std::string>().substr(
                             detail.at("jobId").get<std::string>().size() + 1);
      all.push_back(std::move(child));
    }
  }
  return all;
}

} // namespace

int list_jobs(command_context& context, const list_settings& given) {
  auto settings = given;
  settings.status = upper(settings.status);
  if (!settings.status.empty() && !parse_job_status(settings.status))
    throw client_failure(exit_status::usage,
                         "--status " + given.status
                             + ": give one of SUBMITTED, PENDING, RUNNABLE, "
                               "STARTING, RUNNING, SUCCEEDED, FAILED");
  auto& api = context.api();
  auto queues = settings.queue.empty()
                    ? queue_names(api)
                    : std::vector<std::string>{settings.queue};
  auto jobs = json::array();
  for (const auto& queue : queues)
    for (const auto& body : listings({{"jobQueue", queue}}, settings))
      for (auto& job : all_pages(api, "ListJobs", body, "jobSummaryList",
                                 settings.limit - jobs.size())) {
        job["jobQueue"] = queue;
        jobs.push_back(std::move(job));
      }
  if (context.wants_json()) {
    context.print({{"jobSummaryList", jobs}});
    return exit_status::done;
  }
  print(context, table_of_summaries(jobs, now_ms()),
        settings.all || !settings.status.empty()
            ? "No such jobs."
            : "No jobs wait or run; --all lists those that have ended, too.");
  if (jobs.size() == settings.limit)
    context.messages() << "These are the first " << jobs.size()
                       << "; --limit shows more.\n";
  return exit_status::done;
}

int show_jobs(command_context& context, const show_settings& settings) {
  auto& api = context.api();
  auto details = describe_jobs(api, settings.ids);
  std::set<std::string> found;
  for (const auto& detail : details)
    found.insert(detail.at("jobId").get<std::string>());
  for (const auto& id : settings.ids)
    if (found.count(id) == 0)
      fail_unknown(id);
  if (settings.children && !context.wants_json())
    details = with_children(api, details);
  if (context.wants_json()) {
    context.print(details.size() == 1 ? details.front()
                                      : json{{"jobs", details}});
    return exit_status::done;
  }
  auto names = fetch_environment_names(api);
  auto width = context.out_terminal().width;
  if (settings.ids.size() == 1 && !settings.children)
    context.out() << print_job(details.front(), names, now_ms(), width);
  else
    context.out() << print_table(table_of_details(details, names, now_ms()),
                                 width);
  return exit_status::done;
}

int end_jobs(command_context& context, ending how,
             const std::vector<std::string>& ids, const std::string& reason) {
  auto& api = context.api();
  std::set<std::string> known;
  for (const auto& detail : describe_jobs(api, ids))
    known.insert(detail.at("jobId").get<std::string>());
  const auto* operation = how == ending::cancel ? "CancelJob" : "TerminateJob";
  auto asked = json::array();
  auto status = exit_status::done;
  for (const auto& id : ids) {
    // AWS answers 200 also where there is no such job.
    if (known.count(id) == 0) {
      context.messages() << "berth: there is no job " << id
                         << "; see `berth jobs --all`\n";
      status = exit_status::failed;
      continue;
    }
    api.call(operation, {{"jobId", id}, {"reason", reason}});
    asked.push_back(id);
  }
  if (context.wants_json())
    context.print({{"operation", operation}, {"jobIds", asked}});
  return status;
}

int explain_job(command_context& context, const std::string& id) {
  auto answer = context.api().why(id);
  if (context.wants_json()) {
    context.print(answer);
    return exit_status::done;
  }
  const auto& job = answer.at("job");
  context.out() << printable(job.value("jobName", id)) << " is "
                << job.value("status", "?") << ": "
                << answer.value("reason", "?");
  if (answer.contains("position"))
    context.out() << ", " << answer["position"] << " before it in queue "
                  << name_in_arn(job.value("jobQueue", ""));
  context.out() << "\n";
  for (const auto& sentence : answer.at("sentences"))
    context.out() << "- " << printable(sentence.get<std::string>()) << "\n";
  return exit_status::done;
}

namespace {

int list_objects(command_context& context, const std::string& operation,
                 const std::string& list, table (*print_all)(const json&),
                 const std::string& empty) {
  auto objects = all_pages(context.api(), operation, json::object(), list);
  if (context.wants_json())
    context.print({{list, objects}});
  else
    print(context, print_all(objects), empty);
  return exit_status::done;
}

constexpr const char* first_use =
    " The first `berth submit` makes one named default.";

} // namespace

int list_queues(command_context& context) {
  return list_objects(context, "DescribeJobQueues", "jobQueues",
                      table_of_queues,
                      std::string{"There are no queues."} + first_use);
}

int list_environments(command_context& context) {
  return list_objects(context, "DescribeComputeEnvironments",
                      "computeEnvironments", table_of_environments,
                      std::string{"There are no environments."} + first_use);
}

int list_definitions(command_context& context) {
  return list_objects(context, "DescribeJobDefinitions", "jobDefinitions",
                      table_of_definitions,
                      std::string{"There are no definitions."} + first_use);
}

int call_api(command_context& context, const std::string& operation,
             const std::string& body) {
  auto text = body;
  if (body == "-")
    text.assign(std::istreambuf_iterator<char>{std::cin}, {});
  auto parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object())
    throw client_failure(exit_status::usage,
                         "the body of " + operation
                             + " must be a JSON object, for example '{}'");
  context.print(context.api().call(operation, parsed));
  return exit_status::done;
}

} // namespace berth
