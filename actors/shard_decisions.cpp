// How an owner makes a decision of a run of inputs (rules One at a time,
// Outbox, Bounds).
#include "actors/decision_run.hpp"
#include "actors/shard.hpp"
#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "messages/limits.hpp"
#include "messages/simulation.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace berth {

const decision_record* shard::last_in_flight() const {
  return in_flight_.empty() ? nullptr : in_flight_.back().decision.get();
}

/// A decision that would be a small one waits for more to decide, until what is
/// in flight has landed; and one that must follow a question waits, too. What a
/// decision had no room for is no small one.
bool shard::may_decide_ahead() const {
  if (in_flight_.size() >= limits::decisions_in_flight_max
      || questions_with_barrier_ > 0)
    return false;
  auto inputs = undecided_inputs_ + calls_.size() + submissions_.size();
  return inputs >= limits::decide_ahead_inputs_min || !state_->is_settled()
         || state_->jobs().has_work() || rarely("decide ahead of little");
}

bool shard::wants_decision() const {
  if (!owns() || (!in_flight_.empty() && !may_decide_ahead()))
    return false;
  if (messages_.size() > messages_decided_ || !calls_.empty()
      || !submissions_.empty() || !state_->is_settled()
      || state_->jobs().has_work())
    return true;
  if (auto since = sendings_.arrived_since_ms();
      since
      && (*since + limits::delivery_record_delay_ms <= now_ms()
          || rarely("record deliveries at once")))
    return true;
  auto due = state_->next_due_ms();
  return due && *due <= now_ms();
}

std::optional<needed_rows> shard::prepare_decision() {
  if (!wants_decision())
    return std::nullopt;
  needed_rows needs;
  auto also = [&](needed_rows more) {
    std::move(more.keys.begin(), more.keys.end(),
              std::back_inserter(needs.keys));
    std::move(more.ranges.begin(), more.ranges.end(),
              std::back_inserter(needs.ranges));
  };
  const size_t inputs_max =
      rarely("decide one input") ? 1 : limits::decision_events_max;
  prepared_messages_ =
      std::min(messages_.size() - messages_decided_, inputs_max);
  prepared_calls_ =
      std::min({calls_.size(), inputs_max, limits::decision_calls_max});
  prepared_submissions_ =
      std::min({submissions_.size(), inputs_max, limits::decision_calls_max});
  for (size_t i = 0; i < prepared_messages_; ++i)
    also(
        state_->jobs().keys_needed(messages_[messages_decided_ + i].what.body));
  for (size_t i = 0; i < prepared_calls_; ++i)
    also(state_->jobs().keys_needed(calls_[i].what));
  for (size_t i = 0; i < prepared_submissions_; ++i) {
    const auto& s = submissions_[i];
    const auto* call = std::get_if<submit_job_call>(&s.what);
    if (call != nullptr && s.home == state_->self())
      also(state_->jobs().keys_needed(shard_call{*call}));
  }
  return needs;
}

void shard::take_messages(decision_run& run, decision_record& decision) {
  for (; prepared_messages_ > 0 && !run.is_full(); --prepared_messages_) {
    const auto& m = messages_[messages_decided_++];
    undecided_inputs_ -= m.inputs;
    run.take(m.offset, m.what);
    decision.through =
        m.offset + (broken(breakage::off_by_one_in_through) ? 1 : 0);
  }
}

void shard::take_submissions(decision_run& run, decision_record& decision) {
  for (; prepared_submissions_ > 0 && !run.is_full(); --prepared_submissions_) {
    auto s = std::move(submissions_.front());
    submissions_.pop_front();
    if (!broken(breakage::submission_cursor_forgotten))
      decision.cursors[s.source] = s.offset;
    run.take(std::move(s));
  }
}

void shard::make_decision(const fetched_rows& rows) {
  BERTH_ASSERT(owns(), "a decision was prepared");
  decision_context context{now_ms(), state_->self(), &rows};
  const auto* last = last_in_flight();
  decision_record decision;
  decision.seq = (last != nullptr ? last->seq : at_.seq) + 1;
  const auto through = last != nullptr ? last->through : at_.through;
  decision.through = through;
  const auto& cursors = last != nullptr ? last->cursors : at_.cursors;
  decision.cursors = cursors;
  decision_run run{*state_, context, decision.seq};
  for (const auto& arrived : sendings_.take_arrived()) {
    if (auto first = first_unrecorded(arrived.to);
        first && arrived.up_to >= *first)
      run.record_delivery(arrived.to, arrived.up_to);
    if (!first_unrecorded(arrived.to))
      sendings_.forget(arrived.to);
  }
  take_messages(run, decision);
  size_t taken = 0;
  for (; taken < prepared_calls_ && !run.is_full(); ++taken)
    run.take(calls_[taken].token, calls_[taken].what);
  calls_.erase(calls_.begin(), calls_.begin() + static_cast<ptrdiff_t>(taken));
  take_submissions(run, decision);
  run.finish();
  counters_.messages_taken += run.messages_taken;
  counters_.messages_passed_over += run.messages_passed_over;
  counters_.messages_refused += run.messages_refused;
  // Nothing happened, and nothing was taken: there is nothing to write down,
  // and no read-back to tell a former owner from the present one (rule
  // Barrier).
  if (run.events.empty() && run.outbox.empty() && decision.through == through
      && decision.cursors == cursors) {
    for (auto* waiting : {&run.answers, &run.answers_after_delivery})
      for (auto& a : *waiting)
        questions_.push_back({a.token, {}, 0, std::move(a.answer)});
    look_at_end();
    return;
  }
  decision.at_epoch = at_.at_epoch;
  decision.nonce = at_.nonce;
  decision.at_ms = context.now_ms;
  decision.events = std::move(run.events);
  decision.outbox = std::move(run.outbox);
  record r;
  r.format = options_.format;
  r.body = std::move(decision);
  auto bytes = encode(r);
  auto kept = std::make_shared<const decision_record>(
      std::move(std::get<decision_record>(r.body)));
  put(append_effect{bytes});
  in_flight_.push_back({std::move(kept), std::move(bytes),
                        std::move(run.answers),
                        std::move(run.answers_after_delivery)});
  if (broken(breakage::act_before_read_back))
    release(in_flight_.back());
}

} // namespace berth
