// The lives of one simulated process: what was put down for an earlier life is
// forgotten, and what comes due while it is paused waits until it goes on.
#pragma once

#include "tests/sim/timeline.hpp"

#include <cstdint>
#include <deque>
#include <functional>

namespace berth::sim {

/// Lives as long as the timeline.
class process_life {
public:
  explicit process_life(timeline& time) : time_(time) {}
  process_life(const process_life&) = delete;
  process_life& operator=(const process_life&) = delete;

  void begin();
  void end();
  void pause() { paused_ = alive_; }
  /// Whatever came meanwhile comes now, in its order.
  void resume();

  bool is_alive() const { return alive_; }
  bool is_paused() const { return paused_; }
  /// Raised with each `begin`.
  uint64_t number() const { return number_; }

  /// `what`, done only in the present life.
  std::function<void()> bound(std::function<void()> what);
  void at(sim_time when, std::function<void()> what) {
    time_.at(when, bound(std::move(what)));
  }
  void after(sim_time delay, std::function<void()> what) {
    at(time_.now() + delay, std::move(what));
  }

private:
  void run(uint64_t life, const std::function<void()>& what);

  timeline& time_;
  uint64_t number_ = 0;
  bool alive_ = false;
  bool paused_ = false;
  std::deque<std::function<void()>> held_;
};

} // namespace berth::sim
