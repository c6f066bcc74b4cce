// The page of /metrics, in Prometheus' text format.
#pragma once

#include "runtime/node.hpp"

#include <string>
#include <vector>

namespace berth {

std::string print_metrics(const std::vector<shard_status>& shards);

} // namespace berth
