// One run of a whole cluster in one thread.
#pragma once

#include "tests/sim/checker.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/parameters.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace berth::sim {

struct run_result {
  /// Of every shard's state at the end, and of the whole history: the same for
  /// the same parameters.
  uint64_t final_hash = 0;
  /// The first one, of all checkers.
  std::optional<violation> found;
  uint64_t jobs_finished = 0;
  uint64_t records = 0;
  uint64_t steps = 0;
  sim_time virtual_time = 0;
  /// How often each rare situation was met (see docs/simulation.md).
  std::map<std::string, uint64_t> situations;
  std::map<std::string, uint64_t> faults;
};

/// `watch` sees every entry of the history, in order.
run_result
run(const parameters& p,
    const std::function<void(const history_entry&)>& watch = nullptr);

/// Names of all rare situations that runs count.
const std::vector<std::string>& all_situations();

} // namespace berth::sim
