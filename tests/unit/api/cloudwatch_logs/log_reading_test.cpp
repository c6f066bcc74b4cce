#include "api/cloudwatch_logs/log_reading.hpp"

#include "api/log_stream_name.hpp"
#include "tests/unit/api/memory_output.hpp"
#include "tests/unit/api/scripted_gateway.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

namespace berth::cloudwatch_logs {

using nlohmann::json;

namespace {

/// Logs of a few jobs of the definitions `red` and `blue`.
struct logs {
  logs() : reading(gateway, output, [](auto task) { task(); }) {
    who.owner = {"123456789012", "us-east-1"};
  }

  /// A job that has started; its name in `jobs` is its id.
  attempt_id start(uint8_t number, const char* definition,
                   int32_t index = no_index, uint32_t attempt = 1) {
    job_view job;
    job.key.id.bytes[0] = number;
    auto parent = job;
    job.key.index = index;
    auto spec = std::make_shared<job_spec>();
    spec->definition_name = definition;
    job.spec = parent.spec = spec;
    attempt_record record;
    record.number = attempt;
    record.started_ms = 1;
    job.attempts = {record};
    gateway.jobs[to_string(parent.key)] = parent;
    gateway.jobs[to_string(job.key)] = job;
    return {job.key, attempt};
  }

  http_response call(const char* operation, json body) {
    body["logGroupName"] = log_group_name;
    std::optional<http_response> answer;
    reading.handle(who, std::string{target_prefix} + operation, body.dump(),
                   [&](http_response response) {
                     CHECK(!answer);
                     answer = std::move(response);
                   });
    REQUIRE(answer);
    CHECK(answer->content_type == content_type);
    return *answer;
  }

  json ask(const char* operation, json body) {
    auto answer = call(operation, std::move(body));
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return json::parse(answer.body);
  }

  std::vector<std::string> names(const json& body) {
    std::vector<std::string> found;
    auto page = ask("DescribeLogStreams", body);
    for (const auto& stream : page["logStreams"])
      found.push_back(stream["logStreamName"]);
    return found;
  }

