// The door between nodes: brings calls to the owners of shards at other nodes
// by CAF's network actors, and their answers back. Frames are bytes of our own
// codec; CAF finds the other node, carries them and notices that it is gone.
//
// Nothing is promised for a call: whoever waits brings it again.
//
// A node has two doors. One is published and takes calls; one calls, from an
// actor system of its own. Systems that dial each other at the same time have
// CAF take one of the connections for redundant, each side another one, and
// what is sent afterwards is lost without a word; between a system that only
// calls and one that is only called there is but one connection.
#pragma once

#include "runtime/actor_interfaces.hpp"
#include "runtime/node_endpoint.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdint>
#include <memory>
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

/// The system of the door that calls: a thread, and its own network.
class caller_system {
public:
  caller_system(const std::string& cluster_id, const std::string& secret);
  /// Ends the door, then the system.
  ~caller_system();
  caller_system(const caller_system&) = delete;
  caller_system& operator=(const caller_system&) = delete;

  const node_door_actor& door() const { return door_; }

private:
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  node_door_actor door_;
};

/// What it works with; comes before anything else.
void open_node_door(const node_door_actor& door, node_door_options options);

/// Lets other nodes in. Gives the port; an error says why not.
std::optional<std::string> publish_node_door(caf::actor_system& system,
                                             const node_door_actor& door,
                                             node_endpoint& at);

} // namespace berth
