// One shard's watch over its agents, at the node that owns the shard.
#pragma once

#include "actors/agent_watch.hpp"
#include "messages/heartbeats.hpp"

#include <cstdint>

namespace berth::sim {

class sim_node;

class node_watch {
public:
  node_watch(sim_node& node, shard_id shard);

  void on_claim(const shard_state& state);
  void on_stepped_down();
  void on_decision(const decision_record& decision);
  void on_heartbeat(const agent_heartbeat& h);
  void on_heartbeats_read(uint64_t look);
  void on_broker(bool is_there);

private:
  agent_watch& at_present();
  void carry_out();

  sim_node& node_;
  shard_id shard_;
  agent_watch watch_;
  uint64_t wake_ = 0;
};

} // namespace berth::sim
