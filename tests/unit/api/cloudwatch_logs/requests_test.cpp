#include "api/cloudwatch_logs/requests.hpp"

#include <catch2/catch.hpp>

namespace berth::cloudwatch_logs {

using Catch::Contains;

namespace {

template <class T>
T accepted(const char* operation, const std::string& body) {
  auto outcome = parse_request(std::string{target_prefix} + operation, body);
  if (const auto* error = std::get_if<logs_error>(&outcome))
    FAIL(error->type << ": " << error->message);
  return std::get<T>(std::get<logs_request>(outcome));
}

logs_error refused_with(const char* operation, const std::string& body) {
  auto outcome = parse_request(std::string{target_prefix} + operation, body);
  REQUIRE(std::holds_alternative<logs_error>(outcome));
  return std::get<logs_error>(outcome);
}

} // namespace

TEST_CASE("the requests of tail and its kin are understood") {
  auto filter = accepted<filter_events_request>(
      "FilterLogEvents",
      R"({"logGroupName":"/aws/batch/job","interleaved":true,"startTime":5,
          "endTime":9,"filterPattern":"x","logStreamNames":["a","b"],
          "limit":7,"nextToken":"t"})");
  CHECK(filter.streams == std::vector<std::string>{"a", "b"});
  CHECK(filter.range.start_ms == 5);
  CHECK(filter.range.end_ms == 9);
  CHECK(filter.pattern == "x");
  CHECK(filter.limit == 7);
  CHECK(filter.token == "t");
  auto get = accepted<get_events_request>("GetLogEvents",
                                          R"({"logGroupName":"/aws/batch/job",
                          "logStreamName":"s","startFromHead":true})");
  CHECK(get.stream == "s");
  CHECK(get.from_head);
  CHECK(get.limit == 10'000);
  auto streams = accepted<describe_streams_request>(
      "DescribeLogStreams", R"({"logGroupName":"/aws/batch/job",
        "orderBy":"LastEventTime","descending":true,"limit":3})");
  CHECK(streams.by_last_event);
  CHECK(streams.is_descending);
  CHECK(streams.limit == 3);
  CHECK(accepted<describe_groups_request>("DescribeLogGroups", "{}").prefix
        == "");
}

TEST_CASE("the group may be named by its ARN") {
  for (const auto* name :
       {"/aws/batch/job",
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/batch/job",
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/batch/job:*"})
    accepted<get_events_request>("GetLogEvents", std::string{
                                                     R"({"logStreamName":"s",
          "logGroupIdentifier":")"} + name + "\"}");
}

TEST_CASE("another group is not found") {
  for (const auto* operation :
       {"GetLogEvents", "DescribeLogStreams", "FilterLogEvents"})
    CHECK(refused_with(operation,
                       R"({"logGroupName":"/other","logStreamName":"s"})")
              .type
          == "ResourceNotFoundException");
}

TEST_CASE("refusals name the member") {
  struct row {
    const char* operation;
    const char* body;
    const char* message;
  };
  const std::vector<row> rows{
      {"GetLogEvents", "{}", "logStreamName is missing"},
      {"GetLogEvents", R"({"logStreamName":"s"})", "logGroupName is missing"},
      {"GetLogEvents", "[]", "must be a JSON object"},
      {"FilterLogEvents", R"({"logGroupName":"/aws/batch/job","limit":0})",
       "limit is 0, but must be an integer from 1 to 10000"},
      {"FilterLogEvents",
       R"({"logGroupName":"/aws/batch/job","logStreamNames":["a"],
           "logStreamNamePrefix":"b"})",
       "logStreamNames and logStreamNamePrefix are both given"},
      {"FilterLogEvents",
       R"({"logGroupName":"/aws/batch/job","startTime":"now"})",
       "startTime is \"now\""},
      {"DescribeLogStreams",
       R"({"logGroupName":"/aws/batch/job","orderBy":"Size"})",
       "orderBy is \"Size\", but must be one of LogStreamName"},
      {"DescribeLogStreams",
       R"({"logGroupName":"/aws/batch/job","orderBy":"LastEventTime",
           "logStreamNamePrefix":"x"})",
       "orderBy is \"LastEventTime\", but must not"},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    auto error = refused_with(row.operation, row.body);
    CHECK(error.type == "InvalidParameterException");
    CHECK_THAT(error.message, Contains(row.message));
  }
}

TEST_CASE("other operations are not implemented yet") {
  auto error = refused_with("PutLogEvents", "{}");
  CHECK(error.type == "UnknownOperationException");
  CHECK_THAT(error.message, Contains("not implemented yet"));
  for (const auto* target : {"", "Logs", "DynamoDB_20120810.GetItem"})
    CHECK(std::holds_alternative<logs_error>(parse_request(target, "{}")));
}

} // namespace berth::cloudwatch_logs
