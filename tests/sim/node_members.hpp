// What a node makes of the topic of heartbeats: its own go there, others tell
// it who should own which shard, and which agents are alive.
#pragma once

#include "actors/membership.hpp"
#include "messages/heartbeats.hpp"
#include "tests/sim/simulated_topic.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::sim {

class sim_node;

class node_members {
public:
  explicit node_members(sim_node& node);
  ~node_members();
  node_members(const node_members&) = delete;
  node_members& operator=(const node_members&) = delete;

  void start();
  /// Tells the shard's watch once everything that is in the topic now was read.
  void look_at_end(shard_id of, uint64_t look);

private:
  struct open_look {
    shard_id of;
    uint64_t look = 0;
    log_offset end = 0;
  };
  void read_on(log_offset from, log_offset end);
  void take(const std::vector<log_record>& records);
  void answer_looks();
  void beat();
  void choose_shards();
  void tell_members();
  void tell_holders();
  void look_at_broker();
  void set_clock();

  sim_node& node_;
  membership members_;
  std::string nonce_;
  std::vector<std::string> endpoints_told_;
  uint64_t reading_ = 0;
  log_offset next_ = 0;
  /// Read to here, and the view can be relied upon.
  std::optional<log_offset> end_at_start_;
  std::deque<open_look> looks_;
  sim_time own_heard_at_ = 0;
  bool broker_is_lost_ = false;
};

} // namespace berth::sim
