// Hosts the gateway machine and is the door that dialects call.
#pragma once

#include "actors/call_router.hpp"
#include "messages/gateway_interface.hpp"
#include "runtime/actor_interfaces.hpp"

#include <caf/actor_system.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// In a cluster: where calls go that this node's own shards do not answer.
struct gateway_cluster_options {
  /// Of this node.
  std::string endpoint;
  call_router_settings routing;
};

struct gateway_host_options {
  uint32_t shard_count = 1;
  std::function<std::string(const std::string&, const std::string&)>
      merge_details;
  /// Called with the live environments whenever the catalog changed.
  std::function<void(std::shared_ptr<std::vector<environment_object>>)>
      on_environments;
  std::optional<gateway_cluster_options> cluster;
};

gateway_actor spawn_gateway(caf::actor_system& system,
                            gateway_host_options options);

/// Hands requests to the gateway actor.
std::unique_ptr<gateway_interface> make_gateway_door(gateway_actor gateway);

} // namespace berth
