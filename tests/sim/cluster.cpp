#include "tests/sim/cluster.hpp"

#include <algorithm>
#include <utility>

namespace berth::sim {

namespace {

/// A supervisor starts a stopped node again.
constexpr sim_time restart_after = 5 * second;
/// From the end of a process to the news of it.
constexpr sim_time link_lost_after = 5 * millisecond;

} // namespace

cluster::cluster(sim_world& world) : world_(world), clients_(world, *this) {
  for (uint32_t i = 0; i < world.cluster().nodes; ++i)
    nodes_.push_back(std::make_unique<sim_node>(world, *this, i,
                                                "node-" + std::to_string(i)));
  for (uint32_t i = 0; i < world.cluster().machines; ++i)
    machines_.push_back(std::make_unique<sim_machine>(world, *this, i));
}

void cluster::start() {
  for (auto& one : nodes_)
    one->start();
  for (auto& one : machines_)
    one->start();
}

std::optional<uint32_t> cluster::node_of(const std::string& endpoint) const {
  for (const auto& one : nodes_)
    if (one->endpoint() == endpoint)
      return one->index();
  return std::nullopt;
}

void cluster::crash_node(uint32_t index) {
  node(index).crash();
}

void cluster::on_link_lost(const std::string& endpoint) {
  for (auto& one : nodes_)
    if (one->endpoint() != endpoint && one->life().is_alive())
      one->life().after(link_lost_after, [node = one.get(), endpoint] {
        node->gateway().on_unreachable(endpoint);
      });
}

void cluster::stop_node(uint32_t index) {
  crash_node(index);
  if (index < world_.with.cluster.nodes)
    world_.time.after(restart_after, [this, index] {
      if (!node(index).life().is_alive())
        node(index).start();
    });
}

uint32_t cluster::start_twin_of(uint32_t index) {
  auto twin = node_count();
  nodes_.push_back(
      std::make_unique<sim_node>(world_, *this, twin, node(index).name()));
  nodes_.back()->start();
  return twin;
}

sim_machine* cluster::machine_of(const agent_id& agent) const {
  auto dash = agent.name.rfind('-');
  auto index = static_cast<uint32_t>(std::stoul(agent.name.substr(dash + 1)));
  return index < machines_.size() ? machines_[index].get() : nullptr;
}

bool cluster::is_known(const environment_object& environment) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& one) {
    return one->is_serving()
           && one->shard(environment.shard).knows(environment.uid);
  });
}

void cluster::on_environments(
    log_offset at, std::shared_ptr<std::vector<environment_object>> all) {
  if (at <= environments_at_)
    return;
  environments_at_ = at;
  environments_ = std::move(all);
  for (auto& one : machines_)
    one->agent_life().after(world_.cluster().call_mean_us,
                            [machine = one.get(), offered = environments_] {
                              machine->offer(*offered);
                            });
}

bool cluster::is_quiet() const {
  return what_is_left().empty();
}

std::string cluster::what_is_left_of(shard_id shard) const {
  for (const auto& one : nodes_)
    if (one->is_serving() && one->shard(shard).is_owner())
      return one->shard(shard).what_is_left();
  return "has no owner";
}

std::string cluster::what_is_left_of_topics() const {
  const auto* topics = world_.public_topics.get();
  if (topics == nullptr)
    return {};
  if (!topics->is_quiet())
    return "appends to public topics are under way";
  for (uint32_t i = 0; i < world_.with.cluster.shards; ++i) {
    auto last = world_.log_watch.last_valid_at(shard_id{i});
    if (topics->told.published_up_to(shard_id{i}) < last)
      return "what shard " + std::to_string(i) + " says is not all published";
  }
  if (!clients_.submissions_are_settled())
    return "submissions have not been taken";
  return {};
}

std::string cluster::what_is_left() const {
  if (!world_.log.is_quiet())
    return "appends are under way";
  if (!clients_.is_quiet())
    return "calls are open";
  for (const auto& one : machines_)
    if (!one->is_quiet())
      return "machine " + std::to_string(one->index())
             + " has attempts, reports that are owed, or no keeper";
  for (uint32_t i = 0; i < world_.with.cluster.shards; ++i)
    if (auto left = what_is_left_of(shard_id{i}); !left.empty())
      return "shard " + std::to_string(i) + " " + left;
  return what_is_left_of_topics();
}

} // namespace berth::sim
