#include "runtime/attempt_files.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace berth {

std::string attempt_file_name(const attempt_id& attempt) {
  auto name = to_string(attempt.job.id);
  if (attempt.job.is_child())
    name += '_' + std::to_string(attempt.job.index);
  return name + '.' + std::to_string(attempt.number);
}

std::string working_folder_path(const std::string& data_folder,
                                const attempt_id& attempt) {
  return data_folder + "/work/" + attempt_file_name(attempt);
}

std::string output_file_path(const std::string& data_folder,
                             const attempt_id& attempt) {
  auto name = attempt_file_name(attempt);
  return data_folder + "/output/" + name.substr(0, 2) + '/' + name + ".log";
}

std::optional<attempt_id> parse_output_file_name(std::string name) {
  constexpr std::string_view ending = ".log";
  if (!name.ends_with(ending))
    return std::nullopt;
  name.resize(name.size() - ending.size());
  auto dot = name.rfind('.');
  if (dot == std::string::npos)
    return std::nullopt;
  attempt_id attempt;
  const auto* end = name.data() + name.size();
  auto [rest, error] =
      std::from_chars(name.data() + dot + 1, end, attempt.number);
  auto job = name.substr(0, dot);
  std::replace(job.begin(), job.end(), '_', ':');
  auto key = parse_job_key(job);
  if (error != std::errc{} || rest != end || !key)
    return std::nullopt;
  attempt.job = *key;
  return attempt;
}

} // namespace berth
