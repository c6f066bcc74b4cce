// Brings what attempts print from the keeper's files to the topic of outputs,
// as it is printed, and says when an attempt's output is there in full.
#pragma once

#include "messages/ids.hpp"
#include "messages/output_chunk.hpp"
#include "storage/log.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace berth {

/// Bytes on their way to the topic; what comes on top waits in its files.
constexpr size_t output_in_flight_bytes_max = 8 * 1024 * 1024;
/// How long the end of an attempt is kept back because the brokers do not take
/// its output.
constexpr int64_t output_hold_ms_max = 30'000;
/// Files that no attempt's end was told of (the keeper died) are removed when
/// they have not grown for so long.
constexpr int64_t output_leftover_ms_max = 7LL * 24 * 60 * 60 * 1000;

/// The partition of the topic that holds an attempt's output.
shard_id output_partition(const attempt_id& attempt, uint32_t partitions);

struct output_shipper_options {
  std::string data_folder;
  int64_t hold_ms = output_hold_ms_max;
  size_t in_flight_bytes_max = output_in_flight_bytes_max;
};

/// A file is removed once its attempt is finished and all of it acknowledged,
/// so what there is at start was not shipped in full: it is shipped again from
/// its beginning.
///
/// Thread-safe.
class output_shipper {
public:
  /// `topic` outlives the shipper.
  output_shipper(log& topic, output_shipper_options options);
  ~output_shipper();
  output_shipper(const output_shipper&) = delete;
  output_shipper& operator=(const output_shipper&) = delete;

  /// The attempt is over, its file complete. Calls `settled` once its output
  /// was acknowledged, or `hold_ms` are over; from a thread of the shipper.
  void finish(const attempt_id& attempt, std::function<void()> settled);

private:
  class worker;
  std::unique_ptr<worker> worker_;
};

} // namespace berth
