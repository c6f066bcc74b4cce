// What a node tells of its cluster.
#pragma once

#include "messages/cluster_view.hpp"
#include "runtime/node.hpp"

#include <string>

namespace berth {

/// Looked up on the parts' own threads; waits for them.
cluster_report report_cluster(node& of, const std::string& name);

/// The heartbeats were read, every shard has an owner, and what this node
/// answers by itself is not behind: it may be sent calls. Waits for the shards'
/// threads, and for the brokers for two seconds at most.
bool sees_everything(node& of);

} // namespace berth
