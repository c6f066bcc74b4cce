#include "actors/agent_machine.hpp"

#include "messages/simulation.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace berth {

namespace {

/// Reports of one append; the rest follows in the next one.
constexpr size_t reports_per_append_max = 1000;

std::string lane_name(const keeper_reports& r) {
  return source_name(r.agent, r.session) + ">"
         + std::to_string(r.destination.value);
}

} // namespace

agent_machine::agent_machine(agent_machine_settings settings)
    : settings_(settings) {}

void agent_machine::offer(agent_offer o) {
  auto [found, fresh] = agents_.try_emplace(o.agent);
  found->second.offer = std::move(o);
  if (fresh && attached_)
    open_session(found->second.offer);
}

void agent_machine::withdraw(environment_uid environment) {
  std::erase_if(agents_, [&](auto& entry) {
    return entry.first.environment == environment;
  });
}

void agent_machine::drain() {
  draining_ = true;
  for (auto& [id, a] : agents_) {
    if (!a.leased)
      continue;
    a.join_pause = join_pause_first;
    a.heartbeats_to_join = join_pause_first;
    join(a);
  }
}

bool agent_machine::is_drained() const {
  auto settled = [this](const auto& entry) {
    auto told = entry.second.drain_told_ms;
    return told && *told + drain_settle_ms <= boottime_ms_;
  };
  return draining_ && attached_
         && std::all_of(agents_.begin(), agents_.end(), settled);
}

void agent_machine::open_session(const agent_offer& o) {
  effects_.push_back(to_keeper_effect{keeper_open_session{o.agent}});
}

void agent_machine::on_keeper_attached() {
  on_keeper_detached();
  attached_ = true;
  next_check_ms_ = boottime_ms_;
  for (auto& [id, agent] : agents_)
    open_session(agent.offer);
}

void agent_machine::on_keeper_detached() {
  attached_ = false;
  check_open_ = false;
  heartbeats_.clear();
  for (auto& [id, agent] : agents_)
    drop_session(agent);
}

void agent_machine::on_keeper_ended() {
  for (auto& [id, a] : agents_)
    if (a.leased && a.offer.lease_ms != 0)
      effects_.push_back(heartbeat_effect{
          ++last_token_, {id, *a.session, a.offer.environment_shard, 0}});
  on_keeper_detached();
}

void agent_machine::drop_session(agent_state& a) {
  agent_state fresh;
  fresh.offer = std::move(a.offer);
  a = std::move(fresh);
}

agent_machine::agent_state* agent_machine::find(const agent_id& agent,
                                                const session_id& session) {
  auto found = agents_.find(agent);
  return found != agents_.end() && found->second.session == session
             ? &found->second
             : nullptr;
}

void agent_machine::on_keeper_event(const keeper_event& e) {
  if (const auto* hello = std::get_if<keeper_hello>(&e)) {
    // A keeper outlives the settings that it was started with.
    if (hello->stop_grace_ms >= 0)
      settings_.stop_grace_ms = hello->stop_grace_ms;
    attachments_ = hello->attachments;
  } else if (const auto* session = std::get_if<keeper_session>(&e)) {
    on_session(*session);
  } else if (const auto* over = std::get_if<keeper_session_over>(&e)) {
    on_session_over(*over);
  } else if (const auto* taken = std::get_if<keeper_dispatch_taken>(&e)) {
    on_taken(*taken);
  } else if (const auto* refused = std::get_if<keeper_dispatch_refused>(&e)) {
    // Another session's dispatch starts nothing; the shard learns of the new
    // session by its joining.
    if (!settings_.dispatch_topic)
      effects_.push_back(dispatch_delivered_effect{
          refused->source, refused->agent, refused->session, refused->at});
  } else if (const auto* reports = std::get_if<keeper_reports>(&e)) {
    on_reports(*reports);
  } else if (const auto* alive = std::get_if<keeper_alive>(&e)) {
    on_alive(*alive);
  }
}

// Sessions

void agent_machine::on_session(const keeper_session& s) {
  auto found = agents_.find(s.agent);
  if (found == agents_.end())
    return;
  auto& a = found->second;
  if (a.session == s.session) {
    // It shows that the keeper noted where reading begins.
    if (a.read_up_to >= 0 && !a.reading)
      begin_reading(a, s.leased);
    return;
  }
  drop_session(a);
  a.session = s.session;
  if (!settings_.dispatch_topic) {
    begin_lease(a, s.leased);
    effects_.push_back(
        session_attached_effect{s.agent, s.session, s.last_taken});
    join(a);
    return;
  }
  auto from =
      broken(breakage::agent_reads_dispatches_from_end) ? -1 : s.read_from;
  if (from < 0) {
    effects_.push_back(look_at_dispatch_end_effect{s.agent, s.session});
    return;
  }
  a.read_up_to = from;
  a.told_read_up_to = from;
  begin_reading(a, s.leased);
}

