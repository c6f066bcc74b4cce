// The two kinds of switches in production code (messages/simulation.hpp), set
// for one run at a time.
#pragma once

#include "tests/sim/parameters.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace berth::sim {

/// As long as it lives, `broken` and `rarely` answer as its run's parameters
/// say: `rarely` takes some of the places at all, each with a chance of its
/// own, all drawn from the seed.
class switched_run {
public:
  explicit switched_run(const parameters& p);
  ~switched_run();
  switched_run(const switched_run&) = delete;
  switched_run& operator=(const switched_run&) = delete;

  /// How often each place took its rare way.
  std::map<std::string, uint64_t> rare_ways_taken() const;
  /// How often the run came to where its breakage is, whatever came of it.
  uint64_t times_broken() const;
};

} // namespace berth::sim
