#include "actors/decision_run.hpp"

#include "actors/shard.hpp"
#include "messages/encoded_size.hpp"
#include "messages/limits.hpp"
#include "messages/simulation.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace berth {

namespace {

/// Many small items make work, too, so each counts as so many bytes at least.
constexpr size_t item_bytes_min = 96;

template <class Item>
size_t bytes_of(const Item& item) {
  return std::max(item_bytes_min, encoded_size(item));
}

} // namespace

decision_run::decision_run(shard_state& state, const decision_context& context,
                           uint64_t seq)
    : state_(state), context_(context) {
  // More submissions than this never fit into one decision.
  constexpr int positions_bits = 20;
  draft_.position_base = seq << positions_bits;
}

bool decision_run::is_full() const {
  return bytes_ >= limits::decision_bytes_max
         || events.size() >= limits::decision_events_max
         || outbox.size() >= limits::decision_outbox_max
         || (!events.empty() && rarely("full decision"));
}

template <class Decide>
void decision_run::decide(Decide&& what) {
  what();
  absorb();
}

void decision_run::emit(event e) {
  // Rule Fold: a reader applies the events before the messages, and would keep
  // what this run has for a session that it then forgets.
  if (const auto* over = std::get_if<session_forgotten>(&e))
    std::erase_if(outbox, [name = source_name(over->agent, over->session)](
                              const outbox_message& m) {
      return to_string(m.to) == name;
    });
  bytes_ += bytes_of(e);
  state_.apply(e);
  events.push_back(std::move(e));
}

void decision_run::absorb() {
  auto emitted = std::exchange(draft_.events, {});
  for (auto& e : emitted) {
    if (const auto* ended = std::get_if<agent_session_ended>(&e))
      draft_.events.push_back(session_forgotten{ended->agent, ended->session});
    emit(std::move(e));
  }
  for (auto& e : std::exchange(draft_.events, {}))
    emit(std::move(e));
  for (auto& m : std::exchange(draft_.messages, {})) {
    if (m.to == context_.self)
      inside_.push_back(std::move(m.body));
    else
      post(shard_destination{m.to}, to_shard{std::move(m.body)});
  }
  for (auto& d : std::exchange(draft_.dispatches, {})) {
    forget_older_sessions(d.agent, d.session);
    post(agent_destination{std::move(d.agent), d.session},
         to_agent{std::move(d.body)});
  }
}

void decision_run::post(destination to, outbox_body body) {
  outbox_message message{std::move(to), 0, std::move(body)};
  message.message_number = state_.last_sent(to_string(message.to)) + 1;
  bytes_ += bytes_of(message);
  state_.apply(message);
  outbox.push_back(std::move(message));
}

/// An agent has one session at a time, so what was meant for an older one will
/// not be taken any more.
void decision_run::forget_older_sessions(const agent_id& agent,
                                         const session_id& session) {
  if (state_.last_sent(source_name(agent, session)) != 0)
    return;
  std::vector<session_forgotten> over;
  for (const auto& [name, box] : state_.outboxes()) {
    const auto* to = std::get_if<agent_destination>(&box.to);
    if (to != nullptr && to->agent == agent && to->session < session)
      over.push_back({to->agent, to->session});
  }
  for (auto& e : over)
    emit(std::move(e));
}

void decision_run::take(call_token token, const shard_call& call) {
  auto outbox_before = outbox.size();
  decide([&] {
    if (const auto* c = std::get_if<catalog_call>(&call))
      state_.catalog().decide(token, *c, context_, draft_);
    else if (const auto* c = std::get_if<submit_job_call>(&call))
      submit(token, *c);
    else if (const auto* end = std::get_if<end_job_call>(&call))
      state_.jobs().decide(token, *end, context_, draft_);
    else if (const auto* lost = std::get_if<agent_lost_call>(&call)) {
      if (const auto* e = state_.find_environment(lost->agent.environment))
        e->decide(*lost, draft_);
    } else if (const auto* tag = std::get_if<tag_job_call>(&call))
      state_.jobs().decide(token, *tag, context_, draft_);
  });
  deliver_inside();
  auto reaches_others = std::any_of(
      outbox.begin()
          + static_cast<ptrdiff_t>(std::min(outbox_before, outbox.size())),
      outbox.end(), [](const outbox_message& m) {
        return std::holds_alternative<shard_destination>(m.to);
      });
  auto& waiting = reaches_others && std::holds_alternative<catalog_call>(call)
                      ? answers_after_delivery
                      : answers;
  for (auto& a : std::exchange(draft_.answers, {}))
    waiting.push_back(std::move(a));
}

