#include "runtime/cluster_link.hpp"

#include "runtime/random_nonce.hpp"

#include <chrono>
#include <future>
#include <spdlog/spdlog.h>
#include <utility>

namespace berth {

cluster_link::cluster_link(cluster_options options)
    : options_(std::move(options)) {}

storage_error cluster_link::open(bool may_make_log,
                                 std::unique_ptr<log>& opened) {
  auto open_one = [&](topic t, std::unique_ptr<log>& to) {
    auto result =
        open_topic(options_.kafka, t, t != topic::log || may_make_log);
    to = std::move(result.opened);
    return result.error;
  };
  if (auto error = open_one(topic::log, opened))
    return error;
  if (auto error = open_one(topic::heartbeats, heartbeats_))
    return error;
  if (auto error = open_one(topic::dispatch, dispatches_))
    return error;
  // Those of others are made here, so that whoever comes finds them.
  for (auto t : {topic::submissions, topic::rejections,
                 topic::job_state_changes, topic::output}) {
    std::unique_ptr<log> unused;
    if (auto error = open_one(t, unused))
      return error;
  }
  return {};
}

void cluster_link::set_up(caf::actor_system_config& config,
                          const std::string& cluster_id) {
  set_up_network(config, cluster_id, options_.secret);
  secret_mark_ = secret_mark(cluster_id, options_.secret);
  callers_ = std::make_unique<caller_system>(cluster_id, options_.secret);
}

std::optional<std::string> cluster_link::publish(caf::actor_system& system) {
  door_ = spawn_node_door(system);
  return publish_node_door(system, door_, options_.endpoint);
}

gateway_cluster_options cluster_link::for_gateway() const {
  return {endpoint(), options_.routing};
}

members_host_actor cluster_link::members() const {
  std::lock_guard lock{mutex_};
  return members_;
}

shard_cluster_options cluster_link::for_shard(shard_id shard,
                                              gateway_actor gateway) {
  shard_cluster_options o;
  o.dispatches = dispatches_.get();
  o.watch = options_.watch;
  o.door = door_;
  o.on_stand = [this](shard_stands stands) {
    if (auto to = members())
      caf::anon_send(to, stands);
  };
  o.on_heartbeats_look = [this](heartbeats_look look) {
    if (auto to = members())
      caf::anon_send(to, look);
  };
  o.on_claim = [shard](const claim_record& claim) {
    spdlog::info("claim read shard={} node={} endpoint={}", shard.value,
                 claim.node, claim.endpoint);
  };
  o.on_claimed_by = [gateway, shard](const claim_record& claim) {
    caf::anon_send(gateway, owner_known{shard, claim.endpoint, true});
  };
  return o;
}

void cluster_link::join(caf::actor_system& system, const std::string& node,
                        std::vector<shard_host_actor> shards,
                        gateway_actor gateway,
                        std::function<void(std::string)> on_fatal) {
  open_node_door(door_, {endpoint(), gateway, shards});
  open_node_door(callers_->door(), {endpoint(), gateway, {}});
  members_host_options o;
  o.membership.node = node;
  o.membership.nonce = secret_mark_ + random_nonce().substr(secret_mark_size);
  o.membership.endpoint = endpoint();
  o.membership.timeout_ms = options_.membership_timeout_ms;
  o.heartbeat_interval_ms = options_.heartbeat_interval_ms;
  o.heartbeats = heartbeats_.get();
  o.shards = std::move(shards);
  o.gateway = std::move(gateway);
  o.on_fatal = std::move(on_fatal);
  auto host = spawn_members_host(system, std::move(o));
  std::lock_guard lock{mutex_};
  members_ = std::move(host);
}

void cluster_link::want_whole_log(bool is_wanted) {
  if (auto to = members())
    caf::anon_send(to, whole_log_wanted{is_wanted});
}

void cluster_link::leave(int64_t patience_ms) {
  auto left = std::make_shared<std::promise<void>>();
  auto done = left->get_future();
  caf::anon_send(members(), leave_cluster{[left] { left->set_value(); }});
  done.wait_for(std::chrono::milliseconds(patience_ms));
}

cluster_view cluster_link::view() const {
  auto found = std::make_shared<std::promise<cluster_view>>();
  auto asked = found->get_future();
  caf::anon_send(members(), inspect_members{[found](const cluster_view& v) {
                   found->set_value(v);
                 }});
  return asked.get();
}

void cluster_link::stop() {
  std::lock_guard lock{mutex_};
  if (members_)
    caf::anon_send(members_, stop_now{});
  if (door_)
    caf::anon_send(door_, stop_now{});
  members_ = nullptr;
  door_ = nullptr;
  // It knows the gateway, which ends with the node's own system.
  callers_.reset();
}

} // namespace berth
