// Whatever the bytes, parsing ends in a request or in an error of the caller.
#include "api/cloudwatch_logs/event_tokens.hpp"
#include "api/cloudwatch_logs/filter_pattern.hpp"
#include "api/cloudwatch_logs/requests.hpp"
#include "api/log_stream_name.hpp"
#include "tests/support/mutations.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace berth::cloudwatch_logs {

using nlohmann::json;

namespace {

constexpr const char* operations[] = {"DescribeLogGroups", "DescribeLogStreams",
                                      "GetLogEvents", "FilterLogEvents"};
constexpr const char* telling_bytes = "{}[]\",:\\\xff 0-9eEtfn.";

std::variant<logs_request, logs_error> parse(const std::string& operation,
                                             const std::string& body) {
  return parse_request(std::string{target_prefix} + operation, body);
}

template <class Make>
void maybe(json& object, const char* name, Make make) {
  if (*rc::gen::arbitrary<bool>())
    object[name] = make();
}

int64_t between(int64_t min, int64_t max) {
  return *rc::gen::inRange<int64_t>(min, max + 1);
}

/// A body that the operation accepts.
json valid_body(const std::string& operation) {
  json body = json::object();
  maybe(body, "limit", [] { return between(1, 50); });
  if (operation == "DescribeLogGroups") {
    maybe(body, "logGroupNamePrefix", [] { return "/aws"; });
    return body;
  }
  body[*rc::gen::arbitrary<bool>() ? "logGroupName" : "logGroupIdentifier"] =
      std::string{log_group_name};
  maybe(body, "nextToken", [] { return "f/12"; });
  if (operation == "DescribeLogStreams") {
    maybe(body, "descending", [] { return true; });
    maybe(body, "orderBy", [] { return "LastEventTime"; });
    return body;
  }
  maybe(body, "startTime", [] { return between(0, INT64_MAX - 1); });
  maybe(body, "endTime", [] { return between(0, 1'000'000); });
  if (operation == "GetLogEvents") {
    body["logStreamName"] = "calc/default/x";
    maybe(body, "startFromHead", [] { return true; });
    return body;
  }
  maybe(body, "filterPattern", [] { return "?error \"exit code\" -debug"; });
  maybe(body, "logStreamNames", [] { return json{"a", "b"}; });
  return body;
}

void check_outcome(const std::string& operation, const std::string& body) {
  auto outcome = parse(operation, body);
  const auto* error = std::get_if<logs_error>(&outcome);
  if (error && (error->status != 400 || error->message.empty()))
    RC_FAIL(operation + " on " + body + ": " + error->message);
}

} // namespace

TEST_CASE("requests for logs survive mutated bytes and structure") {
  for (const std::string operation : operations) {
    rc::prop(operation + ": what is valid is accepted", [&] {
      auto body = valid_body(operation).dump();
      if (!std::holds_alternative<logs_request>(parse(operation, body)))
        RC_FAIL(body);
    });
    rc::prop(operation + ": mutated bytes", [&] {
      auto good = valid_body(operation).dump();
      for (int round = 0; round < 10; ++round)
        check_outcome(operation, test::mutated_bytes(good, telling_bytes));
    });
    rc::prop(operation + ": mutated structure", [&] {
      auto good = valid_body(operation);
      for (int round = 0; round < 10; ++round)
        check_outcome(operation, test::mutated_json(good).dump());
    });
  }
}

TEST_CASE("any target names a known operation or is refused") {
  rc::prop("targets", [] {
    auto target = test::mutated_bytes("Logs_20140328.GetLogEvents", "._");
    auto outcome = parse_request(target, "{}");
    if (const auto* error = std::get_if<logs_error>(&outcome))
      RC_ASSERT(!error->type.empty());
  });
}

TEST_CASE("tokens survive mutated bytes, and are read as they were printed") {
  const std::vector<std::string> tokens{
      "f/12", "b/0", "k/1700000000000/7//calc/default/x",
      "k/17/7/cbf29ce484222325.9,1f.2/calc/default/x", "f/9223372036854775807"};
  rc::prop("tokens", [&] {
    auto good = *rc::gen::elementOf(tokens);
    for (int round = 0; round < 10; ++round) {
      auto text = test::mutated_bytes(good, "/-0179fbk");
      if (auto token = parse_stream_token(text))
        RC_ASSERT(parse_stream_token(print_token(*token)) == token);
      if (auto token = parse_filter_token(text))
        RC_ASSERT(parse_filter_token(print_token(*token)) == token);
    }
  });
}

TEST_CASE("names of streams survive mutated bytes") {
  const std::vector<std::string> names{
      "calc/default/7f8d1a55-0a0b-4c0d-8e0f-112233445566",
      "calc/default/7f8d1a55-0a0b-4c0d-8e0f-112233445566:7-2"};
  rc::prop("a name is printed as it was read", [&] {
    auto good = *rc::gen::elementOf(names);
    for (int round = 0; round < 10; ++round) {
      auto text = test::mutated_bytes(good, "/:-0af");
      if (auto stream = parse_log_stream_name(text))
        RC_ASSERT(make_log_stream_name(stream->definition_name, stream->attempt)
                  == text);
    }
  });
}

TEST_CASE("filter patterns survive mutated bytes") {
  rc::prop("a pattern is understood or refused", [] {
    for (int round = 0; round < 10; ++round) {
      auto text =
          test::mutated_bytes("?error -debug \"exit code\" {x}", "\"?-{[% ");
      if (auto pattern = filter_pattern::parse(text))
        (void)pattern->matches(text);
    }
  });
}

} // namespace berth::cloudwatch_logs
