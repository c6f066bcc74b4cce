#include "runtime/random_nonce.hpp"

#include "messages/assert.hpp"

#include <sys/random.h>

namespace berth {

std::array<uint8_t, 16> random_bits() {
  std::array<uint8_t, 16> bits{};
  auto got = getrandom(bits.data(), bits.size(), 0);
  BERTH_ASSERT(got == static_cast<ssize_t>(bits.size()),
               "so few bytes are never cut short");
  return bits;
}

std::string random_nonce() {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (auto byte : random_bits()) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

} // namespace berth
