// The one source of chance of a run: the same seed gives the same numbers on
// every machine and with every standard library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::sim {

class random_source {
public:
  explicit random_source(uint64_t seed) : state_(seed) {}

  /// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
  /// generators).
  uint64_t next() {
    auto z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// 0 to n - 1; n > 0.
  uint64_t below(uint64_t n) { return next() % n; }
  /// Both ends included.
  int64_t between(int64_t low, int64_t high) {
    return low
           + static_cast<int64_t>(below(static_cast<uint64_t>(high - low) + 1));
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  bool chance(double probability) { return unit() < probability; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  /// A source of its own for one purpose, so that what one part draws does not
  /// change what another does.
  random_source fork(std::string_view purpose) {
    uint64_t seed = next();
    for (char c : purpose)
      seed = (seed ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
    return random_source(seed);
  }
  /// 128 bits, hexadecimal.
  std::string nonce();

private:
  uint64_t state_;
};

/// For what a run has beside what seeds have always drawn: nothing else draws
/// from it, so that runs without it stay as they were.
inline random_source own_stream(uint64_t seed, std::string_view purpose) {
  return random_source{seed}.fork(purpose);
}

} // namespace berth::sim
