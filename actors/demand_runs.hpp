// The runs of a demand, and how grants are taken out of them. Queue and
// environment both deduct with this function, so that they agree on what is
// still asked for without saying it again.
#pragma once

#include "messages/actor_messages.hpp"

#include <cstdint>
#include <vector>

namespace berth {

using demand_runs = std::vector<demand_run>;

/// Takes `count` jobs of the shape out of the front of its runs. When that
/// leaves none of them, the runs that are `beyond` and behind them go too: jobs
/// of the shape that the demand does not tell may come before those.
void deduct(demand_runs& runs, const shape& what, uint32_t count);

/// Whether both ask for the same in the same order; where runs of one shape
/// follow each other they count as one.
bool same_demand(const demand_runs& a, const demand_runs& b);

/// Jobs in all runs.
uint64_t jobs_in(const demand_runs& runs);

} // namespace berth
