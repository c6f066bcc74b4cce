// Virtual time: what is due, in order. Things due at the same moment happen in
// the order in which they were put down.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace berth::sim {

/// Microseconds of true time since the run's start.
using sim_time = int64_t;
constexpr sim_time millisecond = 1000;
constexpr sim_time second = 1000 * millisecond;

class timeline {
public:
  sim_time now() const { return now_; }
  void at(sim_time when, std::function<void()> what) {
    due_.emplace(std::pair{when < now_ ? now_ : when, ++last_},
                 std::move(what));
  }
  void after(sim_time delay, std::function<void()> what) {
    at(now_ + delay, std::move(what));
  }
  /// Does the next thing; false when nothing is left, or nothing until `end`
  /// (then it is `end`).
  bool step(sim_time end) {
    if (due_.empty() || due_.begin()->first.first > end) {
      now_ = end;
      return false;
    }
    auto next = due_.extract(due_.begin());
    now_ = next.key().first;
    ++steps_;
    next.mapped()();
    return true;
  }
  uint64_t steps() const { return steps_; }

private:
  sim_time now_ = 0;
  uint64_t last_ = 0;
  uint64_t steps_ = 0;
  std::map<std::pair<sim_time, uint64_t>, std::function<void()>> due_;
};

} // namespace berth::sim
