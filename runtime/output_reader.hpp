// Reads what an attempt printed, also while it runs and from another process
// than the keeper's.
#pragma once

#include "runtime/output_format.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace berth {

struct output_event {
  int64_t time_ms = 0;
  std::string text;
  output_kind kind = output_kind::line;
};

/// A run of consecutive events, oldest first; never an `end` event.
struct output_page {
  std::vector<output_event> events;
  /// Positions before the first event and after the last. To follow, read on
  /// from `end`; to go back, read before `begin`.
  int64_t begin = 0;
  int64_t end = 0;
  /// Nothing is there beyond `end` (forwards) or before `begin` (backwards),
  /// for now.
  bool is_at_end = false;
  /// The attempt's last event was reached: nothing will follow.
  bool is_complete = false;
};

struct output_page_limits {
  size_t events_max = 10'000;
  size_t bytes_max = 1024 * 1024;
};

/// The events from a position on; 0 = the first. A file that does not exist is
/// empty, a position beyond its end or not of a record reads as the end. At
/// least one event, if there is one, whatever `bytes_max` says.
output_page read_output(const std::string& path, int64_t from,
                        const output_page_limits& limits);
/// The last events before a position; -1 = the end of the file.
output_page read_output_before(const std::string& path, int64_t before,
                               const output_page_limits& limits);

/// Whether the file is there in full: the attempt's last event ends it.
bool is_complete_output(const std::string& path);

} // namespace berth
