#include "tests/sim/random.hpp"

namespace berth::sim {

std::string random_source::nonce() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int half = 0; half < 2; ++half) {
    auto bits = next();
    for (int i = 0; i < 16; ++i, bits >>= 4)
      text += digits[bits & 15];
  }
  return text;
}

} // namespace berth::sim
