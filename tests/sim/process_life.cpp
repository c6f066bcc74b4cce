#include "tests/sim/process_life.hpp"

#include <utility>

namespace berth::sim {

void process_life::begin() {
  ++number_;
  alive_ = true;
  paused_ = false;
}

void process_life::end() {
  alive_ = false;
  paused_ = false;
  held_.clear();
}

void process_life::resume() {
  if (!paused_)
    return;
  paused_ = false;
  for (auto& what : std::exchange(held_, {}))
    at(time_.now(), std::move(what));
}

std::function<void()> process_life::bound(std::function<void()> what) {
  return [this, life = number_, what = std::move(what)] { run(life, what); };
}

void process_life::run(uint64_t life, const std::function<void()>& what) {
  if (!alive_ || life != number_)
    return;
  if (paused_)
    held_.push_back(what);
  else
    what();
}

} // namespace berth::sim
