#include "actors/draft.hpp"

namespace berth {

namespace {

uint64_t mix(uint64_t hash, std::string_view bytes) {
  // FNV-1a, then a finaliser, so that the commutative sum stays well spread.
  for (auto c : bytes)
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 33);
}

} // namespace

void state_hash::add(std::string_view table, std::string_view row_bytes) {
  value_ += mix(mix(0xcbf29ce484222325ULL, table), row_bytes);
}

} // namespace berth
