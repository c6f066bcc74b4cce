// What the host of an agent machine needs of the world: where its records go
// and where its dispatches come from. In `berth dev` the shards of the same
// process (`local_agent_port`), else Kafka's topics (`topic_agent_port`).
#pragma once

#include "actors/agent_machine.hpp"
#include "messages/catalog.hpp"
#include "storage/log.hpp"

#include <functional>
#include <memory>
#include <string>

namespace berth {

/// Called on the host's thread. Callbacks come from any thread, also from
/// inside the call, and hand over what they got without blocking.
class agent_port {
public:
  virtual ~agent_port() = default;

  /// True = appended for good; false = perhaps, or not.
  using appended_callback = std::function<void(bool)>;

  /// Calls `then` once a join would not come too early, while `is_wanted`.
  virtual void when_ready(const environment_object& environment,
                          std::function<bool()> is_wanted,
                          std::function<void()> then) = 0;

  /// Appends to the shard's partition of the log.
  virtual void append(shard_id to, std::string bytes,
                      appended_callback done) = 0;

  // Without a dispatch topic: to the shards themselves.
  virtual void tell(const dispatch_delivered_effect& e) = 0;
  virtual void tell(const session_attached_effect& e) = 0;

  // With a dispatch topic.
  virtual void append_heartbeat(std::string bytes, appended_callback done) = 0;
  /// Where the agent's partition ends; a look that fails is made again.
  virtual void look_at_dispatch_end(const agent_id& agent,
                                    std::function<void(log_offset)> done) = 0;
  /// The agent's partition from an offset on; other agents' are in it, too.
  virtual std::unique_ptr<log_reading>
  read_dispatches(const agent_id& agent, log_offset from,
                  records_callback on_records,
                  std::function<void(storage_error)> failed) = 0;
};

} // namespace berth
