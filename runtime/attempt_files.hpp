// Where an attempt's files are in the data folder.
//
//   work/<job>.<attempt>/                  its working folder, while it runs
//   output/<first two of job>/<job>.<attempt>.log   what it printed, if
//   anything
//
// <job> is the job's id, for a child of an array `<id>_<index>` (a colon would
// break PATH-like variables made of the working folder).
#pragma once

#include "messages/ids.hpp"

#include <optional>
#include <string>

namespace berth {

/// `<job>.<attempt>`.
std::string attempt_file_name(const attempt_id& attempt);
std::string working_folder_path(const std::string& data_folder,
                                const attempt_id& attempt);
/// The file exists once the attempt has printed something. Its format is in
/// `runtime/output_format.hpp`.
std::string output_file_path(const std::string& data_folder,
                             const attempt_id& attempt);
/// Whose output a file of that name, without its folder, is; nothing when it is
/// none's.
std::optional<attempt_id> parse_output_file_name(std::string name);

} // namespace berth
