// All of the simulated cluster: nodes, machines, clients.
#pragma once

#include "tests/sim/sim_clients.hpp"
#include "tests/sim/sim_machine.hpp"
#include "tests/sim/sim_node.hpp"
#include "tests/sim/sim_world.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth::sim {

class cluster {
public:
  explicit cluster(sim_world& world);

  void start();

  sim_world& world() { return world_; }
  sim_clients& clients() { return clients_; }

  // Nodes. Behind those that the parameters name come twins.
  uint32_t node_count() const { return static_cast<uint32_t>(nodes_.size()); }
  sim_node& node(uint32_t index) { return *nodes_.at(index); }
  std::optional<uint32_t> node_of(const std::string& endpoint) const;
  void crash_node(uint32_t index);
  /// The process at the endpoint has gone: those that it is connected with
  /// notice.
  void on_link_lost(const std::string& endpoint);
  /// Whoever runs it starts it again after a while, unless it is a twin.
  void stop_node(uint32_t index);
  /// Another process with that node's name, and disks of its own.
  uint32_t start_twin_of(uint32_t index);

  // Machines.
  uint32_t machine_count() const {
    return static_cast<uint32_t>(machines_.size());
  }
  sim_machine& machine(uint32_t index) { return *machines_.at(index); }
  sim_machine* machine_of(const agent_id& agent) const;
  /// Those that agents are to be offered to, once any are known.
  const std::vector<environment_object>* environments() const {
    return environments_.get();
  }
  /// A node that serves has it in its own shard.
  bool is_known(const environment_object& environment) const;
  void on_environments(log_offset at,
                       std::shared_ptr<std::vector<environment_object>> all);

  /// Nobody has anything left to do.
  bool is_quiet() const;
  /// Why not, for people.
  std::string what_is_left() const;

private:
  std::string what_is_left_of(shard_id shard) const;
  std::string what_is_left_of_topics() const;

  sim_world& world_;
  std::vector<std::unique_ptr<sim_node>> nodes_;
  std::vector<std::unique_ptr<sim_machine>> machines_;
  sim_clients clients_;
  log_offset environments_at_ = -1;
  std::shared_ptr<std::vector<environment_object>> environments_;
};

} // namespace berth::sim