  memory_output output;
  scripted_gateway gateway;
  caller who;
  log_reading reading;
};

} // namespace

TEST_CASE("the group of batch jobs is described") {
  logs l;
  auto groups = l.ask("DescribeLogGroups", {{"logGroupNamePrefix", "/aws"}});
  REQUIRE(groups["logGroups"].size() == 1);
  CHECK(groups["logGroups"][0]["logGroupName"] == "/aws/batch/job");
  CHECK(groups["logGroups"][0]["arn"]
        == "arn:aws:logs:us-east-1:123456789012:log-group:/aws/batch/job:*");
  CHECK(l.ask("DescribeLogGroups", {{"logGroupNamePrefix", "/x"}})["logGroups"]
        == json::array());
}

TEST_CASE("an attempt's output is read by the name of its stream") {
  logs l;
  auto attempt = l.start(1, "red");
  l.output.print(attempt, 7, "hello \xff");
  auto name = make_log_stream_name("red", attempt);
  auto page =
      l.ask("GetLogEvents", {{"logStreamName", name}, {"startFromHead", true}});
  CHECK(page["events"]
        == json::array({{{"timestamp", 7},
                         {"message", "hello \xEF\xBF\xBD"},
                         {"ingestionTime", 7}}}));
  CHECK(page.contains("nextForwardToken"));
  CHECK(page.contains("nextBackwardToken"));
}

TEST_CASE("a silent attempt has an empty stream, one that has not started "
          "has none") {
  logs l;
  auto attempt = l.start(1, "red", 3, 2);
  auto name = make_log_stream_name("red", attempt);
  CHECK(l.ask("GetLogEvents", {{"logStreamName", name}})["events"].empty());
  auto next = attempt;
  next.number = 3;
  for (const auto& other :
       {make_log_stream_name("red", next),
        make_log_stream_name("blue", attempt),
        std::string{"red/default/nobody"}, std::string{"x"}}) {
    INFO(other);
    auto answer = l.call("GetLogEvents", {{"logStreamName", other}});
    CHECK(answer.status == 400);
    CHECK(json::parse(answer.body)["__type"] == "ResourceNotFoundException");
    answer = l.call("FilterLogEvents", {{"logStreamNames", {name, other}}});
    CHECK(json::parse(answer.body)["__type"] == "ResourceNotFoundException");
  }
}

TEST_CASE("streams are listed by prefix, in the order of names") {
  logs l;
  for (uint8_t i : std::initializer_list<uint8_t>{3, 1, 2})
    l.output.print(l.start(i, i == 2 ? "red" : "blue"), 10 - i, "x");
  auto all = l.names(json::object());
  CHECK(all.size() == 3);
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(l.names({{"logStreamNamePrefix", "blue/"}}).size() == 2);
  CHECK(l.names({{"logStreamNamePrefix", "blue/default/01"}}).size() == 1);
  CHECK(l.names({{"logStreamNamePrefix", "green"}}).empty());
  auto newest = l.names({{"orderBy", "LastEventTime"}, {"descending", true}});
  REQUIRE(newest.size() == 3);
  CHECK(newest[0].starts_with("blue/default/01"));
}

TEST_CASE("streams are listed page by page") {
  logs l;
  for (int i = 0; i < 7; ++i)
    l.output.print(l.start(1, "red", i), 5, "x");
  std::vector<std::string> seen;
  json body{{"limit", 3}};
  while (true) {
    auto page = l.ask("DescribeLogStreams", body);
    CHECK(page["logStreams"].size() <= 3);
    for (const auto& stream : page["logStreams"]) {
      seen.push_back(stream["logStreamName"]);
      CHECK(stream["firstEventTimestamp"] == 5);
      CHECK(stream["lastEventTimestamp"] == 5);
    }
    if (!page.contains("nextToken"))
      break;
    body["nextToken"] = page["nextToken"];
  }
  CHECK(seen.size() == 7);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
}

TEST_CASE("the definition of a job is asked for once") {
  logs l;
  for (int i = 0; i < 5; ++i)
    l.output.print(l.start(1, "red", i), 5, "x");
  l.names(json::object());
  auto asked = l.gateway.requests.size();
  CHECK(asked == 1);
  l.names(json::object());
  CHECK(l.gateway.requests.size() == asked);
}

TEST_CASE("output of jobs that others own, or that are gone, is not listed") {
  logs l;
  auto attempt = l.start(1, "red");
  l.output.print(attempt, 5, "x");
  CHECK(l.names(json::object()).size() == 1);
  l.who.owner.region = "eu-west-1";
  l.gateway.jobs.clear();
  CHECK(l.names(json::object()).empty());
}

TEST_CASE("many jobs are named a hundred at a time") {
  logs l;
  for (int i = 0; i < 250; ++i)
    l.output.print(l.start(static_cast<uint8_t>(i), "red"), 5, "x");
  filter_events_request all;
  auto page = l.ask("FilterLogEvents", json::object());
  CHECK(page["events"].size() == 250);
  CHECK(l.gateway.requests.size() == 3);
}

TEST_CASE("events are filtered across the streams of a prefix") {
  logs l;
  for (int i = 0; i < 5; ++i)
    l.output.print(l.start(1, "red", i), 10 - i, std::to_string(i));
  l.output.print(l.start(2, "blue"), 1, "no");
  auto page = l.ask("FilterLogEvents", {{"logStreamNamePrefix", "red/"}});
  std::string order;
  std::set<std::string> ids;
  for (const auto& event : page["events"]) {
    order += event["message"].get<std::string>();
    ids.insert(event["eventId"]);
    CHECK(event["logStreamName"].get<std::string>().starts_with("red/"));
  }
  CHECK(order == "43210");
  CHECK(ids.size() == 5);
  CHECK(page["searchedLogStreams"] == json::array());
  CHECK(!page.contains("nextToken"));
}

TEST_CASE("streams that are silent since the start time are not read") {
  logs l;
  l.output.print(l.start(1, "red"), 10, "old");
  l.output.print(l.start(2, "red"), 20, "new");
  l.output.reads = 0;
  auto page = l.ask("FilterLogEvents", {{"startTime", 15}});
  CHECK(page["events"].size() == 1);
  CHECK(l.output.reads <= 3);
}

TEST_CASE("errors of the gateway are told in the words of this API") {
  logs l;
  auto name = make_log_stream_name("red", l.start(1, "red"));
  const std::vector<std::pair<api_errc, const char*>> rows{
      {api_errc::invalid, "InvalidParameterException"},
      {api_errc::too_many_requests, "ThrottlingException"},
      {api_errc::unavailable, "ServiceUnavailableException"},
      {api_errc::internal, "InternalFailure"}};
  for (const auto& [code, type] : rows) {
    l.gateway.fixed = result{api_error{code, "why"}};
    auto answer = l.call("GetLogEvents", {{"logStreamName", name}});
    CHECK(json::parse(answer.body)["__type"] == type);
    CHECK(answer.headers.find("x-amzn-errortype") == std::string_view{type});
  }
}

} // namespace berth::cloudwatch_logs
