#include "actors/shard_questions.hpp"

#include "messages/limits.hpp"

#include <algorithm>

namespace berth {

namespace {

/// Positions beyond this are told as "more than".
constexpr size_t position_max = 10'000;

std::string quoted(const std::string& name) {
  return "\"" + name + "\"";
}

void explain_never(const queue_actor::environment_answer& answer,
                   const shape& what, why_response& why) {
  auto limit =
      *answer.never == unserviceable_reason::over_environment_maximum
          ? " can never fit: it is over the environment's maxvCpus. "
            "Raise maxvCpus (UpdateComputeEnvironment) or ask for less."
          : " can never fit: no agent is that large. Add a larger "
            "agent or ask for less.";
  why.sentences.push_back("In environment " + quoted(answer.environment.name)
                          + " its " + to_string(what.each) + limit);
}

void explain_saturated(const shard_state& state,
                       const queue_actor::environment_answer& answer,
                       queue_uid queue, const shape& what, why_response& why) {
  const auto* environment = state.find_environment(answer.environment.uid);
  auto name = quoted(answer.environment.name);
  if (environment == nullptr) {
    why.reason = wait_reason::no_room;
    why.sentences.push_back("Environment " + name + " has no room for "
                            + to_string(what.each) + " now.");
    return;
  }
  if (environment->object().settings.state == object_state::disabled) {
    why.reason = wait_reason::environments_disabled;
    why.sentences.push_back("Environment " + name
                            + " is DISABLED: enable it "
                              "(UpdateComputeEnvironment).");
    return;
  }
  auto agents = environment->agents();
  auto draining =
      std::erase_if(agents, [](const auto& agent) { return agent.drains; });
  if (agents.empty()) {
    why.reason = wait_reason::no_agents;
    why.sentences.push_back(
        draining == 0
            ? "Environment " + name + " has no agent: none has joined yet."
            : "Environment " + name + " has only agents that drain ("
                  + std::to_string(draining)
                  + "): they take no more work. Start another agent there.");
    return;
  }
  why.reason = wait_reason::no_room;
  resources free;
  for (const auto& agent : agents)
    free += agent.free;
  why.sentences.push_back("Environment " + name + " has no room for "
                          + to_string(what.each) + " now: " + to_string(free)
                          + " are free on " + std::to_string(agents.size())
                          + " agent(s). A running job has to end first.");
  auto contention = environment->contention_for(queue, what);
  if (contention.higher_priority) {
    why.reason = wait_reason::higher_priority;
    why.sentences.push_back("Queues of priority "
                            + std::to_string(*contention.higher_priority)
                            + " and above are served first there.");
  }
  if (!contention.reserved_for.empty()) {
    why.reason = wait_reason::reserved_for_older;
    why.sentences.push_back("Agents are kept free there for "
                            + contention.reserved_for + ".");
  }
}

void explain_waiting(const shard_state& state, const queue_actor& queue,
                     const job_table::live_job& job, int32_t index,
                     why_response& why) {
  auto before = queue.jobs_before(job.position, index, position_max);
  why.position = static_cast<int64_t>(before);
  auto answers = queue.answers_for(job.what);
  auto never = std::all_of(answers.begin(), answers.end(),
                           [](auto& a) { return a.never.has_value(); });
  why.reason = wait_reason::behind_in_queue;
  for (const auto& answer : answers) {
    if (answer.never)
      explain_never(answer, job.what, why);
    else if (answer.everything || answer.saturated_for_shape)
      explain_saturated(state, answer, queue.uid(), job.what, why);
  }
  if (never && !answers.empty())
    why.reason = wait_reason::never_fits;
  if (before > 0)
    why.sentences.push_back(
        (before >= position_max ? "More than " + std::to_string(position_max)
                                : std::to_string(before))
        + " job(s) of queue " + quoted(queue.object().settings.name)
        + " are served before it.");
  else
    why.sentences.push_back("It is the next job of queue "
                            + quoted(queue.object().settings.name) + ".");
}

void explain_placed(const shard_state& state, why_response& why) {
  why.reason = wait_reason::placed;
  if (why.job.attempts.empty())
    return;
  const auto& attempt = why.job.attempts.back();
  const auto* environment =
      state.catalog().find_environment(attempt.environment);
  auto name = environment != nullptr
                  ? quoted(environment->settings.name)
                  : std::to_string(attempt.environment.value);
  why.sentences.push_back(
      "Attempt " + std::to_string(attempt.number) + " is on agent "
      + quoted(attempt.agent) + " of environment " + name
      + ": the first of the queue's environments with room for it then.");
}

} // namespace

namespace {

void fill(const shard_state& state, std::vector<environment_object>& all) {
  for (auto& object : all)
    if (object.settings.type == environment_type::managed)
      if (const auto* environment = state.find_environment(object.uid))
        object.settings.desired_vcpus = environment->desired_vcpus();
}

} // namespace

result answer_catalog(const shard_state& state, const catalog_call& call) {
  auto answer = state.catalog().answer(call);
  auto* good = std::get_if<response>(&answer);
  if (auto* found = good ? std::get_if<environments_response>(good) : nullptr)
    fill(state, found->environments);
  return answer;
}

result answer_fill(const shard_state& state,
                   const fill_environments_call& call) {
  environments_response answer{call.environments, {}};
  fill(state, answer.environments);
  return response{std::move(answer)};
}

namespace {

/// AWS's code and a sentence, when no environment can ever hold the job.
std::string misconfiguration_of(const queue_actor& queue, const shape& what) {
  auto answers = queue.answers_for(what);
  if (answers.empty())
    return {};
  auto over_maximum = true;
  for (const auto& answer : answers) {
    if (!answer.never)
      return {};
    over_maximum =
        over_maximum
        && *answer.never == unserviceable_reason::over_environment_maximum;
  }
  if (over_maximum)
    return "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - The job needs "
           + to_string(what.each)
           + ", more than the maxvCpus of its compute environments";
  return "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job needs "
         + to_string(what.each)
         + ", more than any agent of its compute environments has";
}

} // namespace

result answer_describe(const shard_state& state, const describe_jobs_call& call,
                       const fetched_rows& rows) {
  auto answer = state.jobs().answer(call, rows);
  auto* good = std::get_if<response>(&answer);
  auto* found = good ? std::get_if<jobs_response>(good) : nullptr;
  if (found == nullptr)
    return answer;
  for (auto& view : found->jobs) {
    if (view.status != job_status::runnable)
      continue;
    auto live = state.jobs().find_live(view.key);
    const auto* queue = live ? state.find_queue(live->queue) : nullptr;
    if (queue == nullptr)
      continue;
    auto reason = misconfiguration_of(*queue, live->what);
    if (!reason.empty())
      view.status_reason = std::move(reason);
  }
  return answer;
}

result answer_snapshot(const shard_state& state,
                       const queue_snapshot_call& call, int64_t now_ms) {
  const auto* queue = state.find_queue(call.queue);
  if (queue == nullptr)
    return api_error{api_errc::unavailable,
                     "the job queue is not ready; try again"};
  queue_snapshot_response answer;
  answer.owner = call.owner;
  answer.at_ms = now_ms;
  answer.vcpu_milli_used = queue->vcpu_milli_leased();
  for (const auto& [key, entry] : queue->front(limits::snapshot_jobs_max))
    answer.front.push_back({key, entry.submitted_ms});
  return response{std::move(answer)};
}

result answer_why(const shard_state& state, const why_call& call,
                  const fetched_rows& rows) {
  auto answered = state.jobs().answer(call, rows);
  auto* good = std::get_if<response>(&answered);
  auto* why = good ? std::get_if<why_response>(good) : nullptr;
  if (why == nullptr)
    return answered;
  if (is_terminal(why->job.status)) {
    why->reason = wait_reason::finished;
    return answered;
  }
  if (why->job.status == job_status::starting
      || why->job.status == job_status::running) {
    explain_placed(state, *why);
    return answered;
  }
  if (why->job.status != job_status::runnable)
    return answered;
  auto live = state.jobs().find_live(call.job);
  const auto* queue = live ? state.find_queue(live->queue) : nullptr;
  if (queue != nullptr)
    explain_waiting(state, *queue, *live, call.job.index, *why);
  return answered;
}

} // namespace berth
