#include "actors/keeper_machine.hpp"

#include "messages/assert.hpp"
#include "messages/simulation.hpp"

#include <algorithm>
#include <utility>

namespace berth {

namespace {

/// What a job's end says when not it, but its place to run came to an end.
constexpr char lease_lapsed_reason[] =
    "The agent's lease lapsed: it could not reach its scheduler in time";
constexpr char shut_down_reason[] = "The keeper of this machine was stopped";
constexpr char withdrawn_reason[] = "Stopped before it was started";

} // namespace

keeper_machine::keeper_machine(keeper_settings settings,
                               const std::vector<keeper_reports>& earlier)
    : settings_(std::move(settings)), reports_(earlier) {}

void keeper_machine::connected() {
  connected_ = true;
  attached_ = false;
}

void keeper_machine::disconnected() {
  connected_ = false;
  attached_ = false;
  for (auto& [id, agent] : agents_)
    agent.open_asked = false;
}

void keeper_machine::tell(keeper_event event) {
  if (connected_)
    act(send_to_agent{std::move(event)});
}

void keeper_machine::fail(std::string message) {
  tell(keeper_failure{std::move(message)});
}

void keeper_machine::handle(const keeper_request& request,
                            const keeper_clock& now) {
  if (const auto* hello = std::get_if<keeper_attach>(&request))
    return attach(*hello);
  if (!attached_)
    return fail("The first frame must be keeper_attach");
  // A late acknowledgement revives nothing: what has lapsed is ended before the
  // lease is looked at.
  if (!std::holds_alternative<keeper_lease>(request)
      || !broken(breakage::late_acknowledgement_revives))
    end_lapsed_at_use(now);
  if (const auto* r = std::get_if<keeper_open_session>(&request))
    take(*r, now);
  else if (const auto* r = std::get_if<keeper_dispatch>(&request))
    take(*r, now);
  else if (const auto* r = std::get_if<keeper_reports_acknowledged>(&request))
    take(*r);
  else if (const auto* r = std::get_if<keeper_lease>(&request))
    take(*r);
  else if (const auto* r = std::get_if<keeper_reading_position>(&request))
    take(*r);
  else if (const auto* r = std::get_if<keeper_check>(&request))
    tell(keeper_alive{r->check});
  else if (const auto* r = std::get_if<keeper_node_environment>(&request))
    node_environment_ = r->variables;
  else
    shut_down(now);
}

void keeper_machine::attach(const keeper_attach& request) {
  if (request.version != keeper_protocol_version) {
    fail("This keeper speaks version " + std::to_string(keeper_protocol_version)
         + " of its protocol, the agent version "
         + std::to_string(request.version)
         + ": end the jobs with the version of berth that started them");
    act(drop_agent{});
    return;
  }
  attached_ = true;
  ++settings_.hello.attachments;
  tell(settings_.hello);
  for (auto& [id, agent] : agents_) {
    agent.open_asked = false;
    if (agent.present)
      tell_session(id, *agent.present);
  }
  reports_.send_again();
}

void keeper_machine::tell_session(const agent_id& id,
                                  const session_state& session) {
  if (session.over)
    return tell(keeper_session_over{id, session.id});
  keeper_session told{
      id, session.id,          session.last_taken,
      {}, session.read_from(), session.lease_until_ms.has_value()};
  for (const auto& [attempt, state] : attempts_)
    if (state.agent == id)
      told.alive.push_back(attempt);
  tell(std::move(told));
}

// Sessions

void keeper_machine::take(const keeper_open_session& request,
                          const keeper_clock&) {
  if (shutting_down_)
    return fail("The keeper is shutting down and opens no session");
  auto& agent = agents_[request.agent];
  agent.open_asked = true;
  answer_open_when_settled(request.agent, agent);
}

void keeper_machine::answer_open_when_settled(const agent_id& id,
                                              agent_state& agent) {
  if (!agent.open_asked || shutting_down_)
    return;
  if (!agent.present || agent.present->over) {
    // A session that is over stays present until its processes are gone.
    auto is_settled = !agent.present && !reports_.owes(id);
    if (!is_settled && !broken(breakage::join_before_old_session_settled))
      return;
    agent.present.emplace();
    agent.present->id = {settings_.keeper_start, ++last_lease_number_};
  }
  agent.open_asked = false;
  tell_session(id, *agent.present);
}

void keeper_machine::settle_if_over(const agent_id& id) {
  auto& agent = agents_[id];
  auto& present = agent.present;
  // A session that goes on keeps its numbers.
  std::optional<session_id> goes_on;
  if (present && (!present->over || present->attempts != 0))
    goes_on = present->id;
  reports_.forget_settled(id, goes_on);
  if (present && !goes_on && !reports_.owes(id))
    present.reset();
  answer_open_when_settled(id, agent);
}

void keeper_machine::take(const keeper_lease& request) {
  auto found = agents_.find(request.agent);
  if (found == agents_.end() || !found->second.present)
    return;
  auto& session = *found->second.present;
  if (session.id != request.session || session.over)
    return;
  auto& until = session.lease_until_ms;
  if (!until || request.until_boottime_ms == 0
      || (*until != 0 && request.until_boottime_ms > *until))
    until = request.until_boottime_ms;
}

void keeper_machine::take(const keeper_reading_position& request) {
  auto found = agents_.find(request.agent);
  if (found == agents_.end() || !found->second.present
      || found->second.present->id != request.session)
    return;
  auto& session = *found->second.present;
  session.read_up_to = std::max(session.read_up_to, request.position);
  if (request.asks)
    tell_session(request.agent, session);
}

int64_t keeper_machine::session_state::read_from() const {
  auto from = read_up_to;
  for (const auto& [source, waits] : waiting_outside)
    from = std::min(from, waits.position);
  return from;
}

void keeper_machine::end_lapsed(const keeper_clock& now) {
  // Without the looks at use a lapse may be noticed as late as a timer comes.
  auto late_ms = broken(breakage::lapse_seen_by_timer_only) ? 10'000 : 0;
  for (auto& [id, agent] : agents_) {
    if (!agent.present || agent.present->over)
      continue;
    const auto& until = agent.present->lease_until_ms;
    if (until && *until != 0 && now.boottime_ms >= *until + late_ms)
      lapse(id, *agent.present, now);
  }
}

/// A timer may come late, after a suspended machine's most of all.
void keeper_machine::end_lapsed_at_use(const keeper_clock& now) {
  if (!broken(breakage::lapse_seen_by_timer_only))
    end_lapsed(now);
}

void keeper_machine::lapse(const agent_id& id, session_state& session,
                           const keeper_clock& now) {
  session.over = true;
  if (attached_)
    tell(keeper_session_over{id, session.id});
  std::vector<attempt_id> of_session;
  for (const auto& [attempt, state] : attempts_)
    if (state.agent == id)
      of_session.push_back(attempt);
  // The grace counts from the lapse, however late it was noticed: the owner
  // counts from there too before it gives the attempts to another agent.
  auto kill_at = *session.lease_until_ms + settings_.stop_grace_ms;
  for (const auto& attempt : of_session) {
    auto& state = attempts_.at(attempt);
    if (state.at == phase::waiting)
      withdraw(attempt, lease_lapsed_reason, now);
    else
      stop(attempt, state, attempt_end::lost, kill_at, now);
  }
  settle_if_over(id);
}

// Dispatches

void keeper_machine::take(const keeper_dispatch& request,
                          const keeper_clock& now) {
  const auto& what = request.what;
  auto found = agents_.find(what.agent);
  if (found == agents_.end() || !found->second.present
      || (found->second.present->id != what.session
          && !broken(breakage::dispatch_without_session))) {
    tell(keeper_dispatch_refused{what.agent, what.session, what.source,
                                 what.number});
    return;
  }
  if (!takes_number(*found->second.present, request))
    return;
  if (const auto* start = std::get_if<start_attempt>(&what.body))
    return take_start(found->second, what, *start, now);
  const auto& id = std::get<stop_attempt>(what.body).attempt;
  auto attempt = attempts_.find(id);
  if (attempt == attempts_.end() || attempt->second.agent != what.agent)
    return; // It has ended; its report says how.
  if (attempt->second.at == phase::waiting)
    withdraw(id, withdrawn_reason, now);
  else
    stop(id, attempt->second, attempt_end::stopped,
         now.boottime_ms + settings_.stop_grace_ms, now);
}

/// What is sent again or out of order is passed over; the receipt says where we
/// are. Reading goes on behind what was taken: what a gap announces is sent
/// again behind what it lacks.
bool keeper_machine::takes_number(session_state& session,
                                  const keeper_dispatch& request) {
  const auto& what = request.what;
  auto source = what.source.value;
  auto& last = session.last_taken[source];
  auto is_next = what.number == last + 1;
  if (is_next && attempts_.size() >= keeper_attempts_max
      && std::holds_alternative<start_attempt>(what.body)) {
    session.waiting_outside[source] = {request.position, false};
    return false;
  }
  session.receipts.insert(source);
  if (is_next) {
    last = what.number;
    session.waiting_outside.erase(source);
  }
  if (what.number <= last && request.position >= 0)
    session.read_up_to = std::max(session.read_up_to, request.position + 1);
  return is_next;
}

void keeper_machine::ask_for_turned_away() {
  if (attempts_.size() >= keeper_attempts_max)
    return;
  for (auto& [id, agent] : agents_)
    if (agent.present && !agent.present->over)
      for (const auto& [source, waits] : agent.present->waiting_outside)
        if (!waits.asked)
          agent.present->receipts.insert(source);
}

void keeper_machine::take_start(agent_state& agent, const dispatch& what,
                                const start_attempt& start,
                                const keeper_clock& now) {
  auto [at, is_new] = attempts_.try_emplace(start.attempt);
  if (!is_new)
    return fail("Attempt " + std::to_string(start.attempt.number) + " of job "
                + to_string(start.attempt.job)
                + " is dispatched twice; the second start is ignored");
  auto& attempt = at->second;
  attempt.agent = what.agent;
  attempt.session = what.session;
  attempt.source = what.source;
  attempt.start = start;
  ++agent.present->attempts;
  waiting_.push_back(start.attempt);
  if (agent.present->over)
    withdraw(start.attempt, lease_lapsed_reason, now);
  else if (shutting_down_)
    withdraw(start.attempt, shut_down_reason, now);
  else if (!start.spec)
    withdraw(start.attempt, "The dispatch came without the job's body", now);
}

std::optional<start_attempt>
keeper_machine::next_start(const keeper_clock& now) {
  end_lapsed_at_use(now);
  if (reports_.size() >= keeper_reports_max)
    return std::nullopt;
  auto may_start = [this](const attempt_id& id) {
    const auto& agent = agents_.at(attempts_.at(id).agent);
    return agent.present->lease_until_ms.has_value();
  };
  auto next = std::find_if(waiting_.begin(), waiting_.end(), may_start);
  if (next == waiting_.end())
    return std::nullopt;
  auto& attempt = attempts_.at(*next);
  attempt.at = phase::starting;
  waiting_.erase(next);
  return attempt.start;
}

void keeper_machine::started(const attempt_id& id, const keeper_clock& now) {
  auto& attempt = attempts_.at(id);
  BERTH_ASSERT(attempt.at == phase::starting, "only next_start makes it start");
  attempt.at = phase::running;
  attempt.started_wall_ms = now.wall_ms;
  const auto& timeout = attempt.start.spec->timeout_ms;
  if (timeout && !broken(breakage::timeout_not_armed))
    set_timer(id, attempt, now.boottime_ms + *timeout);
  // The body was needed to start it; what is left is the attempt's identity.
  attempt.start.spec.reset();
  report(attempt, attempt_started_report{id, now.wall_ms});
}

void keeper_machine::failed_to_start(const attempt_id& id,
                                     const std::string& reason,
                                     const keeper_clock& now) {
  BERTH_ASSERT(attempts_.at(id).at == phase::starting,
               "only next_start makes it start");
  attempt_ended_report end;
  end.end = attempt_end::failed_to_start;
  end.reason = reason.substr(0, keeper_reason_bytes_max);
  end.stopped_ms = now.wall_ms;
  finish(id, std::move(end));
}

void keeper_machine::exited(const attempt_id& id) {
  auto& attempt = attempts_.at(id);
  BERTH_ASSERT(attempt.at == phase::running, "what ends was started");
  set_timer(id, attempt, std::nullopt);
  attempt.killed = true;
}

void keeper_machine::ended(const attempt_id& id, const process_end& process,
                           const keeper_clock& now) {
  const auto& attempt = attempts_.at(id);
  BERTH_ASSERT(attempt.at == phase::running, "what ends was started");
  attempt_ended_report end;
  end.exit_code = process.exit_code;
  end.started_ms = attempt.started_wall_ms;
  end.stopped_ms = std::max(now.wall_ms, attempt.started_wall_ms);
  if (attempt.cause) {
    end.end = *attempt.cause;
    if (end.end == attempt_end::lost)
      end.reason = shutting_down_ ? shut_down_reason : lease_lapsed_reason;
  } else if (process.out_of_memory && process.exit_code != 0) {
    end.end = attempt_end::out_of_memory;
    end.reason = "OutOfMemoryError: Container killed due to memory usage";
  }
  finish(id, std::move(end));
}

void keeper_machine::withdraw(const attempt_id& id, const std::string& reason,
                              const keeper_clock& now) {
  attempt_ended_report end;
  end.end = attempt_end::not_started;
  end.reason = reason;
  end.stopped_ms = now.wall_ms;
  finish(id, std::move(end));
}

void keeper_machine::finish(const attempt_id& id, attempt_ended_report end) {
  auto at = attempts_.find(id);
  auto& attempt = at->second;
  if (attempt.at == phase::waiting)
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), id));
  set_timer(id, attempt, std::nullopt);
  end.attempt = id;
  report(attempt, std::move(end));
  auto& present = agents_.at(attempt.agent).present;
  if (present && present->id == attempt.session)
    --present->attempts;
  attempts_.erase(at);
  ask_for_turned_away();
}

