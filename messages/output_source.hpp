// Where the output of attempts is read, whoever keeps it.
#pragma once

#include "messages/ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace berth {

struct printed_line {
  int64_t at_ms = 0;
  /// Of the line in its attempt's output; grows, stays the same for good.
  int64_t position = 0;
  /// Without its newline, as the job wrote it: it need not be UTF-8.
  std::string text;
  BERTH_FIELDS(at_ms, position, text)
};

/// A run of consecutive lines, oldest first.
struct printed_lines {
  std::vector<printed_line> lines;
  /// Positions before the first line and after the last: read on from `end`,
  /// or read before `begin`.
  int64_t begin = 0;
  int64_t end = 0;
  /// Nothing lies beyond in the direction of reading, for now.
  bool is_at_end = true;
  BERTH_FIELDS(lines, begin, end, is_at_end)
};

struct printed_lines_limits {
  size_t lines_max = 10'000;
  /// At least one line is read, if there is one, whatever this says.
  size_t bytes_max = 1024 * 1024;
};

struct printed_attempt {
  attempt_id attempt;
  /// When its output grew last.
  int64_t changed_ms = 0;
  int64_t bytes = 0;
  BERTH_FIELDS(attempt, changed_ms, bytes)
};

/// Reads files, so it may block its caller for a moment. Thread-safe. An
/// attempt without output is one with no lines.
class output_source {
public:
  virtual ~output_source() = default;

  /// The attempts that have printed something, of all accounts; when there are
  /// more than `limit`, those that printed last.
  virtual std::vector<printed_attempt> attempts(size_t limit) = 0;

  /// The lines from a position on; 0 = the first.
  virtual printed_lines read(const attempt_id& attempt, int64_t from,
                             const printed_lines_limits& limits) = 0;

  /// The last lines before a position; -1 = the end.
  virtual printed_lines read_before(const attempt_id& attempt, int64_t before,
                                    const printed_lines_limits& limits) = 0;
};

} // namespace berth
