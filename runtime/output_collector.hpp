// Brings what attempts print on other machines into this node's data folder, in
// the keeper's own layout (`runtime/attempt_files.hpp`), so that it is read
// here as if the jobs had run here.
//
//   output_cursors   where the partitions of the topic were read to, text
#pragma once

#include "messages/output_source.hpp"
#include "storage/log.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace berth {

struct output_collector_options {
  /// Must exist.
  std::string data_folder;
  /// Files that have not grown for so long are removed.
  int64_t retention_ms = 7LL * 24 * 60 * 60 * 1000;
  /// What is read again after a crash: at most what came in this time.
  int64_t save_interval_ms = 10'000;
};

struct output_collector_counters {
  uint64_t chunks = 0;
  uint64_t bytes = 0;
  /// Damaged, of a newer version, or too old to be kept.
  uint64_t passed_over = 0;
};

/// A chunk is written to its place, so that one which comes again changes
/// nothing. Where the place to read from is not in the topic any more, reading
/// begins at what there is. A disk that takes nothing stops the reading until
/// it does. Thread-safe.
class output_collector {
public:
  /// Reads all partitions of the topic, which outlives it, from where the
  /// folder says.
  output_collector(log& topic, output_collector_options options);
  /// Notes where it was.
  ~output_collector();
  output_collector(const output_collector&) = delete;
  output_collector& operator=(const output_collector&) = delete;

  /// Waits until everything that the topic holds of the attempt now has been
  /// written; false when that takes longer, or took longer just before.
  bool catch_up(const attempt_id& attempt, int timeout_ms);
  output_collector_counters counters() const;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

/// The collected output. It is not older than the question (rule Barrier),
/// unless the brokers do not answer within a second. The collector outlives it.
std::unique_ptr<output_source> make_collected_output(output_collector& from,
                                                     std::string data_folder);

/// Collects, and gives what was collected, as long as it lives.
std::unique_ptr<output_source> collect_output(std::unique_ptr<log> topic,
                                              output_collector_options options);

} // namespace berth
