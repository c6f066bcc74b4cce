// Assertions are for our own bugs and stay on in release builds; what the
// world does wrong is an error, never an assertion.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace berth {

/// Prints what broke and aborts.
[[noreturn]] inline void assertion_failed(const char* condition,
                                          const char* why, const char* file,
                                          int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s (%s)\n", file, line,
               condition, why);
  std::abort();
}

} // namespace berth

#define BERTH_ASSERT(condition, why)                                           \
  do {                                                                         \
    if (!(condition)) [[unlikely]]                                             \
      ::berth::assertion_failed(#condition, why, __FILE__, __LINE__);          \
  } while (false)
