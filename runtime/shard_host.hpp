// Hosts one shard in CAF: what its driver asks for goes to the log, the store's
// writer and the node's other actors, and what comes of it returns.
#pragma once

#include "runtime/actor_interfaces.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace berth {

struct shard_host_options {
  shard_options shard;
  /// Outlives the host.
  log* log_ = nullptr;
  std::shared_ptr<store> store_;
  /// Waits between checkpoints (rule Checkpoint).
  int64_t checkpoint_interval_ms = 1000;

  gateway_actor gateway;
  store_writer_actor store_writer;
  /// Where dispatches go.
  std::function<void(std::shared_ptr<const dispatch>)> on_dispatch;
  /// Each valid decision once it is folded, own or not.
  std::function<void(log_offset, std::shared_ptr<const decision_record>)>
      on_folded;
  /// The shard is owned and settled enough to serve calls.
  std::function<void()> on_owner;
  /// Going on would be wrong: stop the node with the message.
  std::function<void(std::string)> on_fatal;
};

shard_host_actor spawn_shard_host(caf::actor_system& system,
                                  shard_host_options options);

/// Writes checkpoints in a thread of its own, for a store may block.
store_writer_actor spawn_store_writer(caf::actor_system& system,
                                      std::shared_ptr<store> store);

} // namespace berth
