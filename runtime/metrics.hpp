// The page of /metrics, in Prometheus' text format.
#pragma once

#include "messages/cluster_view.hpp"
#include "runtime/node.hpp"

#include <string>
#include <vector>

namespace berth {

/// `cluster` = what this node knows of its cluster; nullptr = it is in none.
std::string print_metrics(const std::vector<shard_status>& shards,
                          const cluster_report* cluster);

} // namespace berth
