#include "tests/sim/switches.hpp"

#include "messages/assert.hpp"
#include "tests/sim/random.hpp"

#include <optional>
#include <unordered_map>

namespace berth {

namespace {

struct rare_place {
  double chance = 0;
  sim::random_source random{0};
  uint64_t taken = 0;
};

struct run_switches {
  std::optional<breakage> with_breakage;
  uint64_t times_broken = 0;
  uint64_t seed = 0;
  double rare_place_chance = 0;
  /// By the address of the place's literal.
  std::unordered_map<const char*, rare_place> places;
};

std::optional<run_switches> present;

/// What a place draws depends on its name alone, not on when it was met.
rare_place draw_place(const run_switches& run, const char* name) {
  rare_place place;
  place.random = sim::random_source{run.seed}.fork(name);
  if (place.random.chance(run.rare_place_chance))
    place.chance = std::vector<double>{0.01, 0.05, 0.25}[place.random.below(3)];
  return place;
}

} // namespace

bool broken(breakage b) {
  if (!present || present->with_breakage != b)
    return false;
  ++present->times_broken;
  return true;
}

bool rarely(const char* name) {
  if (!present || present->rare_place_chance == 0)
    return false;
  auto found = present->places.find(name);
  if (found == present->places.end())
    found = present->places.emplace(name, draw_place(*present, name)).first;
  auto& place = found->second;
  if (place.chance == 0 || !place.random.chance(place.chance))
    return false;
  ++place.taken;
  return true;
}

} // namespace berth

namespace berth::sim {

switched_run::switched_run(const parameters& p) {
  BERTH_ASSERT(!present, "one run at a time");
  present.emplace();
  present->with_breakage = p.with_breakage;
  present->seed = p.seed;
  present->rare_place_chance = p.faults.rare_place;
}

switched_run::~switched_run() {
  present.reset();
}

std::map<std::string, uint64_t> switched_run::rare_ways_taken() const {
  std::map<std::string, uint64_t> taken;
  for (const auto& [name, place] : present->places)
    if (place.taken > 0)
      taken[name] += place.taken;
  return taken;
}

uint64_t switched_run::times_broken() const {
  return present->times_broken;
}

} // namespace berth::sim
