#include "actors/demand_runs.hpp"

#include <algorithm>

namespace berth {

namespace {

/// The jobs of neighbouring runs that are alike; moves behind them.
uint64_t count_of_stretch(demand_runs::const_iterator& at,
                          demand_runs::const_iterator end) {
  uint64_t count = 0;
  const auto& first = *at;
  while (at != end && at->what == first.what && at->beyond == first.beyond)
    count += (at++)->count;
  return count;
}

} // namespace

void deduct(demand_runs& runs, const shape& what, uint32_t count) {
  demand_runs left;
  left.reserve(runs.size());
  auto exhausted = false;
  for (size_t i = 0; i < runs.size(); ++i) {
    auto run = std::move(runs[i]);
    if (run.beyond && exhausted)
      break;
    if (count > 0 && run.what == what) {
      auto taken = std::min(count, run.count);
      run.count -= taken;
      count -= taken;
      exhausted = std::none_of(
          runs.begin() + static_cast<ptrdiff_t>(i) + 1, runs.end(),
          [&](const demand_run& later) { return later.what == what; });
      exhausted = exhausted && run.count == 0;
    }
    if (run.count > 0)
      left.push_back(std::move(run));
  }
  runs = std::move(left);
}

bool same_demand(const demand_runs& a, const demand_runs& b) {
  auto x = a.begin();
  auto y = b.begin();
  while (x != a.end() && y != b.end()) {
    const auto& first_x = *x;
    const auto& first_y = *y;
    if (first_x.what != first_y.what || first_x.beyond != first_y.beyond
        || first_x.oldest_ms != first_y.oldest_ms)
      return false;
    if (count_of_stretch(x, a.end()) != count_of_stretch(y, b.end()))
      return false;
  }
  return x == a.end() && y == b.end();
}

uint64_t jobs_in(const demand_runs& runs) {
  uint64_t jobs = 0;
  for (const auto& run : runs)
    jobs += run.count;
  return jobs;
}

} // namespace berth
