// The page of /metrics, in Prometheus' text format.
#pragma once

#include "messages/cluster_view.hpp"
#include "runtime/node.hpp"

#include <string>
#include <vector>

namespace berth {

/// `cluster` = what this node knows of its cluster; nullptr = it is in none.
/// `topics` = what it does with public topics; nullptr = it serves none.
std::string print_metrics(const std::vector<shard_status>& shards,
                          const cluster_report* cluster,
                          const public_topics_counts* topics);

} // namespace berth
