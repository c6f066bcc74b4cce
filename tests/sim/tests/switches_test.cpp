#include "tests/sim/switches.hpp"

#include "tests/sim/breakages.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using namespace berth;
using namespace berth::sim;

namespace {

parameters with_rare_places(uint64_t seed, double chance) {
  parameters p;
  p.seed = seed;
  p.faults.rare_place = chance;
  return p;
}

/// Which of many questions were answered with the rare way.
std::string answers(uint64_t seed, const char* place, double chance = 1) {
  switched_run run{with_rare_places(seed, chance)};
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += rarely(place) ? '1' : '0';
  return text;
}

} // namespace

TEST_CASE("Outside of a run nothing is broken and no rare way is taken") {
  CHECK_FALSE(broken(breakage::skip_epoch_check));
  CHECK_FALSE(rarely("anywhere"));
}

TEST_CASE("Only the run's own breakage is on, and only during the run") {
  parameters p;
  p.with_breakage = breakage::newest_first;
  {
    switched_run run{p};
    CHECK(broken(breakage::newest_first));
    CHECK_FALSE(broken(breakage::priority_ignored));
    CHECK(run.times_broken() == 1);
  }
  CHECK_FALSE(broken(breakage::newest_first));
}

TEST_CASE("Rare ways are drawn from the seed and the place alone") {
  CHECK(answers(7, "a place") == answers(7, "a place"));
  CHECK(answers(7, "a place") != answers(8, "a place"));
  CHECK(answers(7, "a place") != answers(7, "another"));
}

TEST_CASE("What one place draws does not depend on the others") {
  auto alone = answers(7, "a place");
  switched_run run{with_rare_places(7, 1)};
  std::string beside;
  for (int i = 0; i < 200; ++i) {
    rarely("another");
    beside += rarely("a place") ? '1' : '0';
  }
  CHECK(beside == alone);
}

TEST_CASE("A run takes about as many of the places as its parameters say") {
  int places = 0;
  constexpr int all = 400;
  for (uint64_t seed = 1; seed <= all; ++seed)
    places += answers(seed, "a place", 0.3).find('1') != std::string::npos;
  // A place that is taken may still be too rare for 200 questions.
  CHECK(places > all / 10);
  CHECK(places < all / 2);
}

TEST_CASE("Rare ways that were taken are counted by place") {
  switched_run run{with_rare_places(3, 1)};
  uint64_t taken = 0;
  for (int i = 0; i < 2000; ++i)
    taken += rarely("a place") ? 1 : 0;
  REQUIRE(taken > 0);
  CHECK(run.rare_ways_taken()
        == std::map<std::string, uint64_t>{{"a place", taken}});
}

TEST_CASE("Every breakage has a name of its own and a sentence") {
  std::set<std::string_view> names;
  size_t number = 0;
  for (const auto& entry : all_breakages()) {
    CHECK(static_cast<size_t>(entry.which) == ++number);
    CHECK(names.insert(entry.name).second);
    CHECK_FALSE(entry.what.empty());
    CHECK(find_breakage(entry.name) == entry.which);
    CHECK(name_of(entry.which) == entry.name);
  }
  CHECK(number == breakage_count);
  CHECK_FALSE(find_breakage("no_such_thing"));
}
