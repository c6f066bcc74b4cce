#include "storage/keyed_record.hpp"

#include "messages/assert.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace berth {

namespace {

constexpr size_t length_digits = 8;

} // namespace

std::string join_keyed(std::string_view key, std::string_view bytes) {
  std::array<char, length_digits + 1> length{};
  std::snprintf(length.data(), length.size(), "%08zx", key.size());
  std::string joined{length.data(), length_digits};
  joined += key;
  joined += bytes;
  return joined;
}

keyed_record split_keyed(std::string_view joined) {
  size_t length = 0;
  auto whole = joined.size() >= length_digits;
  if (whole)
    std::from_chars(joined.data(), joined.data() + length_digits, length, 16);
  BERTH_ASSERT(whole && length + length_digits <= joined.size(),
               "the topic was opened to be read with its keys");
  return {joined.substr(length_digits, length),
          joined.substr(length_digits + length)};
}

} // namespace berth