void decision_run::take(topic_submission s) {
  decide([&] {
    if (auto* call = std::get_if<submit_job_call>(&s.what))
      draft_.send(s.home, submit_job{call->id, call->owner, call->queue,
                                     std::move(call->spec), std::move(s.source),
                                     s.offset});
    else
      draft_.emit(message_refused{std::move(s.source), s.offset,
                                  std::get<api_error>(s.what).message});
  });
  deliver_inside();
}

void decision_run::submit(call_token token, const submit_job_call& call) {
  if (state_.find_queue(call.queue) == nullptr)
    draft_.answer(token, api_error{api_errc::unavailable,
                                   "the job queue is not ready; try again"});
  else
    state_.jobs().decide(token, call, context_, draft_);
}

/// Who submits by a topic learns of a refusal from the event.
void decision_run::take_submission(const submit_job& m) {
  submit(no_caller, {m.id, m.owner, m.queue, m.spec});
  for (const auto& a : std::exchange(draft_.answers, {}))
    if (const auto* refused = std::get_if<api_error>(&a.answer))
      draft_.emit(message_refused{m.source, m.offset, refused->message});
}

uint64_t decision_run::last_taken(const std::string& source) const {
  auto found = taken_.find(source);
  return found != taken_.end() ? found->second : state_.last_taken(source);
}

bool decision_run::take_number(const std::string& source, uint64_t number) {
  auto last = last_taken(source);
  auto is_next = broken(breakage::receiver_takes_any_greater)
                     ? number > last
                     : number == last + 1;
  if (!is_next) {
    ++messages_passed_over;
    return false;
  }
  taken_[source] = number;
  ++messages_taken;
  return true;
}

void decision_run::take(log_offset offset, const message_record& message) {
  if (message.source) {
    if (!take_number(source_name(*message.source), message.message_number))
      return;
    route(message.body);
  } else if (const auto* joins = std::get_if<agent_joins>(&message.body)) {
    ++messages_taken;
    route(*joins);
  } else if (const auto* reports = std::get_if<agent_reports>(&message.body)) {
    take_reports(*reports);
  } else {
    ++messages_refused;
    emit(message_refused{"agent", offset, "not a message that agents send"});
  }
  deliver_inside();
}

void decision_run::take_reports(const agent_reports& reports) {
  // What this shard has sent nothing, or has forgotten, answers nothing.
  if (state_.last_sent(source_name(reports.agent, reports.session)) == 0) {
    messages_passed_over += reports.reports.size();
    return;
  }
  auto session = broken(breakage::report_numbers_per_agent) ? session_id{}
                                                            : reports.session;
  auto source = source_name(reports.agent, session);
  for (const auto& report : reports.reports) {
    if (!take_number(source, report.number))
      continue;
    decide([&] {
      state_.jobs().decide(reports.agent, reports.session, report.body,
                           context_, draft_);
    });
    deliver_inside();
  }
}

void decision_run::record_delivery(const std::string& to, uint64_t up_to) {
  emit(delivery_recorded{to, up_to});
}

void decision_run::deliver_inside() {
  while (!inside_.empty()) {
    auto message = std::move(inside_.front());
    inside_.pop_front();
    route(message);
  }
}

void decision_run::route(const actor_message& message) {
  std::visit([this](const auto& m) { route_one(m); }, message);
}

