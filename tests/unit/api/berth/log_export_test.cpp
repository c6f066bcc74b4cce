#include "api/berth/log_export.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace berth;
using nlohmann::json;

namespace {

const event_place place{shard_id{2}, 17, 1'700'000'000'123, 5, epoch{3},
                        "n1",        4};

json printed(const event& what) {
  auto text = print_log_event(place, what);
  REQUIRE(text.find('\n') == text.size() - 1);
  return json::parse(text);
}

} // namespace

TEST_CASE("an event is exported with its place, its name and its fields") {
  attempt_started e;
  e.attempt.job = *parse_job_key("0b6cdd0e-b200-4948-8a4e-b596507f2f60:4");
  e.attempt.number = 2;
  auto line = printed(e);
  CHECK(line["shard"] == 2);
  CHECK(line["offset"] == 17);
  CHECK(line["number"] == 4);
  CHECK(line["time"] == "2023-11-14T22:13:20Z");
  CHECK(line["at_ms"] == 1'700'000'000'123);
  CHECK(line["seq"] == 5);
  CHECK(line["epoch"] == 3);
  CHECK(line["node"] == "n1");
  CHECK(line["event"] == "attempt_started");
  CHECK(line["data"]["attempt"]
        == json{{"job", "0b6cdd0e-b200-4948-8a4e-b596507f2f60:4"},
                {"number", 2}});
}

TEST_CASE("what an event holds inside is exported by its names") {
  job_submitted e;
  auto spec = std::make_shared<job_spec>();
  spec->name = "report";
  spec->parameters = {{"day", "monday"}};
  spec->container.command = {"echo", "\x01"};
  e.spec = spec;
  e.owner = {"123456789012", "us-east-1"};
  auto data = printed(e)["data"];
  CHECK(data["owner"]
        == json{{"account", "123456789012"}, {"region", "us-east-1"}});
  CHECK(data["spec"]["name"] == "report");
  CHECK(data["spec"]["parameters"] == json{{"day", "monday"}});
  CHECK(data["spec"]["container"]["command"] == json{"echo", "\x01"});
}

TEST_CASE("a claim is exported, too") {
  auto line = json::parse(print_log_claim(place));
  CHECK(line["event"] == "claim");
  CHECK(line["node"] == "n1");
  CHECK_FALSE(line.contains("data"));
}
