#include "api/berth/state_change_event.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace berth {

using nlohmann::json;

namespace {

job_event sample() {
  job_event event;
  event.position = "3/17";
  event.change = "0:17.3";
  event.at_ms = 1'700'000'000'999;
  event.job.key = *parse_job_key("0b6cdd0e-b200-4948-8a4e-b596507f2f60:4");
  event.job.owner = {"123456789012", "us-east-1"};
  event.job.queue_name = "q";
  event.job.status = job_status::running;
  event.job.tags = {{"team", "x"}};
  return event;
}

} // namespace

TEST_CASE("a state change has EventBridge's envelope") {
  auto text = print_state_change(sample());
  REQUIRE(text.find('\n') == text.size() - 1);
  auto event = json::parse(text);
  const std::string arn = "arn:aws:batch:us-east-1:123456789012:job/"
                          "0b6cdd0e-b200-4948-8a4e-b596507f2f60:4";
  CHECK(event["version"] == "0");
  CHECK(event["source"] == "aws.batch");
  CHECK(event["detail-type"] == "Batch Job State Change");
  CHECK(event["account"] == "123456789012");
  CHECK(event["region"] == "us-east-1");
  CHECK(event["time"] == "2023-11-14T22:13:20Z");
  CHECK(event["resources"] == json::array({arn}));
  CHECK(event["position"] == "3/17");
  CHECK(event["detail"]["status"] == "RUNNING");
  CHECK(event["detail"]["jobArn"] == arn);
  CHECK(event["detail"]["tags"] == json{{"team", "x"}, {"resourceArn", arn}});
}

TEST_CASE("an event keeps its id, another has another") {
  auto id_of = [](const job_event& event) {
    return json::parse(print_state_change(event))["id"].get<std::string>();
  };
  auto event = sample();
  CHECK(parse_job_id(id_of(event)));
  CHECK(id_of(event) == id_of(event));
  auto other = event;
  // Other shards have come further when it is delivered again.
  other.position = "3/18";
  CHECK(id_of(event) == id_of(other));
  other.change = "0:17.4";
  CHECK(id_of(event) != id_of(other));
  other = event;
  other.job.key.index = 5;
  CHECK(id_of(event) != id_of(other));
}

TEST_CASE("times are printed in UTC") {
  CHECK(print_utc(0) == "1970-01-01T00:00:00Z");
  CHECK(print_utc(951'782'399'999) == "2000-02-28T23:59:59Z");
  CHECK(print_utc(951'782'400'000) == "2000-02-29T00:00:00Z");
}

TEST_CASE("a published change has its sequence, not a position") {
  auto event = sample();
  auto text = print_published_change(event, {shard_id{2}, 17, 3});
  CHECK(text.find('\n') == std::string::npos);
  auto published = json::parse(text);
  CHECK(published["sequence"]
        == json{{"shard", 2}, {"offset", 17}, {"number", 3}});
  published.erase("sequence");
  auto streamed = json::parse(print_state_change(event));
  streamed.erase("position");
  CHECK(published == streamed);
}

TEST_CASE("a rejection has the reason and the original") {
  rejected_submission r;
  r.topic = "berth.submissions";
  r.partition = 3;
  r.offset = 17;
  r.reason = "jobName is missing";
  r.original = "{\"a\": \"ü\"}";
  r.timestamp_ms = 1'700'000'000'999;
  json expected{{"reason", "jobName is missing"},
                {"error", "ClientException"},
                {"topic", "berth.submissions"},
                {"partition", 3},
                {"offset", 17},
                {"timestamp", 1'700'000'000'999},
                {"original", "{\"a\": \"ü\"}"}};
  CHECK(json::parse(print_rejection(r)) == expected);

  r.original = std::string{"\x81\xff\0", 3};
  expected["original"] = nullptr;
  expected["originalBase64"] = "gf8A";
  CHECK(json::parse(print_rejection(r)) == expected);

  r.original.reset();
  expected["timestamp"] = nullptr;
  expected.erase("originalBase64");
  CHECK(json::parse(print_rejection(r)) == expected);
}

TEST_CASE("times are read as they are printed, and shorter") {
  CHECK(parse_utc("2023-11-14T22:13:20Z") == 1'700'000'000'000);
  CHECK(print_utc(*parse_utc("2023-11-14T22:13:20")) == "2023-11-14T22:13:20Z");
  CHECK(print_utc(*parse_utc("2023-11-14T22:13")) == "2023-11-14T22:13:00Z");
  CHECK(print_utc(*parse_utc("2023-11-14")) == "2023-11-14T00:00:00Z");
  for (const auto* bad : {"", "yesterday", "2023-13-01", "2023-11-14 10:00",
                          "2023-11-14T22:13:20+01:00", "2023-11-14Zx"})
    CHECK_FALSE(parse_utc(bad));
}

} // namespace berth
