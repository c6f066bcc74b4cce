// What a server answers is shown, however strange it is: no exception, no
// crash. (The commands would turn an exception into a message; bars and tables
// of the other jobs would be lost.)
#include "client/endpoint.hpp"
#include "client/http_url.hpp"
#include "client/job_report.hpp"
#include "client/job_watch.hpp"
#include "tests/support/mutations.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace berth;
using nlohmann::json;

namespace {

constexpr int64_t now_ms = 1'700'000'060'000;

json container(int exit_code) {
  return {{"exitCode", exit_code},
          {"reason", "because"},
          {"command", {"sh", "-c", "exit 7"}},
          {"logStreamName", "s/1"},
          {"resourceRequirements",
           {{{"type", "VCPU"}, {"value", "1"}},
            {{"type", "MEMORY"}, {"value", "512"}}}},
          {"containerInstanceArn",
           "arn:aws:ecs:us-east-1:1:container-instance/u-u-i-d/local"}};
}

/// A JobDetail with all members that are shown.
json some_detail() {
  auto statuses = {"PENDING", "RUNNABLE", "RUNNING", "SUCCEEDED", "FAILED"};
  json detail{{"jobId", "a"},
              {"jobName", "name"},
              {"jobQueue", "arn:aws:batch:us-east-1:1:job-queue/low"},
              {"jobDefinition", "arn:aws:batch:us-east-1:1:job-definition/d:2"},
              {"status", *rc::gen::elementOf(std::vector<std::string>{
                             statuses.begin(), statuses.end()})},
              {"statusReason", "Essential container in task exited"},
              {"createdAt", 1'700'000'000'000},
              {"startedAt", 1'700'000'010'000},
              {"stoppedAt", 1'700'000'012'500},
              {"dependsOn", {{{"jobId", "x"}, {"type", "N_TO_N"}}}},
              {"container", container(7)}};
  detail["attempts"] = json::array(
      {{{"startedAt", 1}, {"stoppedAt", 2}, {"container", container(7)}}});
  if (*rc::gen::arbitrary<bool>())
    detail["arrayProperties"] = {
        {"size", 4}, {"statusSummary", {{"SUCCEEDED", 3}, {"FAILED", 1}}}};
  return detail;
}

json some_environments() {
  return {{"computeEnvironments",
           {{{"uuid", "u-u-i-d"},
             {"computeEnvironmentName", "env"},
             {"type", "MANAGED"},
             {"state", "ENABLED"},
             {"computeResources", {{"minvCpus", 0}, {"maxvCpus", 4}}}}}}};
}

json some_queues() {
  return json::array({{{"jobQueueName", "q"},
                       {"priority", 1},
                       {"computeEnvironmentOrder",
                        {{{"order", 1}, {"computeEnvironment", "a/e"}}}}}});
}

json some_definitions() {
  return json::array({{{"jobDefinitionName", "d"},
                       {"revision", 2},
                       {"containerProperties", container(0)}}});
}

void show(const json& list) {
  (void)print_table(table_of_summaries(list, now_ms), 100);
  (void)print_table(table_of_details(list, {}, now_ms), 40);
}

} // namespace

TEST_CASE("answers of any shape are shown") {
  rc::prop("jobs", [] {
    auto good = some_detail();
    for (int round = 0; round < 5; ++round) {
      auto detail = test::mutated_json(good);
      show(json::array({detail, good}));
      (void)print_job(detail, {}, now_ms, 80);
      (void)exit_code_of(detail);
      (void)log_streams_of(detail);
    }
  });
  rc::prop("queues, environments and definitions", [] {
    auto environments = test::mutated_json(some_environments());
    (void)names_of_environments(environments);
    (void)print_table(table_of_environments(environments), 80);
    (void)print_table(table_of_queues(test::mutated_json(some_queues())), 80);
    (void)print_table(
        table_of_definitions(test::mutated_json(some_definitions())), 80);
  });
}

TEST_CASE("jobs are watched through descriptions and events of any shape") {
  rc::prop("a watch ends when the jobs have", [] {
    job_watch watch{{"a", "b"}};
    for (int round = 0; round < 10; ++round) {
      auto detail = test::mutated_json(some_detail());
      auto child =
          test::mutated_json(json{{"jobId", "a:2"}, {"status", "SUCCEEDED"}});
      switch (*rc::gen::inRange(0, 4)) {
      case 0:
        watch.describe(detail);
        break;
      case 1:
        watch.list_child(child);
        break;
      case 2:
        (void)watch.apply(test::mutated_json(json{{"detail", detail}}));
        break;
      default:
        (void)watch.apply(json{{"detail", child}});
      }
      RC_ASSERT(watch.jobs().size() == 2);
    }
    for (const auto* id : {"a", "b"})
      watch.describe({{"jobId", id}, {"status", "SUCCEEDED"}});
    RC_ASSERT(watch.all_ended());
  });
}

TEST_CASE("URLs and keys of any bytes are understood or refused") {
  rc::prop("URLs", [] {
    for (int round = 0; round < 10; ++round) {
      auto url = test::mutated_bytes("http://[::1]:8080/path?a=b#c", "[]:/#?@");
      if (auto parsed = parse_http_url(url)) {
        RC_ASSERT(!parsed->server.host.empty());
        RC_ASSERT((!parsed->target.empty() && parsed->target[0] == '/'));
      }
      auto endpoint = parse_endpoint(url + "\n", "--endpoint");
      RC_ASSERT(endpoint.url.empty() != endpoint.error.empty());
    }
  });
  rc::prop("keys", [] {
    const std::string good = "[default]\naws_access_key_id = A\n"
                             "aws_secret_access_key = b/c\n[x]\n";
    for (int round = 0; round < 10; ++round)
      if (auto key = parse_signing_key(test::mutated_bytes(good, "[]=\n# ")))
        RC_ASSERT((!key->access_key.empty() && !key->secret.empty()));
  });
}
