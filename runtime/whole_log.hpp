// Makes a node of a cluster fold every shard for as long as somebody follows
// the whole log there, whatever the node's rank.
#pragma once

#include "runtime/actor_interfaces.hpp"
#include "runtime/whole_log_hold.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace berth {

/// Thread-safe. Holds may outlive it, and `want` is called until the last of
/// them is gone.
class whole_log {
public:
  /// `want` tells the node whether to fold all shards; it must not block.
  whole_log(std::function<void(bool)> want,
            std::vector<shard_host_actor> shards);

  /// `then` is called once this node has folded every shard up to where the log
  /// ended at the time of the call.
  void hold(whole_log_ready then);

private:
  class wish;
  std::shared_ptr<wish> wish_;
  std::vector<shard_host_actor> shards_;
};

} // namespace berth
