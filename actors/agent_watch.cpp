#include "actors/agent_watch.hpp"

#include "actors/shard_state.hpp"
#include "messages/record.hpp"
#include "messages/simulation.hpp"

#include <algorithm>

namespace berth {

agent_watch::agent_watch(agent_watch_settings settings) : settings_(settings) {}

void agent_watch::on_clock(int64_t boottime_ms) {
  boottime_ms_ = std::max(boottime_ms_, boottime_ms);
  if (!owns_ || broker_lost_)
    return;
  while (!due_.empty() && due_.begin()->first <= boottime_ms_) {
    auto agent = due_.begin()->second;
    due_.erase(due_.begin());
    run_out_.insert(agent);
    auto& w = agents_.at(agent);
    // A look that is open already may end before this count has run out.
    w.look = last_look_ + 1;
    if (broken(breakage::agent_lost_before_heartbeats_read))
      declare_lost(agent, w);
  }
  ask_for_look();
}

void agent_watch::ask_for_look() {
  if (open_look_ != 0 || broker_lost_ || run_out_.empty())
    return;
  open_look_ = ++last_look_;
  effects_.push_back(look_at_heartbeats_end_effect{open_look_});
}

void agent_watch::on_heartbeats_read(uint64_t look) {
  if (open_look_ == 0 || look != open_look_)
    return;
  open_look_ = 0;
  for (const auto& agent : std::set(run_out_)) {
    auto& w = agents_.at(agent);
    if (w.look <= look)
      declare_lost(agent, w);
  }
  ask_for_look();
}

void agent_watch::declare_lost(const agent_id& agent, watched& w) {
  effects_.push_back(agent_lost_effect{{agent, w.session}});
  set_due(agent, w, boottime_ms_ + std::max<int64_t>(settings_.margin_ms, 1));
}

void agent_watch::set_due(const agent_id& agent, watched& w, int64_t due_ms) {
  due_.erase({w.due_ms, agent});
  run_out_.erase(agent);
  w.look = 0;
  w.due_ms = due_ms;
  due_.insert({due_ms, agent});
}

void agent_watch::count_anew(const agent_id& agent, watched& w) {
  set_due(agent, w, boottime_ms_ + w.lives_for_ms + settings_.margin_ms);
}

void agent_watch::count_all_anew() {
  open_look_ = 0;
  for (auto& [agent, w] : agents_)
    count_anew(agent, w);
}

void agent_watch::watch(const agent_id& agent, const session_id& session) {
  auto& w = agents_[agent];
  w.session = session;
  w.lives_for_ms = settings_.lease_ms + settings_.stop_grace_ms;
  count_anew(agent, w);
}

void agent_watch::forget(const agent_id& agent, const session_id& session) {
  auto found = agents_.find(agent);
  if (found == agents_.end() || found->second.session != session)
    return;
  due_.erase({found->second.due_ms, agent});
  run_out_.erase(agent);
  agents_.erase(found);
}

void agent_watch::on_claim(const shard_state& state) {
  on_stepped_down();
  owns_ = true;
  for (const auto& [uid, environment] : state.environments())
    for (const auto& agent : environment.agents()) {
      agent_id id{uid, agent.name};
      watch(id, agent.session);
      if (broken(breakage::agent_lost_right_after_takeover))
        set_due(id, agents_.at(id), boottime_ms_);
    }
}

void agent_watch::on_stepped_down() {
  owns_ = false;
  open_look_ = 0;
  agents_.clear();
  due_.clear();
  run_out_.clear();
}

void agent_watch::on_decision(const decision_record& decision) {
  if (!owns_)
    return;
  for (const auto& e : decision.events) {
    if (const auto* joined = std::get_if<agent_joined>(&e)) {
      watch(joined->agent, joined->session);
    } else if (const auto* ended = std::get_if<agent_session_ended>(&e)) {
      forget(ended->agent, ended->session);
    } else if (const auto* dropped = std::get_if<environment_dropped>(&e)) {
      auto first = agents_.lower_bound({dropped->environment, ""});
      while (first != agents_.end()
             && first->first.environment == dropped->environment) {
        auto [agent, w] = *first++;
        forget(agent, w.session);
      }
    }
  }
}

void agent_watch::on_heartbeat(const agent_heartbeat& h) {
  auto found = agents_.find(h.agent);
  if (found == agents_.end() || found->second.session != h.session)
    return;
  auto& w = found->second;
  // Who has left is given up after the margin: what it reported before is read
  // by then.
  w.lives_for_ms = h.lives_for_ms == 0
                       ? 0
                       : std::max(settings_.lease_ms + settings_.stop_grace_ms,
                                  h.lives_for_ms);
  count_anew(h.agent, w);
}

void agent_watch::on_broker_lost() {
  broker_lost_ = true;
}

void agent_watch::on_broker_back() {
  broker_lost_ = false;
  count_all_anew();
}

std::optional<int64_t> agent_watch::next_due_boottime_ms() const {
  if (!owns_ || broker_lost_ || due_.empty())
    return std::nullopt;
  return due_.begin()->first;
}

std::vector<agent_watch_effect> agent_watch::take_effects() {
  return std::exchange(effects_, {});
}

} // namespace berth
