// Hosts one shard in CAF: what its driver asks for goes to the log, the store's
// writer and the node's other actors, and what comes of it returns.
#pragma once

#include "actors/agent_watch.hpp"
#include "runtime/actor_interfaces.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace berth {

/// What a shard's host needs in a cluster.
struct shard_cluster_options {
  /// The topic of dispatches; outlives the host.
  log* dispatches = nullptr;
  agent_watch_settings watch;
  /// Where the members are told of this shard.
  std::function<void(shard_stands)> on_stand;
  std::function<void(heartbeats_look)> on_heartbeats_look;
  /// The epoch that the shard is in, as far as it was folded or loaded.
  std::function<void(epoch)> on_epoch;
  /// A claim was read.
  std::function<void(const claim_record&)> on_claim;
  /// Who made the latest one, as far as somebody who is near the log's end
  /// knows.
  std::function<void(const claim_record&)> on_claimed_by;
  /// To calls of other nodes, whose tokens are `peer_tokens` and above.
  node_door_actor door;
};
/// Tokens of calls that came from other nodes.
constexpr call_token peer_tokens = call_token{1} << 63;

struct shard_host_options {
  shard_options shard;
  /// Whether it claims the shard at once; in a cluster it is told when.
  bool candidate = true;
  /// Whether it folds the shard from the start; likewise.
  bool followed = true;
  /// Outlives the host.
  log* log_ = nullptr;
  std::shared_ptr<store> store_;
  /// Waits between checkpoints (rule Checkpoint).
  int64_t checkpoint_interval_ms = 1000;

  gateway_actor gateway;
  store_writer_actor store_writer;
  /// Where dispatches go, unless the node is one of a cluster.
  std::function<void(std::shared_ptr<const dispatch>)> on_dispatch;
  /// Set in a cluster.
  std::optional<shard_cluster_options> cluster;
  /// Before the shard is followed, the store's writer is asked to renew it.
  bool renews_store = false;
  /// Each valid decision once it is folded, own or not.
  std::function<void(log_offset, std::shared_ptr<const decision_record>)>
      on_folded;
  /// The shard is owned and settled enough to serve calls.
  std::function<void()> on_owner;
  /// Another node owns it now.
  std::function<void()> on_disowned = [] {};
  /// Going on would be wrong: stop the node with the message.
  std::function<void(std::string)> on_fatal;
};

shard_host_actor spawn_shard_host(caf::actor_system& system,
                                  shard_host_options options);

/// Answers a barrier of this node's replica of the catalog, see `barrier_call`;
/// `answer` is called by the host and must not block.
void ask_replica(const shard_host_actor& catalog,
                 std::function<void(result)> answer);

/// Where, and how often, an owner's store is copied for other nodes.
struct store_copies {
  std::filesystem::path folder;
  int64_t interval_ms = 60'000;
};

/// Gives the store that is to be gone on with, which may be the same.
using renew_function = std::function<store_renewed(std::shared_ptr<store>)>;

/// Writes checkpoints in a thread of its own, for a store may block.
store_writer_actor spawn_store_writer(caf::actor_system& system,
                                      std::shared_ptr<store> store,
                                      std::optional<store_copies> copies = {},
                                      renew_function renew = {});

} // namespace berth
