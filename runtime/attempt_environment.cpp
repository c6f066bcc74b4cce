#include "runtime/attempt_environment.hpp"

#include "messages/assert.hpp"

#include <algorithm>
#include <string_view>

namespace berth {

namespace {

constexpr std::string_view reserved_prefix = "AWS_BATCH";

bool has_name(const std::string& variable, std::string_view name) {
  return variable.size() > name.size() && variable[name.size()] == '='
         && variable.compare(0, name.size(), name) == 0;
}

bool has(const std::vector<std::string>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& v) { return has_name(v, name); });
}

/// A name with `=` or a zero byte cannot be passed on.
bool can_be_passed(const key_value& variable) {
  return !variable.name.empty() && variable.name.find('=') == std::string::npos
         && variable.name.find('\0') == std::string::npos;
}

void set(std::vector<std::string>& list, const std::string& name,
         const std::string& value) {
  list.push_back(name + '=' + value);
}

void set_unless_there(std::vector<std::string>& list, const std::string& name,
                      const std::string& value) {
  if (!has(list, name))
    set(list, name, value);
}

} // namespace

std::string asked_working_folder(const job_spec& spec) {
  for (const auto& v : spec.container.environment)
    if (v.name == working_directory_variable)
      return v.value;
  return {};
}

std::vector<std::string>
make_attempt_environment(const start_attempt& start,
                         const std::vector<key_value>& node_environment,
                         const std::string& working_folder) {
  BERTH_ASSERT(start.spec, "a start carries the job's body");
  const auto& job = start.attempt.job;
  std::vector<std::string> list;
  list.reserve(16 + start.spec->container.environment.size());
  set(list, "AWS_BATCH_JOB_ID", to_string(job));
  set(list, "AWS_BATCH_JOB_ATTEMPT", std::to_string(start.attempt.number));
  set(list, "AWS_BATCH_CE_NAME", start.environment_name);
  set(list, "AWS_BATCH_JQ_NAME", start.queue_name);
  if (job.is_child()) {
    set(list, "AWS_BATCH_JOB_ARRAY_INDEX", std::to_string(job.index));
    set(list, "AWS_BATCH_JOB_ARRAY_SIZE",
        std::to_string(start.spec->array_size));
  }
  // Of two variables of one name the later counts.
  const auto& own = start.spec->container.environment;
  for (auto v = own.rbegin(); v != own.rend(); ++v)
    if (can_be_passed(*v) && !v->name.starts_with(reserved_prefix)
        && v->name != working_directory_variable)
      set_unless_there(list, v->name, v->value);
  for (const auto& v : node_environment)
    if (can_be_passed(v))
      set_unless_there(list, v.name, v.value);
  set_unless_there(list, "PATH", default_path);
  set_unless_there(list, "HOME", working_folder);
  set_unless_there(list, "AWS_EXECUTION_ENV", "AWS_ECS_EC2");
  return list;
}

std::string value_in(const std::vector<std::string>& environment,
                     const std::string& name) {
  for (const auto& v : environment)
    if (has_name(v, name))
      return v.substr(name.size() + 1);
  return {};
}

} // namespace berth
