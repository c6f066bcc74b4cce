// The clocks of one machine: CLOCK_BOOTTIME, which drifts and begins anew with
// the machine, and a wall clock that may be anything.
#pragma once

#include "tests/sim/random.hpp"
#include "tests/sim/timeline.hpp"

#include <cstdint>

namespace berth::sim {

/// True time 0 of every run, in milliseconds since the epoch.
constexpr int64_t epoch_of_runs_ms = 1'700'000'000'000;

class simulated_clock {
public:
  /// Drift and skew are drawn.
  simulated_clock(random_source& random, int64_t drift_ppm_max);

  int64_t boottime_ms(sim_time now) const;
  int64_t wall_ms(sim_time now) const;
  /// A true time at which `boottime_ms` is this, or was for a millisecond.
  sim_time when(int64_t boottime_ms) const;

  void jump_wall(int64_t by_ms) { wall_offset_ms_ += by_ms; }
  /// The machine starts again: its CLOCK_BOOTTIME begins at 0.
  void reboot(sim_time now);

private:
  sim_time booted_at_ = 0;
  int64_t start_us_ = 0;
  int64_t drift_ppm_ = 0;
  int64_t wall_offset_ms_ = 0;
};

} // namespace berth::sim