template <class Message>
void decision_run::route_one(const Message& m) {
  decide([&] {
    if constexpr (std::is_same_v<Message, queue_gone>) {
      state_.catalog().decide(m, context_, draft_);
    } else if constexpr (std::is_same_v<Message, configure_environment>) {
      if (const auto* actor = state_.find_environment(m.object.uid))
        actor->decide(m, context_, draft_);
      else
        draft_.emit(environment_configured{m.object});
    } else if constexpr (std::is_same_v<Message, configure_queue>) {
      if (const auto* actor = state_.find_queue(m.object.uid))
        actor->decide(m, context_, draft_);
      else
        draft_.emit(queue_configured{m.object, m.environments});
    } else if constexpr (std::is_same_v<Message, remove_environment>) {
      if (const auto* actor = state_.find_environment(m.uid))
        actor->decide(m, context_, draft_);
    } else if constexpr (std::is_same_v<Message, remove_queue>) {
      if (const auto* actor = state_.find_queue(m.uid))
        actor->decide(m, context_, draft_);
    } else if constexpr (std::is_same_v<Message, agent_joins>) {
      if (const auto* actor = state_.find_environment(m.agent.environment))
        actor->decide(m, context_, draft_);
    } else if constexpr (std::is_same_v<Message, demand>) {
      // An actor that is gone bounces what it is sent.
      if (const auto* actor = state_.find_environment(m.environment))
        actor->decide(m, context_, draft_);
      else if (!m.runs.empty())
        draft_.send(
            m.queue.shard,
            saturated{m.queue.uid, m.environment, m.version, true, {}, {}});
    } else if constexpr (std::is_same_v<Message, release>) {
      if (const auto* actor = state_.find_environment(m.environment))
        actor->decide(m, context_, draft_);
    } else if constexpr (std::is_same_v<Message, grant>) {
      if (const auto* actor = state_.find_queue(m.queue)) {
        actor->decide(m, context_, draft_);
      } else if (!broken(breakage::bounced_grant_not_released)) {
        release back{m.environment, {m.queue, context_.self}, {}};
        for (const auto& lease : m.leases)
          back.leases.push_back(lease.id);
        draft_.send(m.environment_shard, std::move(back));
      }
    } else if constexpr (std::is_same_v<Message, submit_job>) {
      take_submission(m);
    } else if constexpr (requires(const queue_actor& q, draft& d) {
                           q.decide(m, decision_context{}, d);
                         }) {
      if (const auto* actor = state_.find_queue(m.queue))
        actor->decide(m, context_, draft_);
    } else if constexpr (requires(const job_table& t, draft& d) {
                           t.decide(m, decision_context{}, d);
                         }) {
      state_.jobs().decide(m, context_, draft_);
    } else {
      static_assert(std::is_same_v<Message, agent_reports>,
                    "every message has a receiver");
      take_reports(m);
    }
  });
}

void decision_run::finish() {
  decide([&] { state_.catalog().advance(context_, draft_); });
  decide([&] { state_.jobs().advance(context_, draft_); });
  deliver_inside();
  for (const auto& [uid, environment] : state_.environments())
    if (auto due = environment.next_due_ms(); due && *due <= context_.now_ms)
      state_.mark_unsettled(uid);
  settle();
  drop_gone_queues();
  for (auto& [source, up_to] : taken_)
    emit(berth::messages_taken{source, up_to});
}

/// Within one shard the exchange repeats until nothing changes; what a full
/// decision leaves unsettled, the next one goes on with.
void decision_run::settle() {
  while (!state_.is_settled() && !is_full()) {
    for (auto uid : state_.take_unsettled_queues())
      if (const auto* queue = state_.find_queue(uid)) {
        decide([&] { queue->settle(context_, draft_); });
        deliver_inside();
      }
    for (auto uid : state_.take_unsettled_environments())
      if (const auto* environment = state_.find_environment(uid)) {
        decide([&] { environment->pass(context_, draft_); });
        deliver_inside();
      }
  }
}

void decision_run::drop_gone_queues() {
  std::vector<queue_uid> gone;
  for (const auto& [uid, queue] : state_.queues())
    if (queue.is_gone())
      gone.push_back(uid);
  for (auto uid : gone) {
    decide([&] {
      draft_.emit(queue_dropped{uid});
      draft_.send(shard_id{0}, queue_gone{uid});
    });
    deliver_inside();
  }
}

} // namespace berth
