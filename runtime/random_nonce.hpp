// Randomness from the operating system, for what must never repeat.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace berth {

/// 128 random bits.
std::array<uint8_t, 16> random_bits();
/// 128 random bits, hexadecimal (rule Claim).
std::string random_nonce();

} // namespace berth
