#include "client/job_report.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace berth;
using Catch::Contains;
using nlohmann::json;

namespace {

constexpr int64_t now = 1'700'000'060'000;
const environment_names names{{"u-u-i-d", "env-1"}};

json attempt(int exit_code, const std::string& stream) {
  return {{"startedAt", 1'700'000'010'000},
          {"stoppedAt", 1'700'000'012'500},
          {"statusReason", "Essential container in task exited"},
          {"container",
           {{"exitCode", exit_code},
            {"logStreamName", stream},
            {"containerInstanceArn",
             "arn:aws:ecs:us-east-1:1:container-instance/u-u-i-d/local"}}}};
}

json retried_job() {
  return {{"jobId", "id-1"},
          {"jobName", "flaky"},
          {"jobQueue", "arn:aws:batch:us-east-1:1:job-queue/low"},
          {"jobDefinition", "arn:aws:batch:us-east-1:1:job-definition/step:2"},
          {"status", "SUCCEEDED"},
          {"statusReason", "Essential container in task exited"},
          {"createdAt", 1'700'000'000'000},
          {"startedAt", 1'700'000'010'000},
          {"stoppedAt", 1'700'000'012'500},
          {"attempts", {attempt(7, "s/1"), attempt(0, "s/2")}},
          {"container",
           {{"command", {"sh", "-c", "exit 7"}},
            {"exitCode", 0},
            {"logStreamName", "s/2"},
            {"resourceRequirements",
             {{{"type", "VCPU"}, {"value", "1"}},
              {{"type", "MEMORY"}, {"value", "256"}}}}}}};
}

std::string cell(const table& t, std::size_t row, const std::string& title) {
  for (std::size_t i = 0; i < t.columns.size(); ++i)
    if (t.columns[i].title == title)
      return t.rows.at(row).at(i);
  FAIL("no column " << title);
  return {};
}

} // namespace

TEST_CASE("a table of jobs tells where, how often and how each ran") {
  auto t = table_of_details(json::array({retried_job()}), names, now);
  REQUIRE(t.rows.size() == 1);
  CHECK(cell(t, 0, "NAME") == "flaky");
  CHECK(cell(t, 0, "QUEUE") == "low");
  CHECK(cell(t, 0, "ENVIRONMENT") == "env-1");
  CHECK(cell(t, 0, "ATTEMPTS") == "2");
  CHECK(cell(t, 0, "TIME") == "2.50 s");
  CHECK(cell(t, 0, "EXIT") == "0");
}

TEST_CASE("a job that has not started has dashes where it has nothing") {
  json waiting{{"jobId", "id-2"},     {"jobName", "w"},
               {"status", "PENDING"}, {"attempts", json::array()},
               {"startedAt", 0},      {"container", json::object()}};
  auto t = table_of_details(json::array({waiting}), names, now);
  CHECK(cell(t, 0, "ENVIRONMENT") == "-");
  CHECK(cell(t, 0, "STARTED") == "-");
  CHECK(cell(t, 0, "TIME") == "-");
  CHECK(cell(t, 0, "EXIT") == "-");
  CHECK_FALSE(exit_code_of(waiting));
  CHECK(log_streams_of(waiting).empty());
}

TEST_CASE("a running job's time goes on") {
  auto running = retried_job();
  running["status"] = "RUNNING";
  running.erase("stoppedAt");
  auto t = table_of_details(json::array({running}), names, now);
  CHECK(cell(t, 0, "TIME") == "50.0 s");
}

TEST_CASE("an environment that is gone is said to be deleted") {
  auto t = table_of_details(json::array({retried_job()}), {}, now);
  CHECK(cell(t, 0, "ENVIRONMENT") == "(deleted)");
}

