#include "client/job_report.hpp"

#include "client/display_text.hpp"
#include "messages/job.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace berth {

using nlohmann::json;

namespace {

constexpr const char* none = "-";

const json& member(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object())
    return nothing;
  auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::string text(const json& value) {
  if (value.is_string())
    return value.get<std::string>();
  return value.is_null() ? std::string{} : value.dump();
}

std::string text(const json& object, const char* name) {
  return text(member(object, name));
}

std::string or_dash(std::string value) {
  return value.empty() ? none : std::move(value);
}

int64_t number(const json& object, const char* name) {
  const auto& value = member(object, name);
  return value.is_number_integer() ? value.get<int64_t>() : 0;
}

std::string name_of(const json& job) {
  auto name = text(job, "jobName");
  const auto& array = member(job, "arrayProperties");
  if (auto size = number(array, "size"))
    name += "[" + std::to_string(size) + "]";
  return name;
}

std::string time_taken(const json& job, int64_t now_ms) {
  auto started = number(job, "startedAt");
  if (started <= 0)
    return none;
  auto stopped = number(job, "stoppedAt");
  return print_duration((stopped > 0 ? stopped : now_ms) - started);
}

std::string print_exit_code(const json& container) {
  return or_dash(text(container, "exitCode"));
}

/// `arn:...:container-instance/<environment's uuid>/<agent>`.
std::string environment_of(const json& container,
                           const environment_names& environments) {
  constexpr std::string_view kind = ":container-instance/";
  auto arn = text(container, "containerInstanceArn");
  auto at = arn.find(kind);
  if (at == std::string::npos)
    return none;
  auto rest = arn.substr(at + kind.size());
  auto slash = rest.find('/');
  if (slash == std::string::npos)
    return none;
  auto known = environments.find(rest.substr(0, slash));
  return known == environments.end() ? "(deleted)" : known->second;
}

std::string join(const json& list) {
  std::string all;
  for (const auto& element : list)
    all += (all.empty() ? "" : " ") + text(element);
  return all;
}

std::string print_needs(const json& container) {
  std::string vcpus = text(container, "vcpus");
  std::string memory = text(container, "memory");
  for (const auto& need : member(container, "resourceRequirements")) {
    auto type = text(need, "type");
    (type == "VCPU"     ? vcpus
     : type == "MEMORY" ? memory
                        : vcpus) = text(need, "value");
  }
  return or_dash(vcpus) + " vCPU, " + or_dash(memory) + " MiB";
}

std::string print_children(const json& array) {
  std::string out;
  for (std::size_t s = 0; s < job_status_count; ++s) {
    const auto* name = to_string(static_cast<job_status>(s));
    if (auto count = number(member(array, "statusSummary"), name))
      out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  }
  return out;
}

std::string print_dependencies(const json& list) {
  std::string out;
  for (const auto& one : list) {
    auto id = text(one, "jobId");
    auto type = text(one, "type");
    out += (out.empty() ? "" : " ") + id;
    if (!type.empty())
      out += (id.empty() ? "" : ",") + type;
  }
  return out;
}

const json& last_container(const json& detail) {
  const auto& container = member(detail, "container");
  const auto& attempts = member(detail, "attempts");
  if (!member(container, "containerInstanceArn").is_null()
      || !attempts.is_array() || attempts.empty())
    return container;
  return member(attempts.back(), "container");
}

table table_of_attempts(const json& attempts,
                        const environment_names& environments, int64_t now_ms) {
  table t;
  t.columns = {{"ATTEMPT", column_side::right},
               {"ENVIRONMENT", column_side::left, true, 2},
               {"STARTED", column_side::left, false, 3},
               {"TIME", column_side::right, false, 4},
               {"EXIT", column_side::right, false, 5},
               {"REASON", column_side::left, true, 1}};
  int number_of = 0;
  for (const auto& attempt : attempts) {
    const auto& container = member(attempt, "container");
    auto reason = text(container, "reason");
    t.rows.push_back({std::to_string(++number_of),
                      environment_of(container, environments),
                      print_local_time(number(attempt, "startedAt"), now_ms),
                      time_taken(attempt, now_ms), print_exit_code(container),
                      reason.empty() ? text(attempt, "statusReason") : reason});
  }
  return t;
}

/// A titled line; nothing for an empty value.
void add_line(std::string& out, const std::string& title,
              const std::string& value) {
  constexpr std::size_t title_width = 13;
  if (!value.empty())
    out += padded(title, title_width) + printable(value) + "\n";
}

} // namespace

