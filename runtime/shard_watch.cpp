#include "runtime/shard_watch.hpp"

#include "runtime/boottime.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace berth {

shard_watch::shard_watch(agent_watch_settings settings, shard_watch_ports ports)
    : watch_(settings), ports_(std::move(ports)) {}

agent_watch& shard_watch::at_present() {
  watch_.on_clock(boottime_ms());
  return watch_;
}

void shard_watch::look_at(const shard* machine) {
  auto owns = machine != nullptr && machine->role() == shard_role::owner;
  auto epoch = owns ? std::optional(machine->current_epoch()) : std::nullopt;
  if (epoch == watching_)
    return;
  if (watching_)
    at_present().on_stepped_down();
  if (epoch)
    at_present().on_claim(machine->state());
  watching_ = epoch;
  carry_out();
}

void shard_watch::on_decision(const decision_record& decision) {
  if (!watching_)
    return;
  at_present().on_decision(decision);
  carry_out();
}

void shard_watch::on_heartbeat(const agent_heartbeat& h) {
  at_present().on_heartbeat(h);
  carry_out();
}

void shard_watch::on_heartbeats_read(uint64_t look) {
  at_present().on_heartbeats_read(look);
  carry_out();
}

void shard_watch::on_broker(bool is_there) {
  if (std::exchange(broker_is_there_, is_there) == is_there)
    return;
  if (is_there)
    at_present().on_broker_back();
  else
    at_present().on_broker_lost();
  carry_out();
}

void shard_watch::on_wake() {
  wake_at_ms_ = INT64_MAX;
  at_present();
  carry_out();
}

void shard_watch::carry_out() {
  for (auto& effect : watch_.take_effects()) {
    if (const auto* look = std::get_if<look_at_heartbeats_end_effect>(&effect))
      ports_.look_at_heartbeats_end(look->look);
    else
      ports_.give_up(std::move(std::get<agent_lost_effect>(effect).what));
  }
  auto due = watch_.next_due_boottime_ms();
  if (!due)
    return;
  auto at = std::max(*due, boottime_ms() + 1);
  if (at >= wake_at_ms_)
    return;
  wake_at_ms_ = at;
  ports_.wake_at(at);
}

} // namespace berth
