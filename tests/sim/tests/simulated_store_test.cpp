#include "tests/sim/simulated_store.hpp"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::sim;

namespace {

void write(simulated_store& s, log_offset at) {
  row_batch rows;
  rows["newest"] = std::to_string(at);
  rows["of " + std::to_string(at)] = "x";
  checkpoint c;
  c.folded_offset = at;
  s.write(std::make_shared<const row_batch>(std::move(rows)), c);
}

} // namespace

TEST_CASE("a store that is rolled back holds what an earlier one held") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    random_source random{seed};
    simulated_store s;
    for (log_offset at = 0; at < 40; ++at)
      write(s, at);
    REQUIRE(s.roll_back(random));
    auto at = s.present()->last_checkpoint();
    REQUIRE(at);
    CHECK(at->folded_offset < 39);
    CHECK(s.present()->get("newest") == std::to_string(at->folded_offset));
    auto next = "of " + std::to_string(at->folded_offset + 1);
    CHECK_FALSE(s.present()->get(next));
    CHECK(s.present()->get("of 0"));
  }
}

TEST_CASE("a store that is lost is empty, and can be written again") {
  simulated_store s;
  write(s, 1);
  s.lose();
  CHECK_FALSE(s.present()->last_checkpoint());
  CHECK_FALSE(s.present()->get("newest"));
  write(s, 2);
  CHECK(s.present()->get("newest") == "2");
}