environment_names names_of_environments(const json& answer) {
  environment_names names;
  for (const auto& environment : member(answer, "computeEnvironments"))
    names[text(environment, "uuid")] =
        text(environment, "computeEnvironmentName");
  return names;
}

table table_of_summaries(const json& summaries, int64_t now_ms) {
  table t;
  t.columns = {{"ID"},
               {"NAME", column_side::left, true, 6},
               {"STATUS", column_side::left, false, 7},
               {"QUEUE", column_side::left, true, 3},
               {"CREATED", column_side::left, false, 2},
               {"TIME", column_side::right, false, 4},
               {"EXIT", column_side::right, false, 5},
               {"REASON", column_side::left, true, 1}};
  for (const auto& job : summaries)
    t.rows.push_back({text(job, "jobId"), name_of(job), text(job, "status"),
                      std::string{name_in_arn(text(job, "jobQueue"))},
                      print_local_time(number(job, "createdAt"), now_ms),
                      time_taken(job, now_ms),
                      print_exit_code(member(job, "container")),
                      text(job, "statusReason")});
  return t;
}

table table_of_details(const json& details,
                       const environment_names& environments, int64_t now_ms) {
  table t;
  t.columns = {{"NAME", column_side::left, true},
               {"ID", column_side::left, true, 1},
               {"STATUS", column_side::left, false, 9},
               {"QUEUE", column_side::left, true, 7},
               {"ENVIRONMENT", column_side::left, true, 6},
               {"ATTEMPTS", column_side::right, false, 5},
               {"CREATED", column_side::left, false, 2},
               {"STARTED", column_side::left, false, 3},
               {"STOPPED", column_side::left, false, 3},
               {"TIME", column_side::right, false, 4},
               {"EXIT", column_side::right, false, 8}};
  for (const auto& job : details) {
    const auto& attempts = member(job, "attempts");
    auto is_array = number(member(job, "arrayProperties"), "size") > 0;
    t.rows.push_back({name_of(job), text(job, "jobId"), text(job, "status"),
                      std::string{name_in_arn(text(job, "jobQueue"))},
                      environment_of(last_container(job), environments),
                      is_array ? none : std::to_string(attempts.size()),
                      print_local_time(number(job, "createdAt"), now_ms),
                      print_local_time(number(job, "startedAt"), now_ms),
                      print_local_time(number(job, "stoppedAt"), now_ms),
                      time_taken(job, now_ms),
                      print_exit_code(member(job, "container"))});
  }
  return t;
}

