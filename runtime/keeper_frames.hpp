// Frames of the keeper's socket and journal: a 4-byte little-endian length and
// that many bytes, at most `keeper_frame_bytes_max`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// Requires a body of at most `keeper_frame_bytes_max`.
void append_frame(std::string& out, std::string_view body);

/// Cuts a stream of bytes into frames.
class frame_reader {
public:
  void append(std::string_view bytes);
  /// The next whole frame, valid until the next call of `append` or `next`.
  std::optional<std::string_view> next();
  /// Whether a length was beyond the limit; nothing more can be read then.
  bool is_damaged() const { return is_damaged_; }
  /// Bytes of an unfinished frame.
  size_t pending() const { return bytes_.size() - read_; }

private:
  std::string bytes_;
  size_t read_ = 0;
  bool is_damaged_ = false;
};

} // namespace berth