// Stopping

void keeper_machine::stop(const attempt_id& id, attempt_state& attempt,
                          attempt_end cause, int64_t kill_at_ms,
                          const keeper_clock& now) {
  if (attempt.killed)
    return;
  bool is_first = !attempt.cause;
  if (is_first) {
    attempt.cause = cause;
    set_timer(id, attempt, kill_at_ms);
  } else if (kill_at_ms < *attempt.timer_ms) {
    set_timer(id, attempt, kill_at_ms);
  }
  if (*attempt.timer_ms <= now.boottime_ms)
    kill(id, attempt);
  else if (is_first)
    act(signal_attempt{id, false});
}

void keeper_machine::kill(const attempt_id& id, attempt_state& attempt) {
  set_timer(id, attempt, std::nullopt);
  attempt.killed = true;
  act(signal_attempt{id, true});
}

void keeper_machine::set_timer(const attempt_id& id, attempt_state& attempt,
                               std::optional<int64_t> at_ms) {
  if (attempt.timer_ms)
    timers_.erase({*attempt.timer_ms, id});
  attempt.timer_ms = at_ms;
  if (at_ms)
    timers_.insert({*at_ms, id});
}

void keeper_machine::look_at_clock(const keeper_clock& now) {
  end_lapsed(now);
  while (!timers_.empty() && timers_.begin()->first <= now.boottime_ms) {
    auto id = timers_.begin()->second;
    auto& attempt = attempts_.at(id);
    if (attempt.cause) {
      kill(id, attempt);
    } else {
      stop(id, attempt, attempt_end::timed_out,
           now.boottime_ms + settings_.stop_grace_ms, now);
    }
  }
}

