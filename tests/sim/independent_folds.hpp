// Folds of the logs by nobody's node, to be compared with what nodes hold.
#pragma once

#include "tests/sim/cluster.hpp"

#include <cstdint>

namespace berth::sim {

/// Nodes of this number and above are not nodes but folds of whole logs.
constexpr uint32_t independent_fold = 1'000'000;

/// Folds each shard's log from nothing, and from each store's last checkpoint,
/// and tells the history the hashes; also those of live nodes. Returns a hash
/// over all shards.
uint64_t compare_folds(sim_world& world, cluster& all);

} // namespace berth::sim
