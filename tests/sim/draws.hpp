// Shapes of chance that several parts of the world draw.
#pragma once

#include "tests/sim/random.hpp"
#include "tests/sim/timeline.hpp"

#include <cmath>

namespace berth::sim {

/// Exponentially distributed, at least 1 microsecond.
inline sim_time exponential(random_source& random, double mean) {
  return 1 + static_cast<sim_time>(-mean * std::log(1.0 - random.unit()));
}

} // namespace berth::sim
