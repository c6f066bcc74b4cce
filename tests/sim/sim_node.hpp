// A scheduler node: its shards, its gateway and their way to each other, as
// `runtime/node` puts them together. The object is the machine with its disks;
// processes come and go on it.
#pragma once

#include "tests/sim/node_gateway.hpp"
#include "tests/sim/node_members.hpp"
#include "tests/sim/node_public_topics.hpp"
#include "tests/sim/node_shard.hpp"
#include "tests/sim/process_life.hpp"
#include "tests/sim/sim_world.hpp"
#include "tests/sim/simulated_clock.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth::sim {

class cluster;

/// That nodes of the next version write.
constexpr uint32_t newest_format = record_format + 1;

/// What every machine of a shard is made with, but for its node.
shard_options shard_options_of(const parameters& p, shard_id id);

class sim_node {
public:
  using shard_calls = std::vector<std::pair<call_token, shard_call>>;

  /// Two nodes may have one name.
  sim_node(sim_world& world, cluster& all, uint32_t index, std::string name);
  ~sim_node();

  void start();
  void crash();
  /// Its machine starts again, too.
  void reboot();
  /// Going on would be wrong, it said.
  void fail(const std::string& why);
  /// The same, but for what passes: whoever runs it starts it again.
  void stop_for_now(const std::string& why);
  /// From its next start on it is of the next version.
  void upgrade() { format_ = newest_format; }
  uint32_t format() const { return format_; }

  uint32_t index() const { return index_; }
  const std::string& name() const { return name_; }
  std::string endpoint() const { return "sim-" + std::to_string(index_); }
  place at() const { return node_place(index_); }
  sim_world& world() { return world_; }
  process_life& life() { return life_; }
  const simulated_clock& clock() const { return clock_; }
  simulated_clock& clock() { return clock_; }
  random_source& random() { return random_; }
  berth::sim::log_client log_client() {
    return {"node " + std::to_string(index_), at(), &life_};
  }
  bool is_serving() const { return life_.is_alive() && !life_.is_paused(); }
  node_gateway& gateway() { return *gateway_; }
  node_members& members() { return *members_; }
  /// Nothing where there are none.
  node_public_topics* topics() { return topics_.get(); }
  random_source topics_random() { return topics_random_.fork("topic"); }
  /// As from one actor of the process to another.
  void after_hop(std::function<void()> what);
  /// Of a live process.
  node_shard& shard(shard_id id) const { return *shards_.at(id.value); }
  simulated_store& store(shard_id id) { return stores_.at(id.value); }

  /// To the node at the endpoint.
  void bring(const std::string& endpoint, shard_id to, shard_calls calls);
  void bring_answer(sim_node& to, call_token token, result answer);
  void bring_to_agent(shard_id from, std::shared_ptr<const dispatch> what);
  /// Of the topic of dispatches.
  std::optional<shard_id> partition_of(const agent_id& agent) const;
  /// Another process with this node's name came later.
  void stop_replaced(const std::string& by);
  void tell_environments(log_offset at, const catalog_actor& catalog);

private:
  sim_world& world_;
  cluster& all_;
  uint32_t index_;
  std::string name_;
  random_source random_;
  random_source topics_random_;
  simulated_clock clock_;
  process_life life_;
  std::vector<simulated_store> stores_;
  uint32_t format_ = record_format;

  // Of the present process.
  std::unique_ptr<node_gateway> gateway_;
  std::unique_ptr<node_public_topics> topics_;
  std::vector<std::unique_ptr<node_shard>> shards_;
  std::unique_ptr<node_members> members_;
};

} // namespace berth::sim
