// The file of what an attempt printed (`runtime/attempt_files.hpp` says where).
//
//   file   = magic record*
//   magic  = "berthlg1"
//   record = head time text head
//   head   = 4 bytes, little-endian: kind in the upper 4 bits, length of text
//            below
//   time   = 8 bytes, little-endian: wall clock in ms since 1970
//   text   = a line without its newline, as the job wrote it
//
// The head stands at both ends so that a reader can go backwards. A record that
// is not whole yet (the keeper is writing, or died) ends the file. Positions
// are byte offsets of records; they stay valid while the file grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth {

constexpr std::string_view output_magic = "berthlg1";
constexpr size_t output_head_bytes = 4;
constexpr size_t output_record_overhead = 2 * output_head_bytes + 8;
/// Longer lines are cut into several; below CloudWatch's limit of an event.
constexpr size_t output_line_bytes_max = 64 * 1024;

enum class output_kind : uint8_t {
  line = 0,
  /// Berth says that the output was cut here.
  cut = 1,
  /// The attempt has ended: nothing follows. The text is empty.
  end = 2,
};

inline void append_little_endian(std::string& out, uint64_t value,
                                 size_t bytes) {
  for (size_t i = 0; i < bytes; ++i)
    out += static_cast<char>(value >> (8 * i) & 0xff);
}

inline uint64_t read_little_endian(const char* at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i)
    value |= static_cast<uint64_t>(static_cast<uint8_t>(at[i])) << (8 * i);
  return value;
}

constexpr uint32_t output_head(output_kind kind, size_t length) {
  return static_cast<uint32_t>(kind) << 28 | static_cast<uint32_t>(length);
}

inline void append_output_record(std::string& out, output_kind kind,
                                 int64_t time_ms, std::string_view text) {
  auto head = output_head(kind, text.size());
  append_little_endian(out, head, output_head_bytes);
  append_little_endian(out, static_cast<uint64_t>(time_ms), 8);
  out += text;
  append_little_endian(out, head, output_head_bytes);
}

} // namespace berth
