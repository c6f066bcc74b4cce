// GET /v1/cluster: what the asked node knows of its cluster. Berth's own.
#pragma once

#include "messages/cluster_view.hpp"

#include <string>

namespace berth {

/// One JSON object with the members of `cluster_report`; ids of shards are
/// numbers, a session is `<keeper's start>.<lease>`.
std::string print_cluster(const cluster_report& report);

} // namespace berth
