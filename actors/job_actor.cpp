#include "actors/job_actor.hpp"

#include "actors/array_job_actor.hpp"
#include "actors/job_waiters.hpp"
#include "actors/queue_actor.hpp"
#include "actors/retry_policy.hpp"
#include "actors/status_reasons.hpp"
#include "messages/simulation.hpp"

#include <algorithm>
#include <utility>

namespace berth {

namespace {

/// Each once; `n_to_n` is something else than `plain` to arrays only.
std::vector<watch_job> watches_of(const job_id& waiter, const job_spec& spec) {
  std::vector<watch_job> watches;
  for (const auto& dependency : spec.depends_on) {
    if (!dependency.on)
      continue;
    auto n_to_n =
        spec.array_size > 0 && dependency.kind == dependency_kind::n_to_n;
    watch_job w{*dependency.on, waiter,
                n_to_n ? dependency_kind::n_to_n : dependency_kind::plain};
    if (std::find(watches.begin(), watches.end(), w) == watches.end())
      watches.push_back(std::move(w));
  }
  return watches;
}

bool waits_for_itself(const job_spec& spec) {
  return std::any_of(spec.depends_on.begin(), spec.depends_on.end(),
                     [](auto& dependency) { return !dependency.on; });
}

response answer_submission(const submit_job_call& call) {
  return submitted_response{
      call.id, call.spec->name,
      make_arn(call.owner, resource_kind::job, to_string(call.id))};
}

struct ended_attempt {
  attempt_end end = attempt_end::lost;
  std::optional<int32_t> exit_code;
  std::string reason;
  int64_t started_ms = 0;
  int64_t stopped_ms = 0;
};

std::string status_reason_of(const ended_attempt& ended,
                             const attempt_record& attempt,
                             const end_request* request) {
  if (request != nullptr && request->terminate)
    return request->reason;
  switch (ended.end) {
  case attempt_end::failed_to_start:
    return status_reasons::start_failed;
  case attempt_end::timed_out:
    return status_reasons::timed_out;
  case attempt_end::lost:
  case attempt_end::not_started:
    return status_reasons::host_lost(attempt.agent);
  case attempt_end::exited:
  case attempt_end::stopped:
  case attempt_end::out_of_memory:
    break;
  }
  return status_reasons::container_exited;
}

/// Attempts are timed by their agent's clock; a job's times never run
/// backwards, nor ahead of the log.
void order_times(ended_attempt& ended, const attempt_record& attempt,
                 int64_t now_ms) {
  auto upper = std::max(now_ms, attempt.placed_ms);
  auto started =
      attempt.started_ms != 0 ? attempt.started_ms : ended.started_ms;
  if (started != 0)
    started = std::clamp(started, attempt.placed_ms, upper);
  ended.started_ms = started;
  ended.stopped_ms = std::clamp(
      ended.stopped_ms, started != 0 ? started : attempt.placed_ms, upper);
}

attempt_finished finish_of(const job_state& state, const hot_entry& job,
                           const job_key& key, const job_activity& activity,
                           ended_attempt ended,
                           const decision_context& context) {
  const auto& attempt = activity.attempts.back();
  const auto* request = activity.end ? &*activity.end : nullptr;
  order_times(ended, attempt, context.now_ms);
  if (ended.end == attempt_end::out_of_memory && ended.reason.empty())
    ended.reason = status_reasons::out_of_memory;
  attempt_finished event{{key, attempt.number},
                         ended.end,
                         ended.exit_code,
                         std::move(ended.reason),
                         {},
                         ended.started_ms,
                         ended.stopped_ms,
                         after_attempt::fail};
  event.status_reason = status_reason_of(ended, attempt, request);
  attempt_outcome outcome{attempt.number,
                          event.end,
                          event.exit_code,
                          event.reason,
                          event.status_reason,
                          request != nullptr && request->terminate,
                          request != nullptr || job.second.end() != nullptr};
  event.next = decide_retry(state.common(job.second).retry, outcome).next;
  return event;
}

void finish_attempt(const job_state& state, const job_key& key,
                    ended_attempt ended, bool lease_is_ours,
                    const decision_context& context, draft& d) {
  const auto& job = *state.find(key.id);
  const auto& activity = *state.activity(key);
  const auto& attempt = activity.attempts.back();
  auto event = finish_of(state, job, key, activity, std::move(ended), context);
  auto next = event.next;
  auto succeeded = next == after_attempt::succeed;
  if (next != after_attempt::retry && !key.is_child())
    tell_end(state, job, succeeded, d);
  d.emit(std::move(event));
  if (lease_is_ours)
    d.send(context.self,
           finish_lease{state.common(job.second).queue, attempt.environment,
                        activity.lease, key});
  if (next == after_attempt::retry) {
    send_enqueue(state, job, key.index,
                 key.is_child() ? key.index + 1 : no_index, context, d);
  } else if (key.is_child()) {
    array_changes changes{state, job, context, d};
    changes.child_ended(key.index, succeeded);
    changes.settle_after(key.index, succeeded);
    changes.finish();
  }
}

bool is_of(const attempt_record& attempt, const attempt_id& reported,
           const agent_id& agent, const session_id& session) {
  return attempt.number == reported.number && attempt.agent == agent.name
         && attempt.environment == agent.environment
         && attempt.session == session;
}

} // namespace

const attempt_record* live_attempt(const job_activity* activity) {
  if (activity == nullptr || activity->attempts.empty()
      || activity->attempts.back().end)
    return nullptr;
  return &activity->attempts.back();
}

void decide_submission(const job_state& state, call_token token,
                       const submit_job_call& call,
                       const decision_context& context, draft& d) {
  auto is_known =
      state.find(call.id) != nullptr || state.is_ended(call.id, context.rows);
  if (is_known && !broken(breakage::known_id_submits_again)) {
    d.answer(token, answer_submission(call));
    return;
  }
  if (const auto* queue = state.queues(call.queue);
      !queue || !queue->admits()) {
    auto name = queue ? queue->object().settings.name : std::string{"?"};
    d.answer(token, api_error{api_errc::invalid,
                              "JobQueue " + name
                                  + " takes no jobs: it is DISABLED or is "
                                    "being deleted. Enable it "
                                    "(UpdateJobQueue) or name another one."});
    return;
  }
  const auto& spec = *call.spec;
  auto position = d.next_position();
  d.emit(job_submitted{call.id, call.owner, call.queue, call.spec, position,
                       context.now_ms});
  d.answer(token, answer_submission(call));
  auto watches = watches_of(call.id, spec);
  for (auto& watch : watches)
    d.send(shard_of(watch.on.id), watch);
  if (!watches.empty())
    return;
  job_range jobs{call.id, no_index, no_index};
  if (spec.array_size > 0)
    jobs = {call.id, 0,
            waits_for_itself(spec) ? 1 : static_cast<int32_t>(spec.array_size)};
  d.emit(jobs_became_runnable{jobs, context.now_ms});
  d.send(context.self,
         enqueue_jobs{call.queue, jobs, position,
                      shape{spec.container.needs, 1}, context.now_ms});
}

void fail_waiting_job(const job_state& state, const hot_entry& job,
                      const std::string& reason,
                      const decision_context& context, draft& d) {
  tell_end(state, job, false, d);
  d.emit(jobs_failed{{job.first, no_index, no_index}, reason, context.now_ms});
  if (job.second.status == job_status::runnable)
    send_withdraw(state, job, no_index, no_index, context, d);
}

void decide_end(const job_state& state, const end_job_call& call,
                const decision_context& context, draft& d) {
  const auto* job = state.find(call.job.id);
  if (job == nullptr || state.common(job->second).owner != call.owner)
    return;
  const auto* array = job->second.array();
  if (call.job.is_child()) {
    if (array != nullptr)
      decide_end_of_child(state, *job, call, context, d);
    return;
  }
  if (array != nullptr && array->made()) {
    decide_end_of_array(state, *job, call.terminate, call.reason, d);
    return;
  }
  switch (job->second.status) {
  case job_status::submitted:
  case job_status::runnable:
    d.emit(end_requested{call.job, call.terminate, call.reason});
    fail_waiting_job(state, *job, call.reason, context, d);
    break;
  case job_status::pending:
    // Takes effect when its dependencies have ended.
    if (job->second.end() == nullptr)
      d.emit(end_requested{call.job, call.terminate, call.reason});
    break;
  case job_status::starting:
    if (broken(breakage::terminate_forgets_starting_job))
      break;
    [[fallthrough]];
  case job_status::running:
    if (call.terminate)
      decide_stop(state, call.job, call.reason, d);
    break;
  case job_status::succeeded:
  case job_status::failed:
    break;
  }
}

void decide_placement(const job_state& state, const place_job& m,
                      const decision_context& context, draft& d) {
  if (state.status(m.job) == job_status::runnable) {
    const auto* activity = state.activity(m.job);
    auto number =
        activity ? static_cast<uint32_t>(activity->attempts.size()) + 1 : 1;
    attempt_id attempt{m.job, number};
    d.emit(attempt_placed{attempt, m.lease, m.environment, m.agent, m.session,
                          context.now_ms});
    d.dispatch({m.environment, m.agent}, m.session,
               start_attempt{attempt, m.lease, nullptr, {}, {}, {}});
    if (broken(breakage::dependency_met_on_starting) && !m.job.is_child())
      tell_end(state, *state.find(m.job.id), true, d);
    return;
  }
  std::optional<queue_uid> queue;
  if (const auto* job = state.find(m.job.id))
    queue = state.common(job->second).queue;
  else if (auto ended = state.ended_row(m.job.id, context.rows))
    queue = ended->common.queue;
  if (queue)
    d.send(context.self, finish_lease{*queue, m.environment, m.lease, m.job});
}

void decide_report(const job_state& state, const agent_id& agent,
                   const session_id& session, const attempt_report& report,
                   const decision_context& context, draft& d) {
  const auto& reported = std::visit(
      [](const auto& r) -> const attempt_id& { return r.attempt; }, report);
  const auto* attempt = live_attempt(state.activity(reported.job));
  if (attempt == nullptr || !is_of(*attempt, reported, agent, session))
    return;
  if (const auto* started = std::get_if<attempt_started_report>(&report)) {
    if (attempt->started_ms == 0)
      d.emit(attempt_started{
          reported, std::clamp(started->started_ms, attempt->placed_ms,
                               std::max(attempt->placed_ms, context.now_ms))});
    return;
  }
  const auto& ended = std::get<attempt_ended_report>(report);
  finish_attempt(state, reported.job,
                 {ended.end, ended.exit_code, ended.reason, ended.started_ms,
                  ended.stopped_ms},
                 true, context, d);
}

void decide_loss(const job_state& state, const attempt_lost& m,
                 const decision_context& context, draft& d) {
  const auto* activity = state.activity(m.job);
  const auto* attempt = live_attempt(activity);
  if (attempt == nullptr || activity->lease != m.lease
      || attempt->environment != m.environment
      || broken(breakage::lost_lease_not_requeued))
    return;
  finish_attempt(state, m.job, {attempt_end::lost, {}, {}, 0, context.now_ms},
                 false, context, d);
}

void decide_dependency_end(const job_state& state, const dependency_ended& m,
                           const decision_context& context, draft& d) {
  const auto* job = state.find(m.waiter);
  if (job == nullptr || !job->second.details)
    return;
  auto whole = m.first == no_index;
  const auto& details = *job->second.details;
  auto plain_open = false;
  auto plain_settled = false;
  auto n_to_n = false;
  for (const auto& dependency : details.dependencies) {
    auto same = dependency.on == m.on;
    if (dependency.kind == dependency_kind::n_to_n)
      n_to_n = n_to_n || same;
    else if (dependency.outcome == dependency_outcome::open)
      (same && whole ? plain_settled : plain_open) = true;
  }
  if (!plain_settled && !n_to_n)
    return;
  d.emit(dependency_settled{m.waiter, m.on, m.first, m.last, m.succeeded});
  const auto* array = details.array.get();
  if (!plain_settled) {
    if (!array->made())
      return;
    auto size = static_cast<int32_t>(array->children.size);
    array_changes changes{state, *job, context, d};
    changes.settle(whole ? 0 : m.first, whole ? size : m.last, &m);
    changes.finish();
    return;
  }
  const auto* asked = job->second.end();
  if (!m.succeeded || (!plain_open && asked != nullptr)) {
    fail_waiting_job(state, *job,
                     asked ? asked->reason : status_reasons::dependency_failed,
                     context, d);
  } else if (!plain_open && array != nullptr) {
    array_changes changes{state, *job, context, d};
    changes.settle(0, static_cast<int32_t>(array->children.size), &m);
    changes.finish();
  } else if (!plain_open) {
    d.emit(
        jobs_became_runnable{{m.waiter, no_index, no_index}, context.now_ms});
    send_enqueue(state, *job, no_index, no_index, context, d);
  }
}

} // namespace berth
