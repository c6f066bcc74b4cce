#include "actors/job_work.hpp"

#include "actors/array_job_actor.hpp"
#include "actors/job_actor.hpp"
#include "actors/job_waiters.hpp"
#include "actors/status_reasons.hpp"
#include "messages/limits.hpp"
#include "messages/simulation.hpp"

#include <algorithm>

namespace berth {

namespace {

/// Expiry is swept this often at most; oftener where jobs are kept for a short
/// time only.
constexpr int64_t sweep_interval_max_ms = 60'000;
constexpr int64_t sweeps_per_retention = 10;

/// Cursor of `end_queue` once every job's end was asked for.
constexpr uint64_t all_asked = UINT64_MAX;

bool is_ready(const job_state& state, const job_work& work) {
  return work.kind != job_work_kind::end_queue || work.cursor != all_asked
         || state.live_of(work.queue) == 0;
}

void end_job_of_queue(const job_state& state, const hot_entry& job,
                      const std::string& reason,
                      const decision_context& context, draft& d) {
  const auto* array = job.second.array();
  if (array != nullptr && array->made())
    decide_end_of_array(state, job, true, reason, d);
  else if (is_active(job.second.status))
    decide_stop(state, {job.first, no_index}, reason, d);
  else {
    // The first reason given stays.
    const auto* end = job.second.end();
    if (end == nullptr)
      d.emit(end_requested{{job.first, no_index}, true, reason});
    fail_waiting_job(state, job, end ? end->reason : reason, context, d);
  }
}

size_t end_more_of_queue(const job_state& state, const job_work& work,
                         size_t steps, const decision_context& context,
                         draft& d) {
  auto found = state.by_queue.find(work.queue);
  if (found == state.by_queue.end() || found->second.size() == 0) {
    d.emit(job_work_finished{work});
    d.send(context.self, jobs_of_queue_ended{work.queue});
    return 1;
  }
  auto jobs = found->second.ascend(work.cursor, steps);
  auto advanced = work;
  advanced.cursor =
      jobs.size() < steps ? all_asked : jobs.back()->second.position + 1;
  d.emit(job_work_advanced{advanced});
  for (const auto* job : jobs)
    end_job_of_queue(
        state, *job,
        status_reasons::queue_deleted(state.common(job->second).queue_name),
        context, d);
  return std::max<size_t>(jobs.size(), 1);
}

} // namespace

bool has_ready_work(const job_state& state) {
  return std::any_of(state.works.begin(), state.works.end(),
                     [&](const job_work& w) { return is_ready(state, w); });
}

void advance_work(const job_state& state, const decision_context& context,
                  draft& d) {
  auto steps = rarely("small steps of work") ? 2 : limits::work_steps_max;
  auto first = true;
  for (const auto& work : state.works) {
    if (!is_ready(state, work))
      continue;
    // Works that end jobs may meet the same job, so each sees the effects of
    // the one before; telling changes no job.
    if (work.kind == job_work_kind::tell_waiters) {
      steps -= std::min(steps, tell_more(state, work, steps, d));
    } else if (first && work.kind == job_work_kind::end_children) {
      end_more_children(state, work, steps, context, d);
      return;
    } else if (first) {
      end_more_of_queue(state, work, steps, context, d);
      return;
    } else {
      return;
    }
    first = false;
    if (steps == 0)
      return;
  }
}

void decide_queue_end(const job_state& state, const end_jobs_of_queue& m,
                      const decision_context& context, draft& d) {
  if (state.live_of(m.queue) == 0)
    d.send(context.self, jobs_of_queue_ended{m.queue});
  else
    d.emit(job_work_advanced{{job_work_kind::end_queue, {}, m.queue, 0}});
}

std::optional<int64_t> next_expiry_ms(const job_state& state) {
  if (state.newest_stop_ms == 0)
    return std::nullopt;
  auto retention = state.options.retention_ms;
  auto interval = std::clamp<int64_t>(retention / sweeps_per_retention, 1,
                                      sweep_interval_max_ms);
  return std::max(state.oldest_stop_ms + retention + 1,
                  state.expired_before_ms + retention + interval);
}

void decide_expiry(const job_state& state, const decision_context& context,
                   draft& d) {
  auto due = next_expiry_ms(state);
  if (due && *due <= context.now_ms)
    d.emit(jobs_expired{context.now_ms - state.options.retention_ms});
}

} // namespace berth
