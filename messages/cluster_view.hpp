// What one node knows of its cluster, for people and their tools.
#pragma once

#include "messages/fields.hpp"
#include "messages/ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace berth {

struct cluster_node {
  std::string name;
  /// Where other nodes reach it.
  std::string endpoint;
  bool is_leaving = false;
  std::vector<shard_id> owned;
  BERTH_FIELDS(name, endpoint, is_leaving, owned)
};

struct cluster_shard {
  shard_id id;
  /// Who said last that it owns the shard, and who should; empty = nobody.
  std::string owner;
  std::string ranked_first;
  /// Warm: could take it over at once.
  std::vector<std::string> followers;
  /// This node does not fold it: what follows is as its owner said last.
  bool is_at_rest = false;
  int64_t at_epoch = -1;
  log_offset folded_offset = -1;
  uint64_t seq = 0;
  /// Records of the log that this node has not folded yet; -1 = the brokers do
  /// not say. Nothing where it is at rest.
  int64_t lag = 0;
  uint64_t live_jobs = 0;
  uint64_t runnable_jobs = 0;
  BERTH_FIELDS(id, owner, ranked_first, followers, is_at_rest, at_epoch,
               folded_offset, seq, lag, live_jobs, runnable_jobs)
};

struct cluster_agent {
  agent_id agent;
  session_id session;
  shard_id environment_shard;
  /// Since this node heard of it last.
  int64_t silent_ms = 0;
  BERTH_FIELDS(agent, session, environment_shard, silent_ms)
};

struct cluster_report {
  /// Who tells this.
  std::string node;
  /// The heartbeats were read to their end and come back.
  bool is_known = false;
  std::vector<cluster_node> nodes;
  std::vector<cluster_shard> shards;
  std::vector<cluster_agent> agents;
  BERTH_FIELDS(node, is_known, nodes, shards, agents)
};

} // namespace berth
