#include "runtime/attempt_files.hpp"

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

} // namespace berth
