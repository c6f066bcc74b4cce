#include "api/aws_batch/job_details.hpp"

#include "api/aws_batch/containers.hpp"
#include "api/aws_batch/environments.hpp"
#include "api/aws_batch/retries.hpp"
#include "api/log_stream_name.hpp"

#include <algorithm>

namespace berth::aws_batch {

namespace {

/// AWS cuts container reasons here.
constexpr size_t container_reason_bytes_max = 255;

std::string job_arn(const job_view& job) {
  return make_arn(job.owner, resource_kind::job, to_string(job.key));
}

std::string definition_arn(const job_view& job) {
  const auto& spec = spec_of(job);
  return make_arn(job.owner, resource_kind::job_definition,
                  spec.definition_name + ":"
                      + std::to_string(spec.definition_revision));
}

bool is_array_parent(const job_view& job) {
  return spec_of(job).array_size > 0 && !job.key.is_child();
}

/// Cut at a character boundary.
std::string_view cut_reason(std::string_view reason) {
  if (reason.size() <= container_reason_bytes_max)
    return reason;
  auto end = container_reason_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0) == 0x80)
    --end;
  return reason.substr(0, end);
}

/// What containers of jobs, attempts and summaries tell of an end.
void print_end(json_writer& json, const attempt_record& attempt) {
  if (attempt.exit_code)
    json.member("exitCode", *attempt.exit_code);
  if (!attempt.reason.empty())
    json.member("reason", cut_reason(attempt.reason));
}

/// Where an attempt ran (the container instance is named by the environment's
/// uuid and the agent): the task from its placement on, the log stream from
/// its start (or failed start) on.
void print_task(json_writer& json, const job_view& job,
                const attempt_record& attempt) {
  attempt_id id{job.key, attempt.number};
  auto ecs = "arn:aws:ecs:" + job.owner.region + ":" + job.owner.account;
  print_end(json, attempt);
  if (!attempt.agent.empty())
    json.member("containerInstanceArn",
                ecs + ":container-instance/"
                    + environment_uuid(attempt.environment) + "/"
                    + attempt.agent);
  json.member("taskArn", ecs + ":task/" + task_id(id));
  if (attempt.started_ms > 0 || attempt.end)
    json.member("logStreamName",
                make_log_stream_name(spec_of(job).definition_name, id));
}

void print_container(json_writer& json, const job_view& job) {
  json.begin_object();
  print_container_members(json, spec_of(job).container);
  if (!is_array_parent(job) && !job.attempts.empty())
    print_task(json, job, job.attempts.back());
  json.empty_list("networkInterfaces");
  json.end_object();
}

void print_attempts(json_writer& json, const job_view& job) {
  json.key("attempts").begin_array();
  for (const auto& attempt : job.attempts) {
    if (!attempt.end || is_array_parent(job))
      continue;
    json.begin_object();
    json.key("container").begin_object();
    print_task(json, job, attempt);
    json.empty_list("networkInterfaces");
    json.end_object();
    if (attempt.started_ms > 0)
      json.member("startedAt", attempt.started_ms);
    if (attempt.stopped_ms > 0)
      json.member("stoppedAt", attempt.stopped_ms);
    if (!attempt.status_reason.empty())
      json.member("statusReason", attempt.status_reason);
    json.empty_list("taskProperties");
    json.end_object();
  }
  json.end_array();
}

/// A child names the child, or the sibling, that it waits for.
void print_dependency(json_writer& json, const dependency& wanted,
                      const job_key& waiting) {
  auto on = wanted.on;
  if (!on && waiting.is_child())
    on = job_key{waiting.id, waiting.index - 1};
  else if (on && waiting.is_child() && wanted.kind == dependency_kind::n_to_n)
    on = job_key{on->id, waiting.index};
  json.begin_object();
  if (on)
    json.member("jobId", to_string(*on));
  if (wanted.kind == dependency_kind::sequential)
    json.member("type", "SEQUENTIAL");
  else if (wanted.kind == dependency_kind::n_to_n)
    json.member("type", "N_TO_N");
  json.end_object();
}

