#include "tests/sim/simulated_clock.hpp"

namespace berth::sim {

namespace {

constexpr int64_t million = 1'000'000;
constexpr int64_t uptime_max_ms = 1'000'000'000;
constexpr int64_t wall_skew_max_ms = 5000;

} // namespace

simulated_clock::simulated_clock(random_source& random, int64_t drift_ppm_max)
    : start_us_(random.between(0, uptime_max_ms) * 1000),
      drift_ppm_(random.between(-drift_ppm_max, drift_ppm_max)),
      wall_offset_ms_(random.between(-wall_skew_max_ms, wall_skew_max_ms)) {}

int64_t simulated_clock::boottime_ms(sim_time now) const {
  auto elapsed = now - booted_at_;
  return (start_us_ + elapsed + elapsed * drift_ppm_ / million) / 1000;
}

int64_t simulated_clock::wall_ms(sim_time now) const {
  return epoch_of_runs_ms + wall_offset_ms_ + now / 1000;
}

sim_time simulated_clock::when(int64_t wanted_ms) const {
  auto elapsed = wanted_ms * 1000 - start_us_;
  auto at = booted_at_ + elapsed / (million + drift_ppm_) * million;
  // Coarse, and never late: the rest is less than a second.
  auto missing_ms = wanted_ms - boottime_ms(at);
  at += missing_ms * 1000 * million / (million + drift_ppm_);
  while (boottime_ms(at) < wanted_ms)
    ++at;
  return at;
}

void simulated_clock::reboot(sim_time now) {
  booted_at_ = now;
  start_us_ = 0;
}

} // namespace berth::sim
