// Hosts a node's view of its cluster: sends its heartbeats, reads those of
// others, tells each shard's host whether to own it, and the owners' watches
// which agents live.
#pragma once

#include "actors/membership.hpp"
#include "runtime/actor_interfaces.hpp"
#include "runtime/cluster_options.hpp"

#include <caf/actor_system.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace berth {

struct members_host_options {
  /// The nonce begins with the secret's mark (see `node_door.hpp`): processes
  /// whose nonces begin otherwise are no members.
  membership_settings membership;
  int64_t heartbeat_interval_ms = 500;
  /// The topic of heartbeats; outlives the host.
  log* heartbeats = nullptr;
  std::vector<shard_host_actor> shards;
  gateway_actor gateway;
  /// Going on would be wrong: stop the node with the message.
  std::function<void(std::string)> on_fatal;
};

members_host_actor spawn_members_host(caf::actor_system& system,
                                      members_host_options options);

} // namespace berth
