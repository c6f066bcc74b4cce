#include "api/aws_batch/topic_submissions.hpp"

#include "messages/limits.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

using namespace berth;

namespace {

const nlohmann::json whole = {
    {"jobName", "report"},
    {"jobQueue", "q"},
    {"jobDefinition", "d:3"},
    {"parameters", {{"day", "monday"}}},
    {"containerOverrides", {{"command", {"echo", "Grüße"}}}},
    {"arrayProperties", {{"size", 12}}},
    {"retryStrategy", {{"attempts", 3}}},
    {"tags", {{"team", "a"}}}};

std::string msgpack_of(const nlohmann::json& value) {
  auto bytes = nlohmann::json::to_msgpack(value);
  return {bytes.begin(), bytes.end()};
}

auto parse(const std::string& bytes) {
  return aws_batch::parse_topic_submission(bytes, {});
}

public_submission good(const std::string& bytes) {
  auto parsed = parse(bytes);
  if (auto* error = std::get_if<api_error>(&parsed))
    FAIL(error->message);
  return std::get<public_submission>(std::move(parsed));
}

std::string why_refused(const std::string& bytes) {
  auto parsed = parse(bytes);
  REQUIRE(std::holds_alternative<api_error>(parsed));
  CHECK(std::get<api_error>(parsed).code == api_errc::invalid);
  return std::get<api_error>(parsed).message;
}

} // namespace

TEST_CASE("JSON and msgpack of the same members are the same submission") {
  auto from_json = good(whole.dump());
  auto from_msgpack = good(msgpack_of(whole));
  CHECK(from_json.what == from_msgpack.what);
  CHECK(from_json.what.name == "report");
  CHECK(from_json.what.definition == "d:3");
  CHECK(from_json.what.array_size == 12);
  CHECK(from_json.what.overrides.command
        == std::vector<std::string>{"echo", "Grüße"});
  CHECK(from_json.owner == account_region{"123456789012", "us-east-1"});
  CHECK(from_msgpack.owner == from_json.owner);
}

TEST_CASE("a submission may name its account and region") {
  auto named = whole;
  named["account"] = "000000000042";
  named["region"] = "eu-central-1";
  CHECK(good(named.dump()).owner
        == account_region{"000000000042", "eu-central-1"});
  named["account"] = "42";
  CHECK(why_refused(named.dump())
        == "account is \"42\", but must be an account of 12 digits");
  named["account"] = "000000000042";
  named["region"] = "Europe/Berlin";
  CHECK(why_refused(msgpack_of(named))
        == "region is \"Europe/Berlin\", but must be a region such as "
           "\"us-east-1\"");
}

TEST_CASE("a submission without sense is refused with its reason") {
  CHECK(why_refused("") == "the submission is empty");
  CHECK(why_refused("hello").find("not JSON") != std::string::npos);
  CHECK(why_refused("[1]").find("must be a JSON object") != std::string::npos);
  CHECK(why_refused("{}").find("jobName") != std::string::npos);
  auto wrong = whole;
  wrong["arrayProperties"]["size"] = "many";
  CHECK(why_refused(msgpack_of(wrong)).find("arrayProperties.size is \"many\"")
        != std::string::npos);
  CHECK(why_refused(std::string(limits::submission_bytes_max + 1, ' '))
            .find("must have at most 30720")
        != std::string::npos);
}

TEST_CASE("damaged msgpack is refused") {
  auto bytes = msgpack_of(whole);
  CHECK(why_refused(bytes + "x").find("msgpack") != std::string::npos);
  for (size_t length = 1; length < bytes.size(); ++length)
    CHECK(why_refused(bytes.substr(0, length)).find("msgpack")
          != std::string::npos);
  // {1: 2}
  CHECK(why_refused("\x81\x01\x02").find("no strings") != std::string::npos);
  CHECK(why_refused("\x81\xa1"
                    "a\xa1\xff")
            .find("UTF-8")
        != std::string::npos);
}

TEST_CASE("a submission nested without end is refused") {
  std::string deep = "\x81\xa1"
                     "a";
  deep.append(20'000, '\x91');
  CHECK(why_refused(deep).find("nested deeper") != std::string::npos);
  CHECK(why_refused("{\"a\":" + std::string(20'000, '[')).find("nested deeper")
        != std::string::npos);
}
