// Writes what an attempt prints to its file: line by line, each with the time
// at which it was read, up to a limit.
#pragma once

#include "runtime/file_descriptor.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace berth {

class output_capture {
public:
  /// The file is made by the first byte, so a silent attempt has none.
  /// `bytes_max` limits the file; what is printed beyond is read and dropped,
  /// and a `cut` record says so.
  output_capture(std::string path, int64_t bytes_max)
      : path_(std::move(path)), bytes_max_(bytes_max) {}

  void take(std::string_view bytes, int64_t wall_ms);
  /// Whether there is something that a pause of the job should not hide.
  bool has_partial_line() const { return !line_.empty() && !is_cut_; }
  /// Writes what there is of a line whose end has not come, but for a character
  /// of UTF-8 that is not whole. What follows of the line becomes a line of its
  /// own; where only the newline follows, nothing does.
  void write_partial_line(int64_t wall_ms);
  /// Writes the last, unfinished line and the end. Nothing may follow.
  void finish(int64_t wall_ms);

  /// Why the file could not be written (the output is lost from there on, the
  /// attempt goes on); empty = all is well.
  const std::string& problem() const { return problem_; }

private:
  void add_line(std::string_view text, int64_t wall_ms);
  void write_pending();
  bool open();

  std::string path_;
  int64_t bytes_max_;
  int64_t bytes_ = 0;
  bool is_cut_ = false;
  file_descriptor file_;
  /// A line whose end has not been read yet, and whether its beginning has been
  /// written already.
  std::string line_;
  bool has_begun_ = false;
  std::string pending_;
  std::string problem_;
};

} // namespace berth
