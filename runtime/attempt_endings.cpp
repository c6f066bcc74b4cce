#include "runtime/attempt_endings.hpp"

#include "messages/simulation.hpp"

namespace berth {

void attempt_endings::reaped(const attempt_id& attempt, int64_t boottime_ms) {
  ending_.push_back({attempt, boottime_ms});
}

void attempt_endings::settle(int64_t boottime_ms, attempt_processes& all) {
  std::erase_if(ending_, [&](const ending& e) {
    auto is_gone = all.is_tree_gone(e.attempt);
    if (!is_gone) {
      all.kill_tree(e.attempt);
      if (boottime_ms - e.reaped_ms < tree_death_ms_max
          && !broken(breakage::end_told_before_tree_is_gone))
        return false;
    }
    all.tree_ended(e.attempt, is_gone);
    return true;
  });
}

} // namespace berth