std::string print_job(const json& detail, const environment_names& environments,
                      int64_t now_ms, std::size_t width) {
  const auto& container = member(detail, "container");
  const auto& attempts = member(detail, "attempts");
  const auto& array = member(detail, "arrayProperties");
  std::string out;
  add_line(out, "Job", text(detail, "jobId"));
  add_line(out, "Name", name_of(detail));
  auto reason = text(detail, "statusReason");
  add_line(out, "Status",
           text(detail, "status") + (reason.empty() ? "" : ": " + reason));
  add_line(out, "Children", print_children(array));
  add_line(out, "Queue", std::string{name_in_arn(text(detail, "jobQueue"))});
  add_line(out, "Definition",
           std::string{name_in_arn(text(detail, "jobDefinition"))});
  add_line(out, "Command", join(member(container, "command")));
  add_line(out, "Needs", print_needs(container));
  add_line(out, "Depends on", print_dependencies(member(detail, "dependsOn")));
  add_line(out, "Created",
           print_local_time(number(detail, "createdAt"), now_ms));
  if (number(detail, "startedAt") > 0) {
    auto ran_in = environment_of(last_container(detail), environments);
    add_line(out, "Started",
             print_local_time(number(detail, "startedAt"), now_ms));
    add_line(out, "Environment", ran_in == none ? "" : ran_in);
  }
  if (number(detail, "stoppedAt") > 0)
    add_line(out, "Stopped",
             print_local_time(number(detail, "stoppedAt"), now_ms) + " after "
                 + time_taken(detail, now_ms));
  add_line(out, "Exit code", text(container, "exitCode"));
  add_line(out, "Reason", text(container, "reason"));
  if (attempts.is_array() && !attempts.empty())
    out +=
        "\n"
        + print_table(table_of_attempts(attempts, environments, now_ms), width);
  return out;
}

table table_of_queues(const json& queues) {
  table t;
  t.columns = {{"NAME", column_side::left, true},
               {"PRIORITY", column_side::right, false, 4},
               {"STATE", column_side::left, false, 3},
               {"STATUS", column_side::left, false, 2},
               {"ENVIRONMENTS", column_side::left, true, 5}};
  for (const auto& queue : queues) {
    std::string environments;
    for (const auto& entry : member(queue, "computeEnvironmentOrder")) {
      auto arn = text(entry, "computeEnvironment");
      environments += (environments.empty() ? "" : ", ");
      environments += name_in_arn(arn);
    }
    t.rows.push_back({text(queue, "jobQueueName"), text(queue, "priority"),
                      text(queue, "state"), text(queue, "status"),
                      environments});
  }
  return t;
}

table table_of_environments(const json& environments) {
  table t;
  t.columns = {{"NAME", column_side::left, true},
               {"TYPE", column_side::left, false, 2},
               {"STATE", column_side::left, false, 4},
               {"STATUS", column_side::left, false, 3},
               {"MIN VCPUS", column_side::right, false, 1},
               {"DESIRED", column_side::right, false, 5},
               {"MAX VCPUS", column_side::right, false, 6}};
  for (const auto& one : environments) {
    const auto& resources = member(one, "computeResources");
    t.rows.push_back(
        {text(one, "computeEnvironmentName"), text(one, "type"),
         text(one, "state"), text(one, "status"),
         or_dash(text(resources, "minvCpus")),
         or_dash(text(resources, "desiredvCpus")),
         or_dash(resources.is_null() ? text(one, "unmanagedvCpus")
                                     : text(resources, "maxvCpus"))});
  }
  return t;
}

table table_of_definitions(const json& definitions) {
  table t;
  t.columns = {{"NAME", column_side::left, true},
               {"REVISION", column_side::right, false, 5},
               {"STATUS", column_side::left, false, 4},
               {"NEEDS", column_side::left, false, 2},
               {"COMMAND", column_side::left, true, 3}};
  for (const auto& one : definitions) {
    const auto& container = member(one, "containerProperties");
    t.rows.push_back({text(one, "jobDefinitionName"), text(one, "revision"),
                      text(one, "status"), print_needs(container),
                      join(member(container, "command"))});
  }
  return t;
}

std::optional<int> exit_code_of(const json& detail) {
  const auto& code = member(member(detail, "container"), "exitCode");
  if (!code.is_number_integer())
    return std::nullopt;
  return code.get<int>();
}

std::vector<std::string> log_streams_of(const json& detail) {
  std::vector<std::string> streams;
  auto add = [&](const json& container) {
    auto name = text(container, "logStreamName");
    if (!name.empty()
        && std::find(streams.begin(), streams.end(), name) == streams.end())
      streams.push_back(name);
  };
  for (const auto& attempt : member(detail, "attempts"))
    add(member(attempt, "container"));
  add(member(detail, "container"));
  return streams;
}

} // namespace berth
