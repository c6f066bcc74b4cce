// How a node takes part in a cluster, and what it sees of it.
#pragma once

#include "actors/agent_watch.hpp"
#include "actors/call_router.hpp"
#include "messages/heartbeats.hpp"
#include "runtime/node_endpoint.hpp"
#include "storage/kafka_topics.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace berth {

struct cluster_options {
  kafka_cluster_address kafka;
  /// Where other nodes reach this one; port 0 = any that is free.
  node_endpoint endpoint;
  /// Nodes with another one are not talked to.
  std::string secret;
  /// Where nodes share copies of their stores; empty = they do not.
  std::string shared_folder;
  int64_t shared_checkpoint_interval_ms = 60'000;
  int64_t membership_timeout_ms = 5000;
  int64_t heartbeat_interval_ms = 500;
  agent_watch_settings watch;
  call_router_settings routing;
};

/// An agent as its heartbeats show it.
struct agent_seen {
  agent_heartbeat said;
  int64_t heard_boottime_ms = 0;
};

/// What a node knows of its cluster by the heartbeats.
struct cluster_view {
  bool is_known = false;
  std::vector<node_heartbeat> members;
  /// By shard: the name of who should own it, and of who said last that it
  /// does; empty = nobody.
  std::vector<std::string> ranked_first;
  std::vector<std::string> holders;
  std::vector<agent_seen> agents;
};

} // namespace berth
