#include "tests/sim/node_watch.hpp"

#include "tests/sim/sim_node.hpp"

#include <algorithm>
#include <variant>

namespace berth::sim {

namespace {

/// For clocks that run at different speeds; more than a drift of 5 % makes of
/// any lease that runs draw.
constexpr int64_t margin_ms = 3000;

agent_watch_settings settings_of(const cluster_parameters& p) {
  return {p.lease_ms, p.stop_grace_ms, margin_ms};
}

} // namespace

node_watch::node_watch(sim_node& node, shard_id shard)
    : node_(node), shard_(shard), watch_(settings_of(node.world().cluster())) {}

agent_watch& node_watch::at_present() {
  watch_.on_clock(node_.clock().boottime_ms(node_.world().now()));
  return watch_;
}

void node_watch::on_claim(const shard_state& state) {
  at_present().on_claim(state);
  carry_out();
}

void node_watch::on_stepped_down() {
  at_present().on_stepped_down();
  carry_out();
}

void node_watch::on_decision(const decision_record& decision) {
  at_present().on_decision(decision);
  carry_out();
}

void node_watch::on_heartbeat(const agent_heartbeat& h) {
  at_present().on_heartbeat(h);
  carry_out();
}

void node_watch::on_heartbeats_read(uint64_t look) {
  at_present().on_heartbeats_read(look);
  carry_out();
}

void node_watch::on_broker(bool is_there) {
  if (is_there)
    at_present().on_broker_back();
  else
    at_present().on_broker_lost();
  carry_out();
}

void node_watch::carry_out() {
  for (auto& effect : watch_.take_effects()) {
    if (const auto* look = std::get_if<look_at_heartbeats_end_effect>(&effect))
      node_.members().look_at_end(shard_, look->look);
    else
      // Not from within what the driver has just called.
      node_.life().after(0, [this, lost = std::get<agent_lost_effect>(effect)] {
        node_.world().history.situation("agent_given_up");
        node_.shard(shard_).take_call_of_nobody(lost.what);
      });
  }
  auto due = watch_.next_due_boottime_ms();
  if (!due)
    return;
  auto now = node_.clock().boottime_ms(node_.world().now());
  node_.life().at(node_.clock().when(std::max(*due, now + 1)),
                  [this, wake = ++wake_] {
                    if (wake != wake_)
                      return;
                    at_present();
                    carry_out();
                  });
}

} // namespace berth::sim
