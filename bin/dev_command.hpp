// `berth dev`: scheduler, local agents and API in one process on the embedded
// log, plus one keeper.
#pragma once

#include "bin/named_settings.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace berth {

struct dev_settings {
  std::string data_folder;
  /// HOST:PORT; port 0 = any.
  std::string listen = "127.0.0.1:9777";
  /// 0 = what the log has, or 1 for a new one.
  uint32_t shards = 0;
  /// What the local agents offer; nothing = the machine's own.
  std::optional<double> vcpus;
  std::optional<int64_t> memory_mib;
  bool check_signatures = false;
  int64_t attempt_timeout_min_s = 60;
  int64_t stop_grace_ms = 30'000;
  int64_t head_wait_ms = 60'000;
  int64_t retention_ms = 7LL * 24 * 60 * 60 * 1000;
  int64_t checkpoint_interval_ms = 1000;
  int64_t output_bytes_max = 16 * 1024 * 1024;
};

/// What `--set` can change.
named_settings names_of(dev_settings& settings);

/// Runs until a signal ends it. The exit status: 0 when asked to stop, 1 when
/// it could not start or go on (with a message that says what to do).
int run_dev(const dev_settings& settings);

} // namespace berth