void print_dependencies(json_writer& json, const job_view& job) {
  json.key("dependsOn").begin_array();
  for (const auto& wanted : spec_of(job).depends_on) {
    // The first child of a sequence waits for nobody.
    if (wanted.on || job.key.index != 0)
      print_dependency(json, wanted, job.key);
  }
  json.end_array();
}

void print_status_summary(json_writer& json, const job_view& job) {
  json.key("statusSummary").begin_object();
  for (size_t i = 0; i < job_status_count; ++i)
    json.member(to_string(static_cast<job_status>(i)),
                i < job.children.size() ? job.children[i] : 0U);
  json.end_object();
  if (job.children_changed_ms > 0)
    json.member("statusSummaryLastUpdatedAt", job.children_changed_ms);
}

void print_array_properties(json_writer& json, const job_view& job,
                            bool is_detail) {
  if (job.key.is_child()) {
    json.key("arrayProperties").begin_object();
    if (is_detail)
      json.empty_map("statusSummary");
    json.member("index", job.key.index);
    json.end_object();
  } else if (is_array_parent(job)) {
    json.key("arrayProperties").begin_object();
    print_status_summary(json, job);
    json.member("size", spec_of(job).array_size);
    json.end_object();
  }
}

void print_summary(json_writer& json, const job_view& job) {
  json.begin_object();
  json.member("jobArn", job_arn(job));
  json.member("jobId", to_string(job.key));
  json.member("jobName", spec_of(job).name);
  json.member("createdAt", job.created_ms);
  json.member("status", to_string(job.status));
  if (!job.status_reason.empty())
    json.member("statusReason", job.status_reason);
  if (job.started_ms > 0)
    json.member("startedAt", job.started_ms);
  if (job.stopped_ms > 0)
    json.member("stoppedAt", job.stopped_ms);
  if (!is_array_parent(job) && !job.attempts.empty()) {
    const auto& attempt = job.attempts.back();
    if (attempt.placed_ms > 0)
      json.member("scheduledAt", attempt.placed_ms);
    json.key("container").begin_object();
    print_end(json, attempt);
    json.end_object();
  }
  print_array_properties(json, job, false);
  json.member("jobDefinition", definition_arn(job));
  json.end_object();
}

} // namespace

const job_spec& spec_of(const job_view& job) {
  static const job_spec none;
  return job.spec ? *job.spec : none;
}

void print_job_members(json_writer& json, const job_view& job) {
  const auto& spec = spec_of(job);
  json.member("jobArn", job_arn(job));
  json.member("jobName", spec.name);
  json.member("jobId", to_string(job.key));
  json.member("jobQueue",
              make_arn(job.owner, resource_kind::job_queue, job.queue_name));
  json.member("status", to_string(job.status));
  print_attempts(json, job);
  if (!job.status_reason.empty())
    json.member("statusReason", job.status_reason);
  json.member("createdAt", job.created_ms);
  print_retry_strategy(json.key("retryStrategy"), spec.retry);
  json.member("startedAt", job.started_ms);
  if (job.stopped_ms > 0)
    json.member("stoppedAt", job.stopped_ms);
  print_dependencies(json, job);
  json.member("jobDefinition", definition_arn(job));
  json.member("parameters", spec.parameters);
  print_container(json.key("container"), job);
  print_array_properties(json, job, true);
  if (spec.timeout_ms)
    print_timeout(json.key("timeout"), *spec.timeout_ms);
  json.member("propagateTags", spec.propagate_tags);
  json.member("platformCapabilities", spec.platform_capabilities);
  json.empty_list("eksAttempts");
  json.member("isCancelled", job.is_cancelled);
  json.member("isTerminated", job.is_terminated);
}

void print_jobs(json_writer& json, const jobs_response& response) {
  json.begin_object();
  json.key("jobs").begin_array();
  for (const auto& job : response.jobs) {
    json.begin_object();
    print_job_members(json, job);
    json.member("tags", job.tags);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void print_job_list(json_writer& json, const job_list_response& response) {
  json.begin_object();
  json.key("jobSummaryList").begin_array();
  for (const auto& job : response.jobs)
    print_summary(json, job);
  json.end_array();
  if (!response.next_token.empty())
    json.member("nextToken", response.next_token);
  json.end_object();
}

} // namespace berth::aws_batch
