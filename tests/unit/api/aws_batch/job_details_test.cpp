#include "api/aws_batch/job_details.hpp"

#include "tests/unit/api/aws_batch/calls.hpp"

namespace berth::aws_batch {

using nlohmann::json;

namespace {

constexpr const char* id_text = "0b6cdd0e-b200-4948-8a4e-b596507f2f60";
constexpr int64_t t0 = 1'700'000'000'000;

job_spec calc_spec() {
  job_spec spec;
  spec.name = "sum";
  spec.definition_name = "calc";
  spec.definition_revision = 3;
  spec.parameters = {{"n", "5"}};
  spec.container.command = {"sh", "-c", "echo 5"};
  spec.container.environment = {{"MODE", "fast"}};
  spec.container.needs = {2000, 512, {}};
  spec.container.packaging_json =
      R"({"image":"busybox","mountPoints":[],"secrets":[],"volumes":[]})";
  spec.retry = {2, {}};
  spec.timeout_ms = 600'000;
  spec.tags = {{"team", "x"}};
  spec.platform_capabilities = {"EC2"};
  return spec;
}

job_view view_of(job_spec spec) {
  job_view job;
  job.key = *parse_job_key(id_text);
  job.owner = {"123456789012", "us-east-1"};
  job.queue_name = "q1";
  job.tags = spec.tags;
  job.spec = std::make_shared<const job_spec>(std::move(spec));
  job.created_ms = t0;
  return job;
}

attempt_record finished_attempt(uint32_t number) {
  attempt_record attempt;
  attempt.number = number;
  attempt.agent = "agent-1";
  attempt.placed_ms = t0 + 3000;
  attempt.started_ms = t0 + 4000;
  attempt.stopped_ms = t0 + 9000;
  attempt.end = attempt_end::exited;
  attempt.exit_code = 0;
  attempt.status_reason = "Essential container in task exited";
  return attempt;
}

json detail(const job_view& job) {
  return printed(operation::describe_jobs, jobs_response{{job}})
      .at("jobs")
      .at(0);
}

json summary(const job_view& job) {
  return printed(operation::list_jobs, job_list_response{{job}, ""})
      .at("jobSummaryList")
      .at(0);
}

} // namespace

TEST_CASE("a job that succeeded reads back as on AWS") {
  auto job = view_of(calc_spec());
  job.status = job_status::succeeded;
  job.status_reason = "Essential container in task exited";
  job.started_ms = t0 + 4000;
  job.stopped_ms = t0 + 9000;
  job.attempts = {finished_attempt(1)};
  CHECK(detail(job) == json::parse(R"({
 "jobArn":"arn:aws:batch:us-east-1:123456789012:job/0b6cdd0e-b200-4948-8a4e-b596507f2f60",
 "jobId":"0b6cdd0e-b200-4948-8a4e-b596507f2f60","jobName":"sum",
 "jobQueue":"arn:aws:batch:us-east-1:123456789012:job-queue/q1",
 "jobDefinition":"arn:aws:batch:us-east-1:123456789012:job-definition/calc:3",
 "status":"SUCCEEDED","statusReason":"Essential container in task exited",
 "createdAt":1700000000000,"startedAt":1700000004000,
 "stoppedAt":1700000009000,
 "dependsOn":[],"parameters":{"n":"5"},"tags":{"team":"x"},
 "retryStrategy":{"attempts":2,"evaluateOnExit":[]},
 "timeout":{"attemptDurationSeconds":600},
 "propagateTags":false,"platformCapabilities":["EC2"],"eksAttempts":[],
 "container":{"image":"busybox","command":["sh","-c","echo 5"],"volumes":[],
   "mountPoints":[],"ulimits":[],
   "environment":[{"name":"MODE","value":"fast"}],"secrets":[],
   "networkInterfaces":[],
   "resourceRequirements":[{"type":"VCPU","value":"2"},
                           {"type":"MEMORY","value":"512"}],
   "taskArn":"arn:aws:ecs:us-east-1:123456789012:task/0b6cdd0e-b200-4948-8a4e-b596507f2f60",
   "containerInstanceArn":"arn:aws:ecs:us-east-1:123456789012:container-instance/00000000-0000-4000-8000-000000000000/agent-1",
   "logStreamName":"calc/default/0b6cdd0e-b200-4948-8a4e-b596507f2f60",
   "exitCode":0},
 "attempts":[{"startedAt":1700000004000,"stoppedAt":1700000009000,
   "statusReason":"Essential container in task exited","taskProperties":[],
   "container":{
     "taskArn":"arn:aws:ecs:us-east-1:123456789012:task/0b6cdd0e-b200-4948-8a4e-b596507f2f60",
     "containerInstanceArn":"arn:aws:ecs:us-east-1:123456789012:container-instance/00000000-0000-4000-8000-000000000000/agent-1",
     "logStreamName":"calc/default/0b6cdd0e-b200-4948-8a4e-b596507f2f60",
     "exitCode":0,"networkInterfaces":[]}}],
 "isCancelled":false,"isTerminated":false})"));
}

TEST_CASE("a job that waits has the members that clients rely on") {
  auto job = view_of(calc_spec());
  job.status = job_status::runnable;
  auto answer = detail(job);
  CHECK(answer.at("startedAt") == 0);
  CHECK(!answer.contains("stoppedAt"));
  CHECK(!answer.contains("statusReason"));
  CHECK(!answer.contains("arrayProperties"));
  CHECK(answer.at("attempts") == json::array());
  CHECK(answer.at("dependsOn") == json::array());
  CHECK(!answer.at("container").contains("taskArn"));
  CHECK(!answer.at("container").contains("logStreamName"));
  CHECK(!answer.at("container").contains("exitCode"));
  CHECK(answer.at("container").at("networkInterfaces") == json::array());
}

TEST_CASE("a job that starts has a task, one that runs has a log stream") {
  auto job = view_of(calc_spec());
  job.status = job_status::starting;
  attempt_record attempt;
  attempt.number = 2;
  attempt.agent = "agent-1";
  attempt.placed_ms = t0;
  job.attempts = {finished_attempt(1), attempt};
  auto starting = detail(job);
  CHECK(starting.at("attempts").size() == 1);
  CHECK(starting.at("container").at("taskArn")
        == "arn:aws:ecs:us-east-1:123456789012:task/" + std::string{id_text}
               + "-2");
  CHECK(!starting.at("container").contains("logStreamName"));

  job.attempts.back().started_ms = t0 + 1;
  CHECK(detail(job).at("container").at("logStreamName")
        == "calc/default/" + std::string{id_text} + "-2");
}

TEST_CASE("an array parent counts its children and has no attempts") {
  auto spec = calc_spec();
  spec.array_size = 2;
  auto job = view_of(spec);
  job.status = job_status::pending;
  job.children = {0, 0, 1, 0, 1, 0, 0};
  job.children_changed_ms = t0 + 1;
  auto answer = detail(job);
  CHECK(answer.at("arrayProperties") == json::parse(R"({"size":2,
    "statusSummary":{"SUBMITTED":0,"PENDING":0,"RUNNABLE":1,"STARTING":0,
                     "RUNNING":1,"SUCCEEDED":0,"FAILED":0},
    "statusSummaryLastUpdatedAt":1700000000001})"));
  CHECK(answer.at("attempts") == json::array());
  CHECK(answer.at("startedAt") == 0);
  CHECK(answer.at("container").at("image") == "busybox");
  auto row = summary(job);
  CHECK(row.at("arrayProperties").at("size") == 2);
  CHECK(!row.contains("container"));
  CHECK(!row.contains("startedAt"));
}

TEST_CASE("an array parent without counts prints zeros") {
  auto spec = calc_spec();
  spec.array_size = 2;
  auto answer = detail(view_of(spec));
  CHECK(answer.at("arrayProperties").at("statusSummary").size() == 7);
  CHECK(answer["arrayProperties"]["statusSummary"]["FAILED"] == 0);
}

TEST_CASE("an array child has an index and no size") {
  auto spec = calc_spec();
  spec.array_size = 9;
  auto job = view_of(spec);
  job.key.index = 7;
  job.attempts = {finished_attempt(1)};
  auto answer = detail(job);
  CHECK(answer.at("jobId") == std::string{id_text} + ":7");
  CHECK(answer.at("arrayProperties")
        == json{{"index", 7}, {"statusSummary", json::object()}});
  CHECK(answer.at("container").at("logStreamName")
        == "calc/default/" + std::string{id_text} + ":7");
  CHECK(summary(job).at("arrayProperties") == json{{"index", 7}});
  CHECK(summary(job).at("container") == json{{"exitCode", 0}});
}

TEST_CASE("dependencies are echoed, for children as their own") {
  auto other = *parse_job_key("aaaaaaaa-0000-4000-8000-000000000001");
  auto spec = calc_spec();
  spec.array_size = 3;
  spec.depends_on = {{other, dependency_kind::plain},
                     {other, dependency_kind::n_to_n},
                     {std::nullopt, dependency_kind::sequential}};
  auto job = view_of(spec);
  std::string o = "aaaaaaaa-0000-4000-8000-000000000001";
  std::string u = id_text;
  CHECK(detail(job).at("dependsOn")
        == json::array({{{"jobId", o}},
                        {{"jobId", o}, {"type", "N_TO_N"}},
                        {{"type", "SEQUENTIAL"}}}));
  job.key.index = 2;
  CHECK(detail(job).at("dependsOn")
        == json::array({{{"jobId", o}},
                        {{"jobId", o + ":2"}, {"type", "N_TO_N"}},
                        {{"jobId", u + ":1"}, {"type", "SEQUENTIAL"}}}));
  job.key.index = 0;
  CHECK(detail(job).at("dependsOn").size() == 2);
}

TEST_CASE("a listing's rows leave out what has not happened") {
  auto job = view_of(calc_spec());
  job.status = job_status::runnable;
  CHECK(summary(job) == json::parse(R"({
    "jobArn":"arn:aws:batch:us-east-1:123456789012:job/0b6cdd0e-b200-4948-8a4e-b596507f2f60",
    "jobId":"0b6cdd0e-b200-4948-8a4e-b596507f2f60","jobName":"sum",
    "createdAt":1700000000000,"status":"RUNNABLE",
    "jobDefinition":"arn:aws:batch:us-east-1:123456789012:job-definition/calc:3"})"));
  job.status = job_status::running;
  job.started_ms = t0 + 4000;
  attempt_record attempt;
  attempt.number = 1;
  attempt.placed_ms = t0 + 3000;
  attempt.started_ms = t0 + 4000;
  job.attempts = {attempt};
  auto running = summary(job);
  CHECK(running.at("container") == json::object());
  CHECK(running.at("scheduledAt") == t0 + 3000);
  CHECK(running.at("startedAt") == t0 + 4000);
}

TEST_CASE("lists of jobs are there even when empty") {
  CHECK(printed(operation::describe_jobs, jobs_response{})
        == json{{"jobs", json::array()}});
  CHECK(printed(operation::list_jobs, job_list_response{{}, "t"})
        == json{{"jobSummaryList", json::array()}, {"nextToken", "t"}});
}

TEST_CASE("flags of cancelled and terminated jobs are told") {
  auto job = view_of(calc_spec());
  job.is_cancelled = true;
  CHECK(detail(job).at("isCancelled") == true);
  job.is_terminated = true;
  CHECK(detail(job).at("isTerminated") == true);
}

TEST_CASE("a container's reason is cut at 255 bytes between characters") {
  auto job = view_of(calc_spec());
  auto attempt = finished_attempt(1);
  attempt.reason = std::string(254, 'a') + "ää";
  job.attempts = {attempt};
  CHECK(detail(job).at("container").at("reason") == std::string(254, 'a'));
}

TEST_CASE("a job without a specification prints what it has") {
  job_view job;
  job.attempts = {attempt_record{}};
  CHECK(detail(job).at("jobName") == "");
}

TEST_CASE("bytes that are no UTF-8 never break an answer") {
  auto job = view_of(calc_spec());
  job.status_reason = "bad \xff\xc3 end";
  CHECK(detail(job).at("statusReason") == "bad \xEF\xBF\xBD\xEF\xBF\xBD end");
}

/// A job of 2019 whose command did not exist; all members of both of its
/// recorded answers are there.
TEST_CASE("a failed start has its reason and no exit code") {
  const std::string reason =
      "CannotStartContainerError: Error response from daemon: OCI runtime "
      "create failed: container_linux.go:348: starting container process "
      "caused \"exec: \\\"--batch-threads\\\": executable file not found in "
      "$PATH\": unknown";
  job_spec spec;
  spec.name = "temp_OTCUROOR36YMY3A5";
  spec.definition_name = "generic";
  spec.definition_revision = 7;
  spec.container.command = {"--batch-threads", "16", "nf"};
  spec.container.environment = {
      {"PYTHONPATH", "/efs/release/max:${PYTHONPATH}"}};
  spec.container.needs = {1000, 1024, {}};
  spec.container.vcpus_in_old_form = true;
  spec.container.memory_in_old_form = true;
  spec.container.user = "ec2-user";
  spec.container.packaging_json =
      R"({"image":"generic:latest","jobRoleArn":"arn:aws:iam::1:role/r",
          "mountPoints":[{"containerPath":"/efs","sourceVolume":"efs"}],
          "privileged":true,"secrets":[],
          "volumes":[{"host":{"sourcePath":"/efs"},"name":"efs"}]})";
  auto job = view_of(spec);
  job.owner.region = "us-west-2";
  job.queue_name = "nf";
  job.status = job_status::failed;
  job.status_reason = "Task failed to start";
  job.stopped_ms = t0 + 9000;
  attempt_record attempt;
  attempt.number = 1;
  attempt.agent = "a";
  attempt.stopped_ms = t0 + 9000;
  attempt.end = attempt_end::failed_to_start;
  attempt.reason = reason;
  attempt.status_reason = "Task failed to start";
  job.attempts = {attempt};

  auto row = summary(job);
  CHECK(row.at("container") == json{{"reason", reason.substr(0, 255)}});
  CHECK(row.at("statusReason") == "Task failed to start");
  CHECK(row.at("stoppedAt") == t0 + 9000);
  CHECK(!row.contains("startedAt"));

  auto answer = detail(job);
  for (const auto* name :
       {"jobName", "jobId", "jobQueue", "status", "attempts", "statusReason",
        "createdAt", "retryStrategy", "stoppedAt", "dependsOn", "jobDefinition",
        "parameters", "container"})
    CHECK(answer.contains(name));
  const auto& container = answer.at("container");
  for (const auto* name :
       {"image", "vcpus", "memory", "command", "jobRoleArn", "volumes",
        "environment", "mountPoints", "ulimits", "privileged", "user", "reason",
        "containerInstanceArn", "taskArn", "logStreamName",
        "networkInterfaces"})
    CHECK(container.contains(name));
  CHECK(container.at("vcpus") == 1);
  CHECK(container.at("memory") == 1024);
  CHECK(!container.contains("exitCode"));
  const auto& tried = answer.at("attempts").at(0);
  CHECK(!tried.contains("startedAt"));
  CHECK(tried.at("stoppedAt") == t0 + 9000);
  for (const auto* name : {"containerInstanceArn", "taskArn", "reason",
                           "logStreamName", "networkInterfaces"})
    CHECK(tried.at("container").contains(name));
}

} // namespace berth::aws_batch
