// What every fuzz target is: a function that libFuzzer calls with bytes it has
// made up. A target fails by BERTH_ASSERT, a sanitizer, a time-out or a lack
// of memory; libFuzzer then keeps the bytes.
#pragma once

#include "messages/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace berth::fuzz {

inline std::string_view text_of(const uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Up to the first line feed, which is taken off as well: inputs that have
/// several parts hold them in lines, so that people can read and write them.
inline std::string_view take_line(std::string_view& text) {
  auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

} // namespace berth::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size);