void agent_machine::on_session_over(const keeper_session_over& over) {
  auto* a = find(over.agent, over.session);
  if (a == nullptr)
    return;
  drop_session(*a);
  // Answered once nothing of the old session is left.
  open_session(a->offer);
}

void agent_machine::on_dispatch_end(const agent_id& agent,
                                    const session_id& session, int64_t end) {
  auto* a = find(agent, session);
  if (a == nullptr || a->read_up_to >= 0)
    return;
  a->read_up_to = end;
  tell_reading_position(*a, true);
}

void agent_machine::begin_reading(agent_state& a, bool was_leased) {
  a.reading = true;
  effects_.push_back(
      read_dispatches_effect{a.offer.agent, *a.session, a.read_up_to});
  begin_lease(a, was_leased);
  join(a);
}

void agent_machine::begin_lease(agent_state& a, bool was_leased) {
  a.leased = true;
  if (a.offer.lease_ms == 0)
    return tell_lease(a, 0);
  // No owner counts from before the join is sent. A lease that began earlier
  // is for heartbeats alone to renew: its owner may have given it up.
  if (!was_leased)
    tell_lease(a, boottime_ms_ + a.offer.lease_ms);
  next_check_ms_ = boottime_ms_;
}

void agent_machine::tell_lease(const agent_state& a, int64_t until_ms) {
  effects_.push_back(
      to_keeper_effect{keeper_lease{a.offer.agent, *a.session, until_ms}});
}

// Heartbeats

void agent_machine::on_clock(int64_t boottime_ms) {
  boottime_ms_ = std::max(boottime_ms_, boottime_ms);
  auto due = next_due_boottime_ms();
  if (!due || *due > boottime_ms_)
    return;
  check_open_ = true;
  next_check_ms_ = boottime_ms_ + settings_.heartbeat_interval_ms;
  effects_.push_back(to_keeper_effect{keeper_check{++last_check_}});
}

std::optional<int64_t> agent_machine::next_due_boottime_ms() const {
  if (!attached_ || check_open_ || !has_leases())
    return std::nullopt;
  return next_check_ms_;
}

bool agent_machine::has_leases() const {
  return std::any_of(agents_.begin(), agents_.end(), [](const auto& entry) {
    return entry.second.leased && entry.second.offer.lease_ms != 0;
  });
}

void agent_machine::on_alive(const keeper_alive& alive) {
  if (!check_open_ || alive.check != last_check_)
    return;
  check_open_ = false;
  for (auto& [id, a] : agents_) {
    if (!a.leased || a.offer.lease_ms == 0)
      continue;
    send_heartbeat(a);
    join_again(a);
    tell_reading_position(a, false);
  }
}

/// A join that is in its shard's log before the environment is there was passed
/// over; what has been taken changes nothing when it is said again. Without an
/// order one that was sent before the agent drained may land after that.
void agent_machine::join_again(agent_state& a) {
  auto is_taken = a.is_known && !draining_;
  if (is_taken || !a.joined || --a.heartbeats_to_join > 0)
    return;
  a.join_pause = std::min(a.join_pause * 2, join_pause_max);
  a.heartbeats_to_join = a.join_pause;
  join(a);
}

void agent_machine::send_heartbeat(agent_state& a) {
  if (a.heartbeats_in_flight >= heartbeats_in_flight_max)
    return;
  ++a.heartbeats_in_flight;
  auto token = ++last_token_;
  heartbeats_[token] = {a.offer.agent, *a.session, boottime_ms_};
  effects_.push_back(
      heartbeat_effect{token,
                       {a.offer.agent, *a.session, a.offer.environment_shard,
                        a.offer.lease_ms + settings_.stop_grace_ms}});
}

void agent_machine::on_heartbeat_appended(uint64_t token, bool appended) {
  auto found = heartbeats_.find(token);
  if (found == heartbeats_.end())
    return;
  auto sent = found->second;
  heartbeats_.erase(found);
  auto* a = find(sent.agent, sent.session);
  if (a == nullptr)
    return;
  --a->heartbeats_in_flight;
  if (appended)
    tell_lease(*a, sent.sent_ms + a->offer.lease_ms);
}

void agent_machine::tell_reading_position(agent_state& a, bool asks) {
  if (a.read_up_to <= a.told_read_up_to)
    return;
  a.told_read_up_to = a.read_up_to;
  effects_.push_back(to_keeper_effect{
      keeper_reading_position{a.offer.agent, *a.session, a.read_up_to, asks}});
}

// Dispatches

void agent_machine::on_dispatch(const dispatch& d, int64_t position) {
  if (settings_.dispatch_topic) {
    auto found = agents_.find(d.agent);
    if (found == agents_.end() || !found->second.reading
        || (found->second.session != d.session
            && !broken(breakage::dispatch_without_session)))
      return;
    auto& a = found->second;
    a.is_known = true;
    a.read_up_to = std::max(a.read_up_to, position + 1);
  }
  effects_.push_back(to_keeper_effect{keeper_dispatch{d, position}});
}

