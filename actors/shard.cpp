#include "actors/shard.hpp"

#include "actors/decision_run.hpp"
#include "actors/shard_questions.hpp"
#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "messages/limits.hpp"
#include "messages/simulation.hpp"

#include <algorithm>
#include <utility>

namespace berth {

namespace {

size_t inputs_of(const message_record& message) {
  const auto* said = std::get_if<agent_reports>(&message.body);
  return said != nullptr ? std::max<size_t>(said->reports.size(), 1) : 1;
}

} // namespace

const char* to_string(shard_role r) {
  switch (r) {
  case shard_role::follower:
    return "follower";
  case shard_role::claiming:
    return "claiming";
  case shard_role::owner:
    return "owner";
  case shard_role::broken:
    return "broken";
  }
  return "unknown";
}

shard::shard(shard_options options)
    : options_(std::move(options)),
      state_(std::make_unique<shard_state>(options_.state)) {
  at_.cluster_id = options_.cluster_id;
}

void shard::load_row(std::string_view key, std::string_view bytes) {
  state_->load_row(key, bytes);
}

void shard::finish_load(const std::optional<checkpoint>& at) {
  if (!at)
    return;
  BERTH_ASSERT(at->cluster_id == options_.cluster_id,
               "the host checked that the store belongs to this log");
  at_ = *at;
  loaded_offset_ = at_.folded_offset;
  cut_offset_ = at_.folded_offset;
}

log_offset shard::resume_offset() const {
  if (broken(breakage::resume_after_folded_offset))
    return at_.folded_offset + 1;
  return at_.through + 1;
}

std::optional<log_offset> shard::claim_offset() const {
  return at_.at_epoch.value < 0 ? std::nullopt
                                : std::optional{at_.at_epoch.value};
}

bool shard::is_claim_of_rows(std::string_view bytes) const {
  auto read = decode<record>(bytes);
  const auto* claim = read ? std::get_if<claim_record>(&read->body) : nullptr;
  return claim != nullptr && claim->nonce == at_.nonce;
}

// Folding.

void shard::on_record(log_offset offset, int64_t append_ms,
                      std::string_view bytes) {
  if (role_ == shard_role::broken)
    return;
  if (broken(breakage::later_decision_confirmed) && in_flight_.size() > 1
      && bytes == in_flight_[1].bytes) {
    at_.seq = in_flight_.front().decision->seq;
    in_flight_.pop_front();
  }
  // Rule One at a time: one's own decision is known by its very bytes, which
  // hold nonce and seq.
  if (!in_flight_.empty() && bytes == in_flight_.front().bytes) {
    confirm(offset);
    return;
  }
  auto read = decode<record>(bytes);
  if (!read
      || (read->format > options_.format
          && !broken(breakage::newer_format_folded))) {
    role_ = shard_role::broken;
    put(fatal_effect{
        "record " + std::to_string(offset) + " of shard "
        + std::to_string(options_.state.self.value)
        + (read ? " was written by a newer version of Berth (format "
                      + std::to_string(read->format) + "): upgrade this node"
                : " cannot be read: it is damaged or of a newer version; "
                  "restore the log from a copy, or upgrade this node")});
    return;
  }
  if (auto* message = std::get_if<message_record>(&read->body)) {
    if (offset > at_.through) {
      auto inputs = inputs_of(*message);
      undecided_inputs_ += inputs;
      messages_.push_back({offset, std::move(*message), inputs});
    }
    if (offset > loaded_offset_)
      at_.folded_offset = offset;
    return;
  }
  if (offset <= loaded_offset_)
    return;
  at_.folded_offset = offset;
  if (auto* claim = std::get_if<claim_record>(&read->body))
    take_claim(offset, append_ms, *claim);
  else
    take_decision(offset, std::move(std::get<decision_record>(read->body)));
}

void shard::take_claim(log_offset offset, int64_t append_ms,
                       const claim_record& claim) {
  at_.at_epoch = epoch{offset};
  at_.nonce = claim.nonce;
  claim_read_ = claim;
  auto own = !own_nonce_.empty()
             && (claim.nonce == own_nonce_
                 || (broken(breakage::claim_known_by_node_only)
                     && claim.node == options_.node));
  if (own && role_ == shard_role::claiming) {
    role_ = shard_role::owner;
    time_base_ms_ = std::max(at_.at_ms, append_ms);
    time_base_boottime_ms_ = boottime_ms_;
    sendings_.begin_anew();
    if (!broken(breakage::no_resend_after_takeover))
      send_all_unrecorded();
    look_at_end();
    return;
  }
  if (role_ == shard_role::owner) {
    if (!in_flight_.empty()) {
      break_down("another node claimed the shard while a decision was in "
                 "flight");
      return;
    }
    role_ = shard_role::follower;
    turn_away_everything("another node owns the shard now; try again");
  }
}

void shard::take_decision(log_offset offset, decision_record decision) {
  // Rule Validity. A gap never stops a shard: what does not fit is ignored.
  auto is_fenced =
      decision.at_epoch != at_.at_epoch || decision.nonce != at_.nonce;
  if (is_fenced && !broken(breakage::skip_epoch_check)) {
    ++counters_.fenced;
    return;
  }
  auto is_next = broken(breakage::seq_greater_instead_of_next)
                     ? decision.seq > at_.seq
                     : decision.seq == at_.seq + 1;
  if (!is_next) {
    ++counters_.out_of_sequence;
    if (broken(breakage::gap_stops_shard))
      put(fatal_effect{"a decision is missing"});
    if (owns())
      break_down("a decision of this node was read out of sequence");
    return;
  }
  if (!in_flight_.empty() || owns()) {
    break_down("a decision was read that this owner did not have in flight");
    return;
  }
  fold(offset, std::make_shared<const decision_record>(std::move(decision)));
}

void shard::fold(log_offset offset,
                 const std::shared_ptr<const decision_record>& decision) {
  for (const auto& e : decision->events)
    state_->apply(e);
  for (const auto& m : decision->outbox)
    state_->apply(m);
  note_folded(offset, *decision);
  put(folded_effect{offset, decision});
}

void shard::note_folded(log_offset offset, const decision_record& decision) {
  at_.folded_offset = offset;
  at_.seq = decision.seq;
  at_.at_ms = decision.at_ms;
  at_.through = decision.through;
  at_.cursors = decision.cursors;
  while (!messages_.empty() && messages_.front().offset <= decision.through) {
    if (messages_decided_ > 0)
      --messages_decided_;
    else
      undecided_inputs_ -= messages_.front().inputs;
    messages_.pop_front();
  }
  ++counters_.decisions;
  counters_.events += decision.events.size();
}

/// The first decision in flight was read back: if it is valid, what it says may
/// leave.
void shard::confirm(log_offset offset) {
  if (rarely("reload instead of confirming"))
    return break_down("a decision of this node was doubted");
  auto landed = std::move(in_flight_.front());
  in_flight_.pop_front();
  const auto& decision = *landed.decision;
  if (decision.at_epoch != at_.at_epoch || decision.nonce != at_.nonce
      || decision.seq != at_.seq + 1) {
    at_.folded_offset = offset;
    ++(decision.at_epoch != at_.at_epoch ? counters_.fenced
                                         : counters_.out_of_sequence);
    break_down("a decision of this node was read back and is not valid");
    return;
  }
  note_folded(offset, decision);
  put(folded_effect{offset, landed.decision});
  if (!broken(breakage::act_before_read_back))
    release(landed);
}

void shard::release(flight& landed) {
  held_answers held{std::move(landed.answers_after_delivery), {}};
  for (const auto& message : landed.decision->outbox) {
    if (!held.answers.empty()
        && std::holds_alternative<shard_destination>(message.to))
      held.deliveries.emplace(to_string(message.to), message.message_number);
    send(message);
    if (rarely("send twice"))
      send(message);
  }
  if (!held.answers.empty())
    held_.push_back(std::move(held));
  for (auto& a : landed.answers)
    put(answer_effect{a.token, std::move(a.answer)});
}

void shard::send(const outbox_message& message) {
  if (const auto* to = std::get_if<shard_destination>(&message.to)) {
    record r;
    r.format = options_.format;
    r.body = message_record{state_->self(), message.message_number,
                            std::get<to_shard>(message.body).body};
    put(send_to_shard_effect{
        to->shard,
        sendings_.begin(to_string(message.to), message.message_number),
        encode(r)});
    return;
  }
  const auto& to = std::get<agent_destination>(message.to);
  dispatch d{state_->self(), to.agent, to.session, message.message_number,
             std::get<to_agent>(message.body).body};
  if (auto* start = std::get_if<start_attempt>(&d.body)) {
    const auto job = state_->jobs().find_live(start->attempt.job);
    const auto* queue = job ? state_->find_queue(job->queue) : nullptr;
    if (queue != nullptr) {
      start->owner = queue->object().owner;
      start->queue_name = queue->object().settings.name;
      for (const auto& environment : queue->environments())
        if (environment.uid == to.agent.environment)
          start->environment_name = environment.name;
    }
  }
  put(send_to_agent_effect{
      sendings_.begin(to_string(message.to), message.message_number),
      std::move(d)});
}

void shard::send_all_unrecorded() {
  for (const auto& [name, box] : state_->outboxes())
    for (const auto& message : box.unrecorded)
      send(message);
}

// Owning.

void shard::claim(std::string nonce) {
  if (role_ == shard_role::broken || owns())
    return;
  own_nonce_ = std::move(nonce);
  role_ = shard_role::claiming;
  record r;
  r.format = options_.format;
  r.body = claim_record{options_.node, options_.endpoint, own_nonce_};
  put(append_effect{encode(r)});
}

void shard::on_appended(appended outcome, const std::string& why) {
  if (role_ == shard_role::broken || outcome == appended::yes)
    return;
  if (broken(breakage::unknown_append_taken_as_failed) && !in_flight_.empty()) {
    in_flight_.clear();
    messages_decided_ = 0;
    return;
  }
  // A claim that did not land shows no other owner: the next one may win.
  if (role_ == shard_role::claiming)
    own_nonce_.clear();
  // Rule Unknown is not failed.
  std::string what = outcome == appended::unknown
                         ? "the outcome of an append is unknown"
                         : "an append was refused";
  break_down(why.empty() ? what : what + ": " + why);
}

void shard::break_down(std::string why) {
  role_ = shard_role::broken;
  turn_away_everything("the shard is being reloaded; try again");
  put(reload_effect{std::move(why)});
}

void shard::turn_away_everything(const std::string& why) {
  auto turn_away = [&](call_token token) {
    if (token == no_caller)
      return;
    put(answer_effect{token, api_error{api_errc::unavailable, why}});
  };
  for (const auto& call : std::exchange(calls_, {}))
    turn_away(call.token);
  for (const auto& question : std::exchange(questions_, {}))
    turn_away(question.token);
  submissions_.clear();
  prepared_submissions_ = 0;
  for (const auto& undecided : std::exchange(in_flight_, {})) {
    for (const auto& a : undecided.answers)
      turn_away(a.token);
    for (const auto& a : undecided.answers_after_delivery)
      turn_away(a.token);
  }
  for (const auto& held : std::exchange(held_, {}))
    for (const auto& a : held.answers)
      turn_away(a.token);
  end_asked_ = false;
  questions_with_barrier_ = 0;
  questions_asked_ = 0;
}

void shard::on_call(call_token token, shard_call call) {
  auto refuse = [&](api_errc code, const char* why) {
    ++counters_.calls_turned_away;
    if (token == no_caller)
      return;
    put(answer_effect{token, api_error{code, why}});
  };
  if (!owns())
    return refuse(api_errc::unavailable,
                  "this node does not own the shard; try again");
  if (waiting_calls() >= limits::waiting_inputs_max)
    return refuse(api_errc::too_many_requests, "Too Many Requests");
  ++counters_.calls;
  const auto* catalog = std::get_if<catalog_call>(&call);
  if (is_question(call)
      || (catalog != nullptr && catalog_actor::is_question(*catalog->what))) {
    questions_.push_back({token, std::move(call), 0});
    look_at_end();
  } else {
    calls_.push_back({token, std::move(call)});
  }
}

bool shard::on_submission(topic_submission s) {
  if (!owns() || waiting_calls() >= limits::waiting_inputs_max)
    return false;
  if (s.offset > submissions_taken(s.source))
    submissions_.push_back(std::move(s));
  return true;
}

log_offset shard::submissions_taken(const std::string& source) const {
  for (auto s = submissions_.rbegin(); s != submissions_.rend(); ++s)
    if (s->source == source)
      return s->offset;
  const auto* last = last_in_flight();
  const auto& cursors = last != nullptr ? last->cursors : at_.cursors;
  auto found = cursors.find(source);
  return found == cursors.end() ? -1 : found->second;
}

std::optional<uint64_t> shard::first_unrecorded(const std::string& to) const {
  auto found = state_->outboxes().find(to);
  if (found == state_->outboxes().end() || found->second.unrecorded.empty())
    return std::nullopt;
  return found->second.unrecorded.front().message_number;
}

void shard::on_delivered(const sending& what) {
  if (!owns())
    return;
  if (auto first = first_unrecorded(what.to))
    take(what.to, what.message_number,
         sendings_.on_arrived(what, *first, now_ms()));
  else
    sendings_.forget(what.to);
}

void shard::on_delivery_failed(const sending& what) {
  if (!owns())
    return;
  if (auto first = first_unrecorded(what.to))
    sendings_.on_failed(what, *first, now_ms());
  else
    sendings_.forget(what.to);
}

void shard::on_taken(const std::string& to, uint64_t up_to) {
  auto first = first_unrecorded(to);
  if (!owns() || !first)
    return;
  up_to = std::min(up_to, state_->outboxes().at(to).last_number);
  take(to, up_to, sendings_.on_taken(to, up_to, *first, now_ms()));
}

void shard::on_taken_no_more(const std::string& to, uint64_t up_to) {
  on_taken(to, up_to);
  if (owns())
    send_again(to, up_to + 1);
}

void shard::take(const std::string& to, uint64_t up_to,
                 const sendings::arrival& what) {
  if (!what.counts)
    return;
  if (what.send_again_from)
    send_again(to, *what.send_again_from);
  for (auto held = held_.begin(); held != held_.end();) {
    auto& awaited = held->deliveries;
    awaited.erase(awaited.lower_bound({to, 0}),
                  awaited.upper_bound({to, up_to}));
    if (!awaited.empty()) {
      ++held;
      continue;
    }
    for (auto& a : held->answers)
      put(answer_effect{a.token, std::move(a.answer)});
    held = held_.erase(held);
  }
}

void shard::send_again(const std::string& to, uint64_t from) {
  auto found = state_->outboxes().find(to);
  if (found == state_->outboxes().end() || found->second.unrecorded.empty())
    return;
  // Rule One at a time: what the decisions in flight say leaves when they are
  // read back.
  auto until = UINT64_MAX;
  for (const auto& undecided : in_flight_)
    for (const auto& message : undecided.decision->outbox)
      if (to_string(message.to) == to)
        until = std::min(until, message.message_number);
  sendings_.begin_round(to, from);
  for (const auto& message : found->second.unrecorded)
    if (message.message_number >= from && message.message_number < until)
      send(message);
}

void shard::send_failed_again() {
  if (owns())
    for (const auto& failed : sendings_.take_failed(now_ms()))
      send_again(failed.to, failed.from);
}

// Time.

void shard::on_clock(int64_t boottime_ms) {
  boottime_ms_ = boottime_ms;
  send_failed_again();
}

int64_t shard::now_ms() const {
  if (broken(breakage::time_from_own_clock))
    return boottime_ms_;
  auto elapsed = std::max<int64_t>(boottime_ms_ - time_base_boottime_ms_, 0);
  return std::max(at_.at_ms, time_base_ms_ + elapsed);
}

std::optional<int64_t> shard::next_due_boottime_ms() const {
  if (!owns())
    return std::nullopt;
  auto due = state_->next_due_ms();
  if (auto known = sendings_.next_due_ms())
    due = std::min(due.value_or(*known), *known);
  if (!due)
    return std::nullopt;
  return time_base_boottime_ms_ + (*due - time_base_ms_);
}

// Questions (rule Barrier).

void shard::look_at_end() {
  if (end_asked_ || !owns() || questions_asked_ == questions_.size())
    return;
  end_asked_ = true;
  // Those that come later need a look of their own.
  questions_asked_ = questions_.size();
  if (broken(breakage::answer_without_barrier))
    return on_end(0);
  put(look_at_end_effect{});
}

void shard::on_end(log_offset end) {
  if (!end_asked_)
    return;
  end_asked_ = false;
  for (; questions_with_barrier_ < questions_asked_; ++questions_with_barrier_)
    questions_[questions_with_barrier_].barrier = end;
  look_at_end();
}

std::optional<needed_rows> shard::prepare_answers() {
  if (!owns() || !in_flight_.empty())
    return std::nullopt;
  prepared_questions_ = 0;
  needed_rows needs;
  for (size_t i = 0; i < questions_with_barrier_; ++i) {
    const auto& q = questions_[i];
    if (q.barrier > at_.folded_offset + 1)
      break;
    ++prepared_questions_;
    if (q.answer)
      continue;
    auto more = state_->jobs().keys_needed(q.what);
    std::move(more.keys.begin(), more.keys.end(),
              std::back_inserter(needs.keys));
    std::move(more.ranges.begin(), more.ranges.end(),
              std::back_inserter(needs.ranges));
  }
  if (prepared_questions_ == 0)
    return std::nullopt;
  return needs;
}

void shard::answer_questions(const fetched_rows& rows) {
  for (; prepared_questions_ > 0; --prepared_questions_) {
    auto& q = questions_.front();
    put(answer_effect{q.token, q.answer ? std::move(*q.answer)
                                        : answer_one(q.what, rows)});
    questions_.pop_front();
    --questions_with_barrier_;
    --questions_asked_;
  }
}

result shard::answer_one(const shard_call& call,
                         const fetched_rows& rows) const {
  if (const auto* c = std::get_if<catalog_call>(&call))
    return answer_catalog(*state_, *c);
  if (const auto* c = std::get_if<describe_jobs_call>(&call))
    return answer_describe(*state_, *c, rows);
  if (const auto* c = std::get_if<list_jobs_call>(&call))
    return state_->jobs().answer(*c, rows);
  if (const auto* c = std::get_if<queue_snapshot_call>(&call))
    return answer_snapshot(*state_, *c, now_ms());
  if (const auto* c = std::get_if<why_call>(&call))
    return answer_why(*state_, *c, rows);
  if (const auto* c = std::get_if<fill_environments_call>(&call))
    return answer_fill(*state_, *c);
  return response{done_response{}};
}

// Checkpoints.

std::optional<shard::cut> shard::cut_checkpoint() {
  if ((!in_flight_.empty() && !broken(breakage::checkpoint_in_flight))
      || role_ == shard_role::broken || cut_offset_ == at_.folded_offset)
    return std::nullopt;
  cut c;
  c.bodies = state_->cut_checkpoint(c.rows);
  c.at = at_;
  cut_offset_ = at_.folded_offset;
  return c;
}

std::vector<shard_effect> shard::take_effects() {
  return std::exchange(effects_, {});
}

} // namespace berth
