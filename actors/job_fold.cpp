#include "actors/job_fold.hpp"

#include "actors/queue_actor.hpp"
#include "messages/row_keys.hpp"

#include <algorithm>
#include <utility>

namespace berth {

namespace {

void touch(job_state& state, hot_entry& job) {
  if (!std::exchange(job.second.dirty, true))
    state.dirty.push_back(job.first);
}

job_details& details_of(hot_job& job) {
  if (!job.details)
    job.details = std::make_unique<job_details>();
  return *job.details;
}

void set_status(job_state& state, hot_entry& job, job_status status) {
  touch(state, job);
  if (job.second.status == status)
    return;
  auto& index = state.by_queue[state.common(job.second).queue].by_status;
  index[static_cast<size_t>(job.second.status)].erase(job.second.position);
  index[static_cast<size_t>(status)].insert(job.second.position, &job);
  job.second.status = status;
}

void set_child_status(array_job& array, int32_t index, job_status status,
                      int64_t at_ms) {
  auto& byte = array.children.statuses[static_cast<size_t>(index)];
  --array.counts[byte];
  byte = static_cast<uint8_t>(status);
  ++array.counts[byte];
  array.children.changed_ms = std::max(array.children.changed_ms, at_ms);
}

void make_children(array_job& array) {
  array.children.statuses.assign(array.children.size,
                                 static_cast<uint8_t>(job_status::pending));
  array.counts[static_cast<size_t>(job_status::pending)] = array.children.size;
}

/// The stretch of children that an event names, within the array.
std::pair<int32_t, int32_t> bounded(const array_job& array, int32_t first,
                                    int32_t last) {
  if (!array.made())
    return {0, 0};
  auto size = static_cast<int32_t>(array.children.size);
  first = std::clamp(first, 0, size);
  return {first, std::clamp(last, first, size)};
}

array_job* array_of(hot_entry* job) {
  return job && job->second.details ? job->second.details->array.get()
                                    : nullptr;
}

active_child& activate(job_state& state, const job_id& id, array_job& array,
                       int32_t index) {
  auto& child = array.active[index];
  if (!std::exchange(child.dirty, true))
    state.dirty_children.push_back({id, index});
  return child;
}

/// The activity that an attempt's event is about; null when it is of no live
/// job. A new attempt makes it.
job_activity* activity_for(job_state& state, hot_entry& job, int32_t index,
                           bool make) {
  if (index == no_index) {
    if (!make && !job.second.details)
      return nullptr;
    return &details_of(job.second).activity;
  }
  auto* array = array_of(&job);
  if (array == nullptr || !array->has_child(index)
      || (!make && !array->active.contains(index)))
    return nullptr;
  return &activate(state, job.first, *array, index).activity;
}

attempt_record* find_attempt(job_activity* activity, uint32_t number) {
  if (activity == nullptr || activity->attempts.empty()
      || activity->attempts.back().number != number)
    return nullptr;
  return &activity->attempts.back();
}

void note_stop(job_state& state, int64_t stopped_ms) {
  state.dirty_table = true;
  if (state.newest_stop_ms == 0 || stopped_ms < state.oldest_stop_ms)
    state.oldest_stop_ms = stopped_ms;
  state.newest_stop_ms = std::max(state.newest_stop_ms, stopped_ms);
}

void drop_told_waiters(job_state& state, const job_id& id) {
  if (state.find(id) == nullptr && !state.has_work_on(id)
      && state.waiters.erase(id) != 0)
    state.dirty_waiters.insert(id);
}

/// The job as a whole is terminal: from now on it lives in the store.
void end_whole(job_state& state, hot_entry& job, job_status status,
               std::string reason, int64_t stopped_ms) {
  auto& hot = job.second;
  ended_job ended;
  auto& row = ended.row;
  row.common = state.common(hot);
  row.position = hot.position;
  row.created_ms = hot.created_ms;
  row.stopped_ms = stopped_ms;
  row.status = status;
  row.status_reason = std::move(reason);
  ended.name = hot.name.view();
  if (hot.details) {
    row.activity = std::move(hot.details->activity);
    if (!row.activity.attempts.empty())
      row.started_ms = row.activity.attempts.back().started_ms;
    if (hot.details->array)
      row.array = std::move(hot.details->array->children);
  }
  auto id = job.first;
  auto queue = state.by_queue.find(row.common.queue);
  queue->second.by_status[static_cast<size_t>(hot.status)].erase(hot.position);
  if (queue->second.size() == 0)
    state.by_queue.erase(queue);
  if (hot.stored)
    state.deletions.insert(job_row_key(job_row_kind::live, id));
  state.classes.give_back(hot.common);
  state.live.erase(id);
  state.ended.insert_or_assign(id, std::move(ended));
  note_stop(state, stopped_ms);
  drop_told_waiters(state, id);
}

/// A child that was active is terminal.
void end_child(job_state& state, const job_id& id, array_job& array,
               int32_t index, terminal_child_row row) {
  job_key key{id, index};
  auto found = array.active.find(index);
  row.activity = std::move(found->second.activity);
  if (!row.activity.attempts.empty())
    row.started_ms = row.activity.attempts.back().started_ms;
  if (found->second.stored)
    state.deletions.insert(child_row_key(job_row_kind::active_child, key));
  array.active.erase(found);
  set_child_status(array, index, row.status, row.stopped_ms);
  state.ended_children.insert_or_assign(key, std::move(row));
}

void fail_children(job_state& state, const job_id& id, array_job& array,
                   const jobs_failed& e) {
  auto [first, last] = bounded(array, e.jobs.first, e.jobs.last);
  auto& failures = array.children.failures;
  for (auto i = first; i < last; ++i) {
    if (!is_waiting(array.status_of(i)))
      continue;
    if (array.active.contains(i)) {
      end_child(state, id, array, i,
                {0, e.at_ms, job_status::failed, e.status_reason, {}});
      continue;
    }
    set_child_status(array, i, job_status::failed, e.at_ms);
    if (!failures.empty() && failures.back().last == i
        && failures.back().at_ms == e.at_ms
        && failures.back().status_reason == e.status_reason)
      ++failures.back().last;
    else
      failures.push_back({i, i + 1, e.status_reason, e.at_ms});
  }
}

} // namespace

void fold(job_state& state, const job_submitted& e) {
  if (!e.spec)
    return;
  auto [at, is_new] = state.live.try_emplace(e.id);
  if (!is_new)
    return;
  const auto& spec = *e.spec;
  const auto* queue = state.queues(e.queue);
  auto& hot = at->second;
  hot.position = e.position;
  hot.created_ms = e.created_ms;
  hot.name = compact_name{spec.name};
  hot.common = state.classes.take(
      {e.owner, e.queue, queue ? queue->object().settings.name : "",
       spec.definition_name, spec.definition_revision,
       shape{spec.container.needs, 1}, spec.retry});
  auto has_plain = false;
  for (const auto& wanted : spec.depends_on) {
    if (!wanted.on)
      continue;
    job_dependency dependency;
    dependency.on = *wanted.on;
    if (spec.array_size > 0 && wanted.kind == dependency_kind::n_to_n) {
      dependency.kind = dependency_kind::n_to_n;
      dependency.children.assign(spec.array_size, 0);
    } else {
      has_plain = true;
    }
    hot.status = job_status::pending;
    details_of(hot).dependencies.push_back(std::move(dependency));
  }
  if (spec.array_size > 0) {
    hot.status = job_status::pending;
    auto array = std::make_unique<array_job>();
    array->children.size = spec.array_size;
    array->children.sequential =
        std::any_of(spec.depends_on.begin(), spec.depends_on.end(),
                    [](const dependency& d) { return !d.on; });
    if (!has_plain) {
      make_children(*array);
      array->children.made_ms = e.created_ms;
    }
    details_of(hot).array = std::move(array);
  }
  state.by_queue[e.queue].by_status[static_cast<size_t>(hot.status)].insert(
      e.position, &*at);
  state.bodies.insert_or_assign(e.id, e.spec);
  touch(state, *at);
}

void fold(job_state& state, const waiter_added& e) {
  auto& list = state.waiters[e.on.id];
  auto whole = !e.on.is_child() && e.kind != dependency_kind::n_to_n;
  (whole ? list.whole : list.by_child)
      .push_back({e.waiter, e.kind, e.on.index});
  state.dirty_waiters.insert(e.on.id);
}

void fold(job_state& state, const dependency_settled& e) {
  auto* job = state.find(e.waiter);
  if (job == nullptr || !job->second.details)
    return;
  touch(state, *job);
  auto& details = *job->second.details;
  auto outcome =
      e.succeeded ? dependency_outcome::met : dependency_outcome::failed;
  auto whole = e.first == no_index;
  auto all_met = true;
  for (auto& dependency : details.dependencies) {
    if (dependency.kind == dependency_kind::n_to_n) {
      if (dependency.on != e.on)
        continue;
      auto size = static_cast<int32_t>(dependency.children.size());
      auto first = whole ? 0 : std::clamp(e.first, 0, size);
      auto last = whole ? size : std::clamp(e.last, first, size);
      for (auto i = first; i < last; ++i) {
        auto& child = dependency.children[static_cast<size_t>(i)];
        if (child == static_cast<uint8_t>(dependency_outcome::open))
          child = static_cast<uint8_t>(outcome);
      }
      continue;
    }
    if (dependency.on == e.on && whole
        && dependency.outcome == dependency_outcome::open)
      dependency.outcome = outcome;
    all_met = all_met && dependency.outcome == dependency_outcome::met;
  }
  // A job whose end was asked for ends now, without children.
  if (details.array && !details.array->made() && all_met
      && !details.activity.end)
    make_children(*details.array);
}

void fold(job_state& state, const jobs_became_runnable& e) {
  auto* job = state.find(e.jobs.id);
  if (job == nullptr)
    return;
  if (e.jobs.first == no_index) {
    if (is_waiting(job->second.status) && job->second.array() == nullptr)
      set_status(state, *job, job_status::runnable);
    return;
  }
  auto* array = array_of(job);
  if (array == nullptr)
    return;
  touch(state, *job);
  auto [first, last] = bounded(*array, e.jobs.first, e.jobs.last);
  for (auto i = first; i < last; ++i)
    if (array->status_of(i) == job_status::pending)
      set_child_status(*array, i, job_status::runnable, e.at_ms);
  if (array->children.made_ms == 0)
    array->children.made_ms = e.at_ms;
}

void fold(job_state& state, const attempt_placed& e) {
  auto* job = state.find(e.attempt.job.id);
  if (job == nullptr)
    return;
  auto index = e.attempt.job.index;
  auto* activity = activity_for(state, *job, index, true);
  if (activity == nullptr)
    return;
  attempt_record attempt;
  attempt.number = e.attempt.number;
  attempt.environment = e.environment;
  attempt.agent = e.agent;
  attempt.session = e.session;
  attempt.placed_ms = e.at_ms;
  activity->attempts.push_back(std::move(attempt));
  activity->lease = e.lease;
  touch(state, *job);
  if (index == no_index)
    set_status(state, *job, job_status::starting);
  else
    set_child_status(*array_of(job), index, job_status::starting, e.at_ms);
}

void fold(job_state& state, const attempt_started& e) {
  auto* job = state.find(e.attempt.job.id);
  if (job == nullptr)
    return;
  auto index = e.attempt.job.index;
  auto* attempt =
      find_attempt(activity_for(state, *job, index, false), e.attempt.number);
  if (attempt == nullptr || attempt->end)
    return;
  attempt->started_ms = e.started_ms;
  touch(state, *job);
  if (index == no_index)
    set_status(state, *job, job_status::running);
  else
    set_child_status(*array_of(job), index, job_status::running, e.started_ms);
}

void fold(job_state& state, const attempt_finished& e) {
  auto* job = state.find(e.attempt.job.id);
  if (job == nullptr)
    return;
  auto index = e.attempt.job.index;
  auto* attempt =
      find_attempt(activity_for(state, *job, index, false), e.attempt.number);
  if (attempt == nullptr || attempt->end)
    return;
  attempt->end = e.end;
  attempt->exit_code = e.exit_code;
  attempt->reason = e.reason;
  attempt->status_reason = e.status_reason;
  attempt->started_ms = e.started_ms;
  attempt->stopped_ms = e.stopped_ms;
  touch(state, *job);
  auto status = e.next == after_attempt::succeed ? job_status::succeeded
                                                 : job_status::failed;
  if (index == no_index && e.next == after_attempt::retry)
    set_status(state, *job, job_status::runnable);
  else if (index == no_index)
    end_whole(state, *job, status, e.status_reason, e.stopped_ms);
  else if (e.next == after_attempt::retry)
    set_child_status(*array_of(job), index, job_status::runnable, e.stopped_ms);
  else
    end_child(state, job->first, *array_of(job), index,
              {0, e.stopped_ms, status, e.status_reason, {}});
}

void fold(job_state& state, const jobs_failed& e) {
  auto* job = state.find(e.jobs.id);
  if (job == nullptr)
    return;
  touch(state, *job);
  if (e.jobs.first == no_index)
    end_whole(state, *job, job_status::failed, e.status_reason, e.at_ms);
  else if (auto* array = array_of(job))
    fail_children(state, job->first, *array, e);
}

void fold(job_state& state, const end_requested& e) {
  auto* job = state.find(e.job.id);
  if (job == nullptr)
    return;
  auto* activity = activity_for(state, *job, e.job.index, true);
  if (activity == nullptr)
    return;
  touch(state, *job);
  if (activity->end)
    activity->end->terminate = activity->end->terminate || e.terminate;
  else
    activity->end = end_request{e.terminate, e.reason};
}

void fold(job_state& state, const array_finished& e) {
  auto* job = state.find(e.id);
  if (array_of(job) == nullptr)
    return;
  end_whole(state, *job,
            e.succeeded ? job_status::succeeded : job_status::failed,
            e.status_reason, e.at_ms);
}

void fold(job_state& state, const job_tagged& e) {
  state.tags.insert_or_assign(e.id, e.tags);
}

void fold(job_state& state, const jobs_expired& e) {
  state.dirty_table = true;
  state.expired_before_ms =
      std::max(state.expired_before_ms, e.stopped_before_ms);
  state.oldest_stop_ms =
      std::max(state.oldest_stop_ms, state.expired_before_ms);
  if (state.newest_stop_ms < state.expired_before_ms)
    state.oldest_stop_ms = state.newest_stop_ms = 0;
}

namespace {

auto same_work(const job_work& w) {
  return [&w](const job_work& other) {
    return other.kind == w.kind && other.job == w.job && other.queue == w.queue;
  };
}

} // namespace

void fold(job_state& state, const job_work_advanced& e) {
  state.dirty_table = true;
  // Behind the others, so that each gets its turn.
  std::erase_if(state.works, same_work(e.work));
  state.works.push_back(e.work);
}

void fold(job_state& state, const job_work_finished& e) {
  state.dirty_table = true;
  std::erase_if(state.works, same_work(e.work));
  if (e.work.kind == job_work_kind::tell_waiters)
    drop_told_waiters(state, e.work.job.id);
}

} // namespace berth