std::optional<int64_t> keeper_machine::next_deadline_ms() const {
  std::optional<int64_t> next;
  if (!timers_.empty())
    next = timers_.begin()->first;
  for (const auto& [id, agent] : agents_) {
    if (!agent.present || agent.present->over)
      continue;
    const auto& until = agent.present->lease_until_ms;
    if (until && *until != 0 && (!next || *until < *next))
      next = *until;
  }
  return next;
}

void keeper_machine::shut_down(const keeper_clock& now) {
  end_at_once_ = shutting_down_;
  shutting_down_ = true;
  while (!waiting_.empty()) {
    auto id = waiting_.front();
    withdraw(id, shut_down_reason, now);
  }
  auto kill_at = end_at_once_ ? now.boottime_ms
                              : now.boottime_ms + settings_.stop_grace_ms;
  for (auto& [id, attempt] : attempts_)
    stop(id, attempt, attempt_end::lost, kill_at, now);
}

// Reports

void keeper_machine::report(const attempt_state& attempt, attempt_report body) {
  reports_.add(attempt.agent, attempt.session, attempt.source, std::move(body));
}

void keeper_machine::take(const keeper_reports_acknowledged& request) {
  auto up_to = reports_.acknowledge(request);
  if (up_to == 0)
    return;
  auto kept = request;
  kept.up_to = up_to;
  act(keep_record{keeper_journal_record{std::move(kept)}});
  settle_if_over(request.agent);
}

