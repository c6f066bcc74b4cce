// The door between nodes: brings calls to the owners of shards at other nodes
// by CAF's network actors, and their answers back. Frames are bytes of our own
// codec; CAF finds the other node, carries them and notices that it is gone.
//
// Nothing is promised for a call: whoever waits brings it again.
#pragma once

#include "runtime/actor_interfaces.hpp"
#include "runtime/node_endpoint.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth {

constexpr size_t secret_mark_size = 8;

struct node_door_options {
  /// Of this node.
  std::string endpoint;
  gateway_actor gateway;
  std::vector<shard_host_actor> shards;
};

/// Sets up the network of an actor system: only nodes of the same cluster with
/// the same secret talk to each other. The secret keeps strays out; it does not
/// hide what is said (see docs/operations.md).
void set_up_network(caf::actor_system_config& config,
                    const std::string& cluster_id, const std::string& secret);

/// By which nodes notice that their secrets differ: `secret_mark_size`
/// hexadecimal digits, too few to find a secret by trying.
std::string secret_mark(const std::string& cluster_id,
                        const std::string& secret);

/// Requires `set_up_network`.
node_door_actor spawn_node_door(caf::actor_system& system);

/// What it works with; comes before anything else.
void open_node_door(const node_door_actor& door, node_door_options options);

/// Lets other nodes in. Gives the port; an error says why not.
std::optional<std::string> publish_node_door(caf::actor_system& system,
                                             const node_door_actor& door,
                                             node_endpoint& at);

} // namespace berth
