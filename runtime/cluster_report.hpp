// What a node tells of its cluster.
#pragma once

#include "messages/cluster_view.hpp"
#include "runtime/node.hpp"

#include <string>

namespace berth {

/// Looked up on the parts' own threads; waits for them.
cluster_report report_cluster(node& of, const std::string& name);

/// The heartbeats were read, every shard has an owner, and what this node
/// answers by itself is not behind: it may be sent calls.
bool sees_everything(const cluster_report& report);

} // namespace berth