void keeper_machine::flush_receipts() {
  for (auto& [id, agent] : agents_) {
    if (!agent.present)
      continue;
    auto& session = *agent.present;
    for (auto source : session.receipts) {
      if (!attached_)
        break;
      auto waits = session.waiting_outside.find(source);
      auto has_room = waits != session.waiting_outside.end()
                      && attempts_.size() < keeper_attempts_max;
      if (has_room)
        waits->second.asked = true;
      tell(keeper_dispatch_taken{id, session.id, shard_id{source},
                                 session.last_taken[source], has_room,
                                 session.read_from()});
    }
    session.receipts.clear();
  }
}

std::vector<keeper_action> keeper_machine::take_actions() {
  flush_receipts();
  for (auto& batch : reports_.take_unkept())
    act(keep_record{keeper_journal_record{std::move(batch)}});
  if (attached_)
    for (auto& batch : reports_.take_unsent())
      tell(std::move(batch));
  bool is_done = shutting_down_ && attempts_.empty()
                 && (reports_.size() == 0 || end_at_once_);
  if (is_done && !ended_) {
    ended_ = true;
    act(end_keeper{});
  }
  return std::exchange(actions_, {});
}

std::vector<keeper_journal_record> keeper_machine::journal() const {
  std::vector<keeper_journal_record> records;
  for (auto& batch : reports_.all())
    records.push_back({std::move(batch)});
  return records;
}

void keeper_machine::check_invariants() const {
  std::map<agent_id, size_t> attempts_of;
  size_t waiting = 0;
  size_t timers = 0;
  for (const auto& [id, attempt] : attempts_) {
    ++attempts_of[attempt.agent];
    waiting += attempt.at == phase::waiting;
    timers += attempt.timer_ms.has_value();
    BERTH_ASSERT(!attempt.timer_ms || timers_.count({*attempt.timer_ms, id}),
                 "an attempt's timer is in the list of timers");
    const auto& agent = agents_.at(attempt.agent);
    BERTH_ASSERT(agent.present && agent.present->id == attempt.session,
                 "an attempt lives in its agent's present session");
  }
  BERTH_ASSERT(timers == timers_.size(), "no timer outlives its attempt");
  BERTH_ASSERT(waiting == waiting_.size(), "who waits is in the line");
  for (const auto& id : waiting_)
    BERTH_ASSERT(attempts_.at(id).at == phase::waiting,
                 "who is in the line waits");
  for (const auto& [id, agent] : agents_)
    if (agent.present)
      BERTH_ASSERT(agent.present->attempts == attempts_of[id],
                   "a session counts its attempts");
  reports_.check_invariants();
}

} // namespace berth
