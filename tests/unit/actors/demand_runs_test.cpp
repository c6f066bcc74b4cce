#include "actors/demand_runs.hpp"

#include <catch2/catch.hpp>

namespace berth {

namespace {

const shape a{{1000, 1, {}}, 1};
const shape b{{2000, 1, {}}, 1};
const shape c{{3000, 1, {}}, 1};

demand_run run(const shape& what, uint32_t count, int64_t oldest_ms = 0) {
  return {what, count, oldest_ms, false};
}
demand_run beyond(const shape& what, uint32_t count) {
  return {what, count, 0, true};
}

} // namespace

TEST_CASE("grants are taken from the front of the matching runs") {
  struct row {
    demand_runs before;
    shape what;
    uint32_t count;
    demand_runs after;
  };
  auto rows = std::vector<row>{
      {{run(a, 3)}, a, 1, {run(a, 2)}},
      {{run(a, 3)}, a, 3, {}},
      {{run(a, 3)}, a, 5, {}},
      {{run(a, 3)}, b, 1, {run(a, 3)}},
      {{run(b, 1), run(a, 2), run(b, 1), run(a, 2)},
       a,
       3,
       {run(b, 1), run(b, 1), run(a, 1)}},
      {{}, a, 1, {}},
      // Jobs of `a` that are not told may come before those beyond.
      {{run(a, 1), beyond(c, 1)}, a, 1, {}},
      {{run(a, 2), beyond(c, 1)}, a, 1, {run(a, 1), beyond(c, 1)}},
      {{run(a, 1), run(b, 1), run(a, 1), beyond(c, 1)},
       a,
       1,
       {run(b, 1), run(a, 1), beyond(c, 1)}},
      {{run(a, 1), beyond(b, 1), beyond(c, 1)}, b, 1, {run(a, 1)}},
      {{run(a, 1), beyond(b, 2), beyond(c, 1)},
       b,
       1,
       {run(a, 1), beyond(b, 1), beyond(c, 1)}},
  };
  for (const auto& r : rows) {
    auto runs = r.before;
    deduct(runs, r.what, r.count);
    CHECK(runs == r.after);
  }
}

TEST_CASE("demands are the same when neighbouring runs of a shape add up") {
  CHECK(same_demand({}, {}));
  CHECK(same_demand({run(a, 2)}, {run(a, 1), run(a, 1, 7)}));
  CHECK(same_demand({run(a, 1), run(a, 2), run(b, 1)}, {run(a, 3), run(b, 1)}));
  CHECK_FALSE(same_demand({run(a, 2)}, {run(a, 3)}));
  CHECK_FALSE(same_demand({run(a, 2)}, {}));
  CHECK_FALSE(same_demand({}, {run(a, 2)}));
  CHECK_FALSE(same_demand({run(a, 2, 1)}, {run(a, 2, 2)}));
  CHECK_FALSE(same_demand({run(a, 1)}, {beyond(a, 1)}));
  CHECK_FALSE(same_demand({run(a, 1), run(b, 1)}, {run(b, 1), run(a, 1)}));
}

} // namespace berth
