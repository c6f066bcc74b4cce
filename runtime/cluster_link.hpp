// What makes a node one of a cluster: the topics, its door, its membership.
// `runtime/node` puts it beside the shards and the gateway.
#pragma once

#include "runtime/cluster_options.hpp"
#include "runtime/gateway.hpp"
#include "runtime/members_host.hpp"
#include "runtime/node_door.hpp"
#include "runtime/shard_host.hpp"

#include <caf/actor_system.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace berth {

class cluster_link {
public:
  explicit cluster_link(cluster_options options);

  /// Opens the topics, or makes them. Gives the log.
  storage_error open(bool may_make_log, std::unique_ptr<log>& opened);
  void set_up(caf::actor_system_config& config, const std::string& cluster_id);
  /// An error says why other nodes cannot be let in.
  std::optional<std::string> publish(caf::actor_system& system);
  std::string endpoint() const { return to_string(options_.endpoint); }
  const kafka_cluster_address& kafka() const { return options_.kafka; }
  /// By which this node calls others.
  const node_door_actor& calling_door() const { return callers_->door(); }
  gateway_cluster_options for_gateway() const;
  shard_cluster_options for_shard(shard_id shard, gateway_actor gateway);

  /// Comes last.
  void join(caf::actor_system& system, const std::string& node,
            std::vector<shard_host_actor> shards, gateway_actor gateway,
            std::function<void(std::string)> on_fatal);
  /// Hands its shards over; returns once it has none, or the time is over.
  void leave(int64_t patience_ms);
  /// Whether this node folds all shards, whatever its rank.
  void want_whole_log(bool is_wanted);
  cluster_view view() const;
  void stop();

private:
  members_host_actor members() const;

  cluster_options options_;
  std::string secret_mark_;
  std::unique_ptr<log> heartbeats_;
  std::unique_ptr<log> dispatches_;
  /// By which others call this node.
  node_door_actor door_;
  std::unique_ptr<caller_system> callers_;
  /// The shards know where to tell before the members' host is there.
  mutable std::mutex mutex_;
  members_host_actor members_;
};

} // namespace berth