TEST_CASE("an array shows its size, and its children's statuses") {
  json array{
      {"jobId", "id-3"},
      {"jobName", "sweep"},
      {"status", "PENDING"},
      {"attempts", json::array()},
      {"arrayProperties",
       {{"size", 6}, {"statusSummary", {{"SUCCEEDED", 4}, {"RUNNING", 2}}}}}};
  auto t = table_of_details(json::array({array}), names, now);
  CHECK(cell(t, 0, "NAME") == "sweep[6]");
  CHECK(cell(t, 0, "ATTEMPTS") == "-");
  CHECK_THAT(print_job(array, names, now, 0),
             Contains("2 RUNNING, 4 SUCCEEDED"));
}

TEST_CASE("one job is shown with its attempts") {
  auto text = print_job(retried_job(), names, now, 0);
  CHECK_THAT(text, Contains("Job          id-1\n")
                       && Contains("Status       SUCCEEDED: Essential")
                       && Contains("Command      sh -c exit 7\n")
                       && Contains("Needs        1 vCPU, 256 MiB\n")
                       && Contains("Environment  env-1\n")
                       && Contains("Definition   step:2\n")
                       && Contains("Exit code    0\n"));
  CHECK_THAT(text, Contains("ATTEMPT"));
  CHECK(exit_code_of(retried_job()) == 0);
}

TEST_CASE("a job's log streams are those of its attempts, each once") {
  CHECK(log_streams_of(retried_job())
        == std::vector<std::string>{"s/1", "s/2"});
  auto running = retried_job();
  running["container"]["logStreamName"] = "s/3";
  CHECK(log_streams_of(running)
        == std::vector<std::string>{"s/1", "s/2", "s/3"});
}

TEST_CASE("listed jobs show the queue they were listed for") {
  json summary{{"jobId", "id"},
               {"jobName", "n"},
               {"jobQueue", "low"},
               {"status", "FAILED"},
               {"statusReason", "because"},
               {"createdAt", 1'700'000'000'000},
               {"container", {{"exitCode", 3}}}};
  auto t = table_of_summaries(json::array({summary}), now);
  CHECK(cell(t, 0, "QUEUE") == "low");
  CHECK(cell(t, 0, "EXIT") == "3");
  CHECK(cell(t, 0, "REASON") == "because");
}

TEST_CASE("queues name their environments in order") {
  json queue{{"jobQueueName", "high"},
             {"priority", 10},
             {"state", "ENABLED"},
             {"status", "VALID"},
             {"computeEnvironmentOrder",
              {{{"order", 1}, {"computeEnvironment", "arn:x/env-1"}},
               {{"order", 2}, {"computeEnvironment", "arn:x/env-2"}}}}};
  auto t = table_of_queues(json::array({queue}));
  CHECK(cell(t, 0, "PRIORITY") == "10");
  CHECK(cell(t, 0, "ENVIRONMENTS") == "env-1, env-2");
}

TEST_CASE("environments without vCPUs of their own have dashes") {
  auto t = table_of_environments(json::parse(R"([
    {"computeEnvironmentName": "m", "type": "MANAGED",
     "computeResources": {"minvCpus": 0, "desiredvCpus": 1, "maxvCpus": 4}},
    {"computeEnvironmentName": "u", "type": "UNMANAGED"}])"));
  CHECK(cell(t, 0, "MAX VCPUS") == "4");
  CHECK(cell(t, 0, "DESIRED") == "1");
  CHECK(cell(t, 1, "MAX VCPUS") == "-");
}

TEST_CASE("names of environments are found by their uuid") {
  CHECK(names_of_environments(json::parse(R"({"computeEnvironments": [
    {"computeEnvironmentName": "env-1", "uuid": "u-u-i-d"}]})"))
        == names);
}

TEST_CASE("a report survives whatever a server answers") {
  for (const auto* text :
       {"{}", "[]", "null", "7", R"({"attempts":7,"container":[]})",
        R"({"attempts":[{}],"dependsOn":{},"arrayProperties":"x"})"}) {
    CAPTURE(text);
    CHECK_NOTHROW(print_job(json::parse(text), names, now, 80));
    CHECK_NOTHROW(
        table_of_details(json::array({json::parse(text)}), names, now));
  }
}
