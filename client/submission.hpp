// The requests that `berth submit` makes. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// The name of the environment, queue and definition that the first `berth
/// submit` makes.
constexpr const char* default_name = "default";
/// The default environment takes what its agent has, up to this.
constexpr int default_vcpus_max = 256;
/// What a job of the default definition gets unless it asks for something else.
constexpr int default_job_vcpus = 1;
constexpr int default_job_memory_mib = 1024;

struct submit_settings {
  std::string queue = default_name;
  std::string definition = default_name;
  /// Empty = the command's name.
  std::string name;
  uint32_t array_size = 0;
  /// `ID`, `ID,N_TO_N`, `ID,SEQUENTIAL` or `SEQUENTIAL`.
  std::vector<std::string> depends_on;
  std::optional<int> attempts;
  std::optional<int64_t> timeout_s;
  /// As AWS takes them, e.g. `0.5`.
  std::string vcpus;
  std::optional<int64_t> memory_mib;
  /// NAME=VALUE, or NAME for the caller's own value.
  std::vector<std::string> environment;
  std::vector<std::string> command;
};

/// What a job gets of its submitter.
struct submitter {
  std::string working_directory;
  std::map<std::string, std::string> environment;
};

/// SubmitJob's body, or what is wrong with the settings.
std::variant<nlohmann::json, std::string>
make_submission(const submit_settings& settings, const submitter& from);

/// A job's name made of a command: its last path component, with only what AWS
/// allows in names.
std::string name_of_command(const std::string& program);

nlohmann::json default_environment_request();
nlohmann::json default_queue_request();
nlohmann::json default_definition_request();

} // namespace berth
