#include "actors/job_storage.hpp"

#include "messages/assert.hpp"

#include <array>
#include <unordered_map>
#include <unordered_set>

namespace berth {

namespace {

void check_activity(const job_activity* activity, job_status status) {
  auto live = activity != nullptr && !activity->attempts.empty()
              && !activity->attempts.back().end;
  BERTH_ASSERT(is_active(status) == live,
               "a placed job has one live attempt, no other job has one");
  if (activity == nullptr)
    return;
  uint32_t number = 0;
  for (const auto& attempt : activity->attempts) {
    BERTH_ASSERT(attempt.number == ++number,
                 "attempts are numbered without gaps");
    BERTH_ASSERT(attempt.end || &attempt == &activity->attempts.back(),
                 "only the last attempt is live");
  }
}

void check_array(const hot_job& job, const array_job& array) {
  const auto& children = array.children;
  BERTH_ASSERT(job.status == job_status::pending,
               "a live array is PENDING as a whole");
  BERTH_ASSERT(!array.made() || children.statuses.size() == children.size,
               "every child has a status");
  std::array<uint32_t, job_status_count> counts{};
  for (auto status : children.statuses)
    ++counts.at(status);
  BERTH_ASSERT(counts == array.counts,
               "counts by status are those of the packed children");
  BERTH_ASSERT(!array.made()
                   || counts[static_cast<size_t>(job_status::succeeded)]
                              + counts[static_cast<size_t>(job_status::failed)]
                          < children.size,
               "an array whose children have all ended is over");
  for (const auto& [index, child] : array.active) {
    BERTH_ASSERT(array.has_child(index), "active children are children");
    BERTH_ASSERT(!is_terminal(array.status_of(index)),
                 "a terminal child has no row");
    check_activity(&child.activity, array.status_of(index));
  }
  for (size_t i = 0; i < children.statuses.size(); ++i)
    if (is_active(static_cast<job_status>(children.statuses[i])))
      BERTH_ASSERT(array.active.contains(static_cast<int32_t>(i)),
                   "a placed child has a row");
  for (const auto& failed : children.failures)
    for (auto i = failed.first; i < failed.last; ++i)
      BERTH_ASSERT(array.status_of(i) == job_status::failed,
                   "a child with a reason to have failed is FAILED");
}

/// Who waits for what, the other way round than jobs tell it.
using waiting_for = std::unordered_map<job_id, std::unordered_set<job_id>>;

waiting_for waiters_by_job(const job_state& state) {
  waiting_for all;
  for (const auto& [id, list] : state.waiters) {
    auto& waiters = all[id];
    for (const auto& w : list.whole) {
      BERTH_ASSERT(w.on_index == no_index && w.kind == dependency_kind::plain,
                   "waiters for the whole wait for the whole");
      waiters.insert(w.waiter);
    }
    for (const auto& w : list.by_child)
      waiters.insert(w.waiter);
  }
  return all;
}

void check_dependencies(const job_state& state, const hot_entry& entry,
                        const waiting_for& waiting) {
  const auto& [id, job] = entry;
  auto open_plain = false;
  auto plain = false;
  for (const auto& dependency : job.details->dependencies) {
    auto n_to_n = dependency.kind == dependency_kind::n_to_n;
    plain = plain || !n_to_n;
    auto open = !n_to_n && dependency.outcome == dependency_outcome::open;
    open_plain = open_plain || open;
    BERTH_ASSERT(!n_to_n || job.array() != nullptr,
                 "only children wait one by one");
    const auto& on = dependency.on.id;
    if (!open || shard_of(on) != shard_of(id) || state.has_work_on(on))
      continue;
    auto waiters = waiting.find(on);
    BERTH_ASSERT(state.find(on) != nullptr && waiters != waiting.end()
                     && waiters->second.contains(id),
                 "the job that an open dependency names knows its waiter");
  }
  if (const auto* array = job.array(); array && plain)
    BERTH_ASSERT(array->made() != open_plain,
                 "children are made when plain dependencies are met");
  if (!job.array() && plain)
    BERTH_ASSERT((job.status == job_status::pending) == open_plain,
                 "a job is PENDING while a dependency is open");
}

void check_job(const job_state& state, const hot_entry& entry,
               const waiting_for& waiting) {
  const auto& [id, job] = entry;
  BERTH_ASSERT(!is_terminal(job.status), "terminal jobs live in the store");
  BERTH_ASSERT(state.classes.jobs_of(job.common) > 0,
               "a live job counts in its class");
  auto queue = state.by_queue.find(state.common(job).queue);
  BERTH_ASSERT(queue != state.by_queue.end(), "a live job has a queue");
  const hot_entry* found = nullptr;
  queue->second.by_status[static_cast<size_t>(job.status)].ascend(
      job.position, [&](const auto& e) {
        found = e.position == job.position ? e.what : nullptr;
        return false;
      });
  BERTH_ASSERT(found == &entry, "a live job is in its status' index");
  if (job.details) {
    if (job.array() == nullptr)
      check_activity(&job.details->activity, job.status);
    else
      check_array(job, *job.array());
    check_dependencies(state, entry, waiting);
  } else {
    BERTH_ASSERT(job.status == job_status::submitted
                     || job.status == job_status::runnable,
                 "a job without details only waits");
  }
}

} // namespace

void check_invariants(const job_state& state) {
  size_t indexed = 0;
  for (const auto& [uid, jobs] : state.by_queue) {
    BERTH_ASSERT(jobs.size() > 0, "a queue without jobs has no index");
    for (size_t s = 0; s < jobs.by_status.size(); ++s)
      jobs.by_status[s].ascend(0, [&](const auto& e) {
        ++indexed;
        BERTH_ASSERT(e.what->second.position == e.position
                         && state.common(e.what->second).queue == uid
                         && static_cast<size_t>(e.what->second.status) == s,
                     "an index names jobs of its queue and status");
        BERTH_ASSERT(state.find(e.what->first) == e.what,
                     "an index names live jobs");
        return true;
      });
  }
  BERTH_ASSERT(indexed == state.live.size(), "each live job is indexed once");
  const auto waiting = waiters_by_job(state);
  for (const auto& entry : state.live) {
    check_job(state, entry, waiting);
    BERTH_ASSERT(!state.ended.contains(entry.first),
                 "a job is live or ended, not both");
  }
  for (const auto& [id, list] : state.waiters)
    BERTH_ASSERT(state.find(id) != nullptr || state.has_work_on(id),
                 "waiters are kept only until they have been told");
  BERTH_ASSERT((state.newest_stop_ms == 0) == (state.oldest_stop_ms == 0),
               "the oldest and the newest end are known together");
  for (const auto& work : state.works)
    BERTH_ASSERT(work.kind != job_work_kind::tell_waiters
                     || state.waiters.contains(work.job.id),
                 "there is somebody to tell");
}

} // namespace berth
