// One shard's watch over its agents, at the node that owns the shard: carries
// out what `agent_watch` wants, for the host of the shard.
#pragma once

#include "actors/agent_watch.hpp"
#include "actors/shard.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace berth {

struct shard_watch_ports {
  /// Then `on_heartbeats_read`.
  std::function<void(uint64_t look)> look_at_heartbeats_end;
  /// To the shard, but not from within what is being told to the watch.
  std::function<void(agent_lost_call)> give_up;
  /// Calls `on_wake` at this CLOCK_BOOTTIME or soon after.
  std::function<void(int64_t boottime_ms)> wake_at;
};

/// Not thread-safe.
class shard_watch {
public:
  shard_watch(agent_watch_settings settings, shard_watch_ports ports);

  /// After whatever the shard's machine was given.
  void look_at(const shard* machine);
  void on_decision(const decision_record& decision);
  void on_heartbeat(const agent_heartbeat& h);
  void on_heartbeats_read(uint64_t look);
  void on_broker(bool is_there);
  void on_wake();

private:
  agent_watch& at_present();
  void carry_out();

  agent_watch watch_;
  shard_watch_ports ports_;
  /// The claim under which it watches.
  std::optional<epoch> watching_;
  bool broker_is_there_ = true;
  int64_t wake_at_ms_ = INT64_MAX;
};

} // namespace berth
