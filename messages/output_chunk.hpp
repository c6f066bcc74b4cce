// What agents append to the topic `berth.output`: pieces of the files in which
// keepers write what attempts print (`runtime/output_format.hpp`). A piece
// names its place, so it may come twice, and a reader may begin anywhere.
#pragma once

#include "messages/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace berth {

/// Raised when a reader of this version could misread; a newer one is skipped.
constexpr uint32_t output_format_version = 1;
/// Bytes of a file in one chunk.
constexpr size_t output_chunk_bytes_max = 256 * 1024;

struct output_chunk {
  attempt_id attempt;
  /// Of the first byte in the attempt's file.
  int64_t position = 0;
  std::string bytes;
  /// The file ends with these bytes: its attempt is over.
  bool complete = false;
  BERTH_FIELDS(attempt, position, bytes, complete)
};

struct output_record {
  uint32_t format = output_format_version;
  output_chunk body;
  BERTH_FIELDS(format, body)
};

} // namespace berth
