#include "actors/array_job_actor.hpp"

#include "actors/job_waiters.hpp"
#include "actors/status_reasons.hpp"
#include "messages/simulation.hpp"

#include <algorithm>

namespace berth {

namespace {

template <class Holds>
std::vector<child_run> runs_of(const array_job& array, int32_t first,
                               int32_t last, Holds holds) {
  std::vector<child_run> runs;
  for (auto i = first; i < last; ++i) {
    if (!holds(array.status_of(i)))
      continue;
    if (!runs.empty() && runs.back().last == i)
      ++runs.back().last;
    else
      runs.push_back({i, i + 1});
  }
  return runs;
}

bool covers(const dependency_ended& end, int32_t index) {
  return end.first == no_index || (index >= end.first && index < end.last);
}

dependency_outcome outcome_for(const job_dependency& dependency, int32_t index,
                               const dependency_ended* settled) {
  auto known = dependency_outcome::open;
  if (broken(breakage::n_to_n_meets_next_child))
    ++index;
  if (static_cast<size_t>(index) < dependency.children.size())
    known = static_cast<dependency_outcome>(
        dependency.children[static_cast<size_t>(index)]);
  if (known == dependency_outcome::open && settled != nullptr
      && settled->on == dependency.on && covers(*settled, index))
    return settled->succeeded ? dependency_outcome::met
                              : dependency_outcome::failed;
  return known;
}

/// A step's share of a decision: longer reasons make for fewer children.
constexpr size_t reason_bytes_per_step = 256;

struct children_step {
  /// One behind.
  int32_t last = 0;
  size_t steps = 0;
};

/// Those that are ended next: each that is active, and each run that waits, is
/// an event with the reason.
children_step next_children_to_end(const array_job& array, int32_t first,
                                   size_t reason_bytes, size_t steps) {
  auto size = static_cast<int32_t>(array.children.size);
  children_step next{first, 0};
  auto in_run = false;
  while (next.last < size && next.steps < steps) {
    auto status = array.status_of(next.last++);
    auto is_said = is_active(status) || (is_waiting(status) && !in_run);
    in_run = is_waiting(status);
    next.steps += is_said ? 1 + reason_bytes / reason_bytes_per_step : 1;
  }
  return next;
}

} // namespace

array_changes::array_changes(const job_state& state, const hot_entry& parent,
                             const decision_context& context, draft& d)
    : state_(state), parent_(parent), array_(*parent.second.array()),
      context_(context), draft_(d) {}

void array_changes::make_runnable(int32_t first, int32_t last) {
  draft_.emit(
      jobs_became_runnable{{parent_.first, first, last}, context_.now_ms});
  send_enqueue(state_, parent_, first, last, context_, draft_);
}

void array_changes::fail_waiting(int32_t first, int32_t last,
                                 const std::string& reason) {
  for (const auto& run : runs_of(array_, first, last, is_waiting)) {
    tell_children_end(state_, parent_.first, run.first, run.last, false,
                      draft_);
    // One for each run: who follows takes all that it names for failed.
    draft_.emit(jobs_failed{
        {parent_.first, run.first, run.last}, reason, context_.now_ms});
    note_ended(run.last - run.first, false);
  }
  for (const auto& run : runs_of(array_, first, last, [](job_status s) {
         return s == job_status::runnable;
       }))
    send_withdraw(state_, parent_, run.first, run.last, context_, draft_);
}

void array_changes::child_ended(int32_t index, bool succeeded) {
  tell_children_end(state_, parent_.first, index, index + 1, succeeded, draft_);
  note_ended(1, succeeded);
}

void array_changes::note_ended(int32_t count, bool succeeded) {
  ended_ += static_cast<uint32_t>(count);
  failed_ = failed_ || !succeeded;
}

dependency_outcome array_changes::gate(int32_t index,
                                       const dependency_ended* settled,
                                       bool previous_succeeded) const {
  auto all = dependency_outcome::met;
  for (const auto& dependency : parent_.second.details->dependencies) {
    if (dependency.kind != dependency_kind::n_to_n)
      continue;
    auto outcome = outcome_for(dependency, index, settled);
    if (outcome == dependency_outcome::failed)
      return outcome;
    if (outcome == dependency_outcome::open)
      all = outcome;
  }
  if (array_.children.sequential && !previous_succeeded)
    return dependency_outcome::open;
  return all;
}

void array_changes::settle(int32_t first, int32_t last,
                           const dependency_ended* settled) {
  auto size = static_cast<int32_t>(array_.children.size);
  first = std::clamp(first, 0, size);
  last = std::clamp(last, first, size);
  auto sequential = array_.children.sequential;
  std::vector<child_run> runnable;
  std::vector<child_run> failed;
  auto extend = [](std::vector<child_run>& runs, int32_t from, int32_t to) {
    if (!runs.empty() && runs.back().last == from)
      runs.back().last = to;
    else
      runs.push_back({from, to});
  };
  for (auto i = first; i < last; ++i) {
    if (array_.status_of(i) != job_status::pending)
      continue;
    auto previous_succeeded =
        i == 0 || array_.status_of(i - 1) == job_status::succeeded;
    auto outcome = gate(i, settled, previous_succeeded);
    if (outcome == dependency_outcome::met)
      extend(runnable, i, i + 1);
    if (outcome != dependency_outcome::failed)
      continue;
    extend(failed, i, sequential ? size : i + 1);
    if (sequential)
      break;
  }
  for (const auto& run : runnable)
    make_runnable(run.first, run.last);
  for (const auto& run : failed)
    fail_waiting(run.first, run.last, status_reasons::dependency_failed);
}

void array_changes::settle_after(int32_t index, bool succeeded) {
  auto size = static_cast<int32_t>(array_.children.size);
  auto next = index + 1;
  if (!array_.children.sequential || next == size)
    return;
  if (!succeeded) {
    fail_waiting(next, size, status_reasons::dependency_failed);
    return;
  }
  if (array_.status_of(next) == job_status::pending
      && gate(next, nullptr, true) == dependency_outcome::met)
    make_runnable(next, next + 1);
}

void array_changes::finish() {
  auto count = [&](job_status s) {
    return array_.counts[static_cast<size_t>(s)];
  };
  auto ended =
      count(job_status::succeeded) + count(job_status::failed) + ended_;
  if (broken(breakage::array_parent_ends_early))
    ++ended;
  if (ended != array_.children.size)
    return;
  auto succeeded = !failed_ && count(job_status::failed) == 0;
  tell_end(state_, parent_, succeeded, draft_);
  draft_.emit(array_finished{
      parent_.first, succeeded,
      succeeded ? "" : status_reasons::array_child_failed, context_.now_ms});
}

void decide_end_of_array(const job_state& /*state*/, const hot_entry& parent,
                         bool terminate, const std::string& reason, draft& d) {
  const auto* already = parent.second.end();
  if (already != nullptr && (already->terminate || !terminate))
    return;
  job_key key{parent.first, no_index};
  d.emit(end_requested{key, terminate, reason});
  d.emit(job_work_advanced{{job_work_kind::end_children, key, {}, 0}});
}

void decide_end_of_child(const job_state& state, const hot_entry& parent,
                         const end_job_call& call,
                         const decision_context& context, draft& d) {
  const auto& array = *parent.second.array();
  auto index = call.job.index;
  if (!array.has_child(index))
    return;
  auto status = array.status_of(index);
  if (is_active(status) && call.terminate)
    decide_stop(state, call.job, call.reason, d);
  if (!is_waiting(status))
    return;
  d.emit(end_requested{call.job, call.terminate, call.reason});
  array_changes changes{state, parent, context, d};
  changes.fail_waiting(index, index + 1, call.reason);
  changes.settle_after(index, false);
  changes.finish();
}

size_t end_more_children(const job_state& state, const job_work& work,
                         size_t steps, const decision_context& context,
                         draft& d) {
  const auto* parent = state.find(work.job.id);
  const auto* array = parent ? parent->second.array() : nullptr;
  const auto* end = parent ? parent->second.end() : nullptr;
  if (array == nullptr || end == nullptr || !array->made()) {
    d.emit(job_work_finished{work});
    return 1;
  }
  auto first = static_cast<int32_t>(work.cursor);
  auto [last, done] =
      next_children_to_end(*array, first, end->reason.size(), steps);
  auto advanced = work;
  advanced.cursor = static_cast<uint64_t>(last);
  if (static_cast<uint32_t>(last) < array->children.size)
    d.emit(job_work_advanced{advanced});
  else
    d.emit(job_work_finished{advanced});
  if (end->terminate)
    for (auto i = first; i < last; ++i)
      if (is_active(array->status_of(i)))
        decide_stop(state, {work.job.id, i}, end->reason, d);
  array_changes changes{state, *parent, context, d};
  changes.fail_waiting(first, last, end->reason);
  changes.finish();
  return std::max<size_t>(done, 1);
}

void send_enqueue(const job_state& state, const hot_entry& job, int32_t first,
                  int32_t last, const decision_context& context, draft& d) {
  const auto& common = state.common(job.second);
  d.send(context.self, enqueue_jobs{common.queue,
                                    {job.first, first, last},
                                    job.second.position,
                                    common.what,
                                    job.second.created_ms});
}

void send_withdraw(const job_state& state, const hot_entry& job, int32_t first,
                   int32_t last, const decision_context& context, draft& d) {
  const auto& common = state.common(job.second);
  d.send(context.self, withdraw_jobs{common.queue,
                                     {job.first, first, last},
                                     job.second.position,
                                     common.what});
}

void decide_stop(const job_state& state, const job_key& key,
                 const std::string& reason, draft& d) {
  const auto* activity = state.activity(key);
  if (activity == nullptr || activity->attempts.empty()
      || activity->attempts.back().end
      || (activity->end && activity->end->terminate))
    return;
  const auto& attempt = activity->attempts.back();
  d.emit(end_requested{key, true, reason});
  d.dispatch({attempt.environment, attempt.agent}, attempt.session,
             stop_attempt{{key, attempt.number}});
  if (broken(breakage::lease_released_on_cancel))
    d.send(shard_of(key.id),
           finish_lease{state.common(state.find(key.id)->second).queue,
                        attempt.environment, activity->lease, key});
}

} // namespace berth
