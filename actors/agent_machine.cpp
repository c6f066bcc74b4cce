#include "actors/agent_machine.hpp"

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

void agent_machine::open_session(const agent_offer& o) {
  effects_.push_back(to_keeper_effect{keeper_open_session{o.agent}});
}

void agent_machine::on_keeper_attached() {
  attached_ = true;
  for (auto& [id, agent] : agents_) {
    agent.session.reset();
    agent.joined = false;
    open_session(agent.offer);
  }
}

void agent_machine::on_keeper_event(const keeper_event& e) {
  if (const auto* session = std::get_if<keeper_session>(&e)) {
    auto found = agents_.find(session->agent);
    if (found == agents_.end() || found->second.session == session->session)
      return;
    found->second.session = session->session;
    // The lock on the data folder excludes a second owner, so with the embedded
    // log a lease never lapses.
    effects_.push_back(
        to_keeper_effect{keeper_lease{session->agent, session->session, 0}});
    effects_.push_back(session_attached_effect{session->agent, session->session,
                                               session->last_taken});
    join(found->second);
  } else if (const auto* taken = std::get_if<keeper_dispatch_taken>(&e)) {
    effects_.push_back(dispatch_delivered_effect{taken->source, taken->agent,
                                                 taken->session, taken->up_to});
  } else if (const auto* refused = std::get_if<keeper_dispatch_refused>(&e)) {
    // Another session's dispatch starts nothing; the shard learns of the new
    // session by its joining.
    effects_.push_back(dispatch_delivered_effect{
        refused->source, refused->agent, refused->session, refused->at});
  } else if (const auto* reports = std::get_if<keeper_reports>(&e)) {
    on_reports(*reports);
  }
}

void agent_machine::join(agent_state& a) {
  message_record m;
  m.body = agent_joins{a.offer.agent, *a.session, a.offer.capacity};
  append({a.offer.agent, {}, std::move(m), a.offer.environment_shard});
}

uint64_t agent_machine::append(pending_append p) {
  auto token = ++last_token_;
  effects_.push_back(append_message_effect{p.to, token, p.what});
  appends_.emplace(token, std::move(p));
  return token;
}

void agent_machine::on_dispatch(const dispatch& d) {
  effects_.push_back(to_keeper_effect{keeper_dispatch{d}});
}

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
    // Rule Unknown is not failed: a message is simply sent again, and who has
    // taken it already passes over the repeat.
    auto lane = lanes_.find(p.lane);
    auto again = append(std::move(p));
    if (lane != lanes_.end())
      lane->second.in_flight = again;
    return;
  }
  if (p.joining) {
    auto agent = agents_.find(*p.joining);
    // An earlier session's join says nothing of the present one.
    if (agent != agents_.end()
        && agent->second.session == std::get<agent_joins>(p.what.body).session)
      agent->second.joined = true;
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
