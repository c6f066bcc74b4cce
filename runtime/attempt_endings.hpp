// How attempts end whose main process was reaped: what else is left of their
// processes is killed, and only when all of it is gone the end is told. Pure.
#pragma once

#include "messages/ids.hpp"

#include <cstdint>
#include <vector>

namespace berth {

/// How long the processes of an attempt may take to die of SIGKILL (they may
/// hang in the kernel) before its end is reported without them.
constexpr int64_t tree_death_ms_max = 10'000;
/// Until a host looks again at what is settling; nobody tells of the end of a
/// process that is no child of it.
constexpr int64_t settle_wait_ms = 10;

/// What only the operating system knows of attempts.
class attempt_processes {
public:
  virtual ~attempt_processes() = default;
  virtual bool is_tree_gone(const attempt_id& attempt) const = 0;
  /// SIGKILL to all of it.
  virtual void kill_tree(const attempt_id& attempt) = 0;
  /// Told once. `is_gone`: otherwise it does not die.
  virtual void tree_ended(const attempt_id& attempt, bool is_gone) = 0;
};

class attempt_endings {
public:
  /// Times by CLOCK_BOOTTIME, in milliseconds. Not from inside `settle`.
  void reaped(const attempt_id& attempt, int64_t boottime_ms);
  void settle(int64_t boottime_ms, attempt_processes& all);
  /// Whether `settle` has to be called again though nothing may happen.
  bool is_settling() const { return !ending_.empty(); }

private:
  struct ending {
    attempt_id attempt;
    int64_t reaped_ms = 0;
  };
  std::vector<ending> ending_;
};

} // namespace berth
