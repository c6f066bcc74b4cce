// The file that says up to where a topic's partitions were read.
//
//   berth-cursors 1
//   <cluster id of the topic>
//   <next offset of partition 0>
//   ...
#pragma once

#include "storage/log.hpp"

#include <string>
#include <vector>

namespace berth {

/// The next offset of each partition; all 0 when there is no such file, or it
/// is another topic's, or damaged.
std::vector<log_offset> load_cursors(const std::string& path, const log& of);

/// Replaces the file, all or nothing. What was written to the folder's file
/// system before is on its disk before the cursors are. False and errno set
/// when that fails.
bool save_cursors(const std::string& path, const log& of,
                  const std::vector<log_offset>& cursors);

} // namespace berth