void agent_machine::on_dispatches_read(const agent_id& agent, int64_t up_to) {
  auto found = agents_.find(agent);
  if (found != agents_.end() && found->second.reading)
    found->second.read_up_to = std::max(found->second.read_up_to, up_to);
}

void agent_machine::on_taken(const keeper_dispatch_taken& taken) {
  if (!settings_.dispatch_topic) {
    effects_.push_back(dispatch_delivered_effect{taken.source, taken.agent,
                                                 taken.session, taken.up_to});
    if (taken.send_again)
      effects_.push_back(session_attached_effect{
          taken.agent, taken.session, {{taken.source.value, taken.up_to}}});
  } else if (taken.send_again && find(taken.agent, taken.session) != nullptr) {
    effects_.push_back(
        read_dispatches_effect{taken.agent, taken.session, taken.read_from});
  }
}

void agent_machine::join(agent_state& a) {
  message_record m;
  m.body =
      agent_joins{a.offer.agent, *a.session,
                  draining_ ? resources{} : a.offer.capacity, join_order()};
  append({a.offer.agent, {}, std::move(m), a.offer.environment_shard});
}

/// An attached agent says two things at most, one after the other: that it is
/// there, and that it drains.
uint64_t agent_machine::join_order() const {
  return attachments_ == 0 ? 0 : 2 * attachments_ + (draining_ ? 1 : 0);
}

uint64_t agent_machine::append(pending_append p) {
  auto token = ++last_token_;
  effects_.push_back(append_message_effect{p.to, token, p.what});
  appends_.emplace(token, std::move(p));
  return token;
}

// The log

void agent_machine::on_reports(const keeper_reports& r) {
  auto name = lane_name(r);
  auto& lane = lanes_[name];
  lane.waiting.agent = r.agent;
  lane.waiting.session = r.session;
  for (const auto& report : r.reports) {
    // After a reattachment the keeper says again what is on its way already.
    auto known = !lane.waiting.reports.empty()
                     ? lane.waiting.reports.back().number
                 : lane.in_flight ? lane.sent.reports.back().number
                                  : 0;
    if (report.number > known)
      lane.waiting.reports.push_back(report);
  }
  send_reports(name, r.destination);
}

void agent_machine::send_reports(const std::string& name, shard_id to) {
  auto& lane = lanes_[name];
  if (lane.in_flight || lane.waiting.reports.empty())
    return;
  auto& waiting = lane.waiting.reports;
  auto count = std::min(waiting.size(), reports_per_append_max);
  auto end = waiting.begin() + static_cast<ptrdiff_t>(count);
  lane.sent = {
      lane.waiting.agent,
      lane.waiting.session,
      {std::make_move_iterator(waiting.begin()), std::make_move_iterator(end)}};
  waiting.erase(waiting.begin(), end);
  message_record m;
  m.body = lane.sent;
  lane.in_flight = append({std::nullopt, name, std::move(m), to});
}

void agent_machine::on_appended(uint64_t token, bool appended) {
  auto found = appends_.find(token);
  if (found == appends_.end())
    return;
  auto p = std::move(found->second);
  appends_.erase(found);
  if (!appended) {
    if (p.joining) {
      // A session that is over has nothing to join for.
      auto session = std::get<agent_joins>(p.what.body).session;
      if (auto* a = find(*p.joining, session))
        join(*a);
      return;
    }
    // Rule Unknown is not failed: a message is simply sent again, and who has
    // taken it already passes over the repeat.
    auto lane = lanes_.find(p.lane);
    auto again = append(std::move(p));
    if (lane != lanes_.end())
      lane->second.in_flight = again;
    return;
  }
  if (p.joining) {
    const auto& said = std::get<agent_joins>(p.what.body);
    // An earlier session's join says nothing of the present one.
    if (auto* a = find(*p.joining, said.session)) {
      a->joined = true;
      if (draining_ && said.capacity == resources{} && !a->drain_told_ms)
        a->drain_told_ms = boottime_ms_;
    }
    return;
  }
  auto& lane = lanes_[p.lane];
  lane.in_flight.reset();
  effects_.push_back(to_keeper_effect{
      keeper_reports_acknowledged{lane.sent.agent, lane.sent.session, p.to,
                                  lane.sent.reports.back().number}});
  if (lane.waiting.reports.empty())
    lanes_.erase(p.lane);
  else
    send_reports(p.lane, p.to);
}

std::vector<agent_effect> agent_machine::take_effects() {
  return std::exchange(effects_, {});
}

bool agent_machine::all_joined() const {
  for (const auto& [id, agent] : agents_)
    if (!agent.joined)
      return false;
  return attached_;
}

} // namespace berth
