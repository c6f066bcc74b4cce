#include "tests/sim/sim_node.hpp"

#include "messages/assert.hpp"
#include "tests/sim/cluster.hpp"
#include "tests/sim/sim_machine.hpp"

#include <utility>

namespace berth::sim {

namespace {

/// From one actor of a process to another.
constexpr sim_time inside_process = 10;
/// A process that is gone answers a connection with a reset.
constexpr sim_time refused_after = 1 * millisecond;

} // namespace

sim_node::sim_node(sim_world& world, cluster& all, uint32_t index,
                   std::string name)
    : world_(world), all_(all), index_(index), name_(std::move(name)),
      random_(world.random.fork("node")),
      topics_random_(own_stream(world.with.seed, "topics of a node " + name_)),
      clock_(random_, world.faults().clock_drift_ppm_max), life_(world.time),
      stores_(world.cluster().shards) {}

sim_node::~sim_node() = default;

void sim_node::start() {
  life_.begin();
  if (world_.faults().upgrade_mean_ms > 0 || format_ != record_format)
    world_.history.add(node_started{index_, format_});
  gateway_ = std::make_unique<node_gateway>(*this);
  if (world_.public_topics)
    topics_ = std::make_unique<node_public_topics>(*this);
  for (uint32_t i = 0; i < world_.cluster().shards; ++i)
    shards_.push_back(
        std::make_unique<node_shard>(*this, shard_id{i}, stores_.at(i)));
  for (auto& one : shards_)
    one->start();
  members_ = std::make_unique<node_members>(*this);
  members_->start();
}

void sim_node::crash() {
  if (life_.is_alive())
    all_.on_link_lost(endpoint());
  life_.end();
  members_.reset();
  topics_.reset();
  shards_.clear();
  gateway_.reset();
}

void sim_node::after_hop(std::function<void()> what) {
  life_.after(inside_process, std::move(what));
}

void sim_node::reboot() {
  crash();
  clock_.reboot(world_.now());
}

void sim_node::fail(const std::string& why) {
  world_.history.add(node_failed{index_, why});
  // Not at once: whoever found it is still at work.
  life_.after(0, [this] { all_.crash_node(index_); });
}

void sim_node::stop_for_now(const std::string& why) {
  world_.history.add(node_failed{index_, why});
  life_.after(0, [this] { all_.stop_node(index_); });
}

void sim_node::stop_replaced(const std::string& by) {
  world_.history.fault("node_replaced", "node " + std::to_string(index_)
                                            + " stops: " + by
                                            + " has its name");
  life_.after(0, [this] { all_.stop_node(index_); });
}

std::optional<shard_id> sim_node::partition_of(const agent_id& agent) const {
  const auto* machine = all_.machine_of(agent);
  return machine == nullptr ? std::nullopt
                            : std::optional(shard_id{machine->index()});
}

void sim_node::bring(const std::string& endpoint, shard_id to,
                     shard_calls calls) {
  auto index = all_.node_of(endpoint);
  BERTH_ASSERT(index, "endpoints are those of nodes");
  auto& there = all_.node(*index);
  auto take = [this, to, &there, life = life_.number(),
               calls = std::move(calls)] {
    there.shard(to).take_calls(*this, life, calls);
  };
  if (&there == this)
    life_.after(inside_process, take);
  else if (there.life().is_alive())
    world_.network.ask(at(), there.at(), there.life(), take);
  else
    life_.after(refused_after,
                [this, endpoint] { gateway_->on_unreachable(endpoint); });
}

void sim_node::bring_answer(sim_node& to, call_token token, result answer) {
  auto take = [&to, from = endpoint(), token, answer = std::move(answer)] {
    to.gateway().on_answer(from, token, answer);
  };
  if (&to == this)
    life_.after(inside_process, take);
  else
    world_.network.answer(at(), to.at(), to.life(), take);
}

void sim_node::bring_to_agent(shard_id from,
                              std::shared_ptr<const dispatch> what) {
  auto* machine = all_.machine_of(what->agent);
  if (machine != nullptr)
    world_.network.ask(at(), machine->at(), machine->agent_life(),
                       [this, machine, from, what = std::move(what)] {
                         machine->take_dispatch(index_, from, *what);
                       });
}

void sim_node::tell_environments(log_offset at, const catalog_actor& catalog) {
  auto all = std::make_shared<std::vector<environment_object>>();
  for (const auto& [uid, object] : catalog.environments())
    all->push_back(object);
  all_.on_environments(at, std::move(all));
}

} // namespace berth::sim
