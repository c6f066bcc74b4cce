// The clocks that the host reads for the machines.
#pragma once

#include <cstdint>
#include <ctime>

namespace berth {

/// CLOCK_BOOTTIME in milliseconds: steady, and counts while suspended.
inline int64_t boottime_ms() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

} // namespace berth
