// The embedded log: one machine, one process, RocksDB in one folder.
//
// One thread writes: whatever gathered while the disk was busy, in all
// partitions, becomes one write with one sync. A reading at the end of its
// partition is given new records from memory by that thread; one that is behind
// reads from disk in a thread of its own until it has caught up.
#pragma once

#include "storage/log.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace berth {

/// Below this much free disk space appends are refused, so that what is in
/// hand can still be finished.
constexpr uint64_t log_free_bytes_min = 64 * 1024 * 1024;

struct local_log_options {
  std::filesystem::path folder = {};
  /// What the log must have, 1 to `log_partitions_max`; 0 takes what is there,
  /// and 1 for a new log.
  uint32_t partitions = 0;
  /// What the log must be called; a random UUID for a new log when empty.
  std::string cluster_id = {};
  /// Whether a folder that does not exist is made. The parent must exist.
  bool create_if_missing = true;
  /// Reads only, and leaves the folder as it is; appends are refused. Another
  /// process must not be writing.
  bool read_only = false;
  size_t pending_bytes_max = log_pending_bytes_max;
  uint64_t free_bytes_min = log_free_bytes_min;
  /// Milliseconds since the epoch; the wall clock when empty. Called by the
  /// writing thread. Append times never go backwards, whatever it says.
  std::function<int64_t()> now_ms = {};
};

struct local_log_result {
  std::unique_ptr<log> opened;
  storage_error error;
};

/// Opens the log, or makes a new one. `fatal` when it is in use, damaged, of a
/// newer version, or not the one that the options say; each message tells what
/// to do. An I/O error later on is `fatal` too: outstanding appends are
/// `unknown` and all further ones refused.
local_log_result open_local_log(const local_log_options& options);

} // namespace berth
