#include "api/cloudwatch_logs/requests.hpp"

#include "api/json_place.hpp"
#include "api/log_stream_name.hpp"

#include <exception>

namespace berth::cloudwatch_logs {

namespace {

/// Beyond this a token is none of ours.
constexpr size_t token_bytes_max = 4 * 1024;

struct group_unknown {};

/// The group's name, or its ARN with or without `:*`.
void require_group(const json_place& body) {
  auto name = body.member("logGroupName").text_or_empty();
  if (name.empty()) {
    auto identifier = body.member("logGroupIdentifier");
    if (identifier.absent())
      body.member("logGroupName").fail("must be the name of a log group");
    name = identifier.text();
    if (name.ends_with(":*"))
      name.resize(name.size() - 2);
    auto colon = name.rfind(":log-group:");
    if (colon != std::string::npos)
      name = name.substr(colon + 11);
  }
  if (name != log_group_name)
    throw group_unknown{};
}

size_t parse_limit(const json_place& body, size_t max) {
  auto limit =
      body.member("limit").optional_integer(1, static_cast<int64_t>(max));
  return limit ? static_cast<size_t>(*limit) : max;
}

std::string parse_token(const json_place& body) {
  auto place = body.member("nextToken");
  auto token = place.text_or_empty();
  if (token.size() > token_bytes_max)
    place.fail("must be a token from an earlier answer");
  return token;
}

time_range parse_range(const json_place& body) {
  return {body.member("startTime").optional_integer(0, INT64_MAX),
          body.member("endTime").optional_integer(0, INT64_MAX)};
}

logs_request parse_describe_groups(const json_place& body) {
  parse_limit(body, groups_per_page_max);
  return describe_groups_request{
      body.member("logGroupNamePrefix").text_or_empty(),
      body.member("logGroupNamePattern").text_or_empty()};
}

logs_request parse_describe_streams(const json_place& body) {
  require_group(body);
  describe_streams_request made;
  made.prefix = body.member("logStreamNamePrefix").text_or_empty();
  auto order = body.member("orderBy");
  made.by_last_event = order.optional_choice({"LogStreamName", "LastEventTime"})
                       == "LastEventTime";
  if (made.by_last_event && !made.prefix.empty())
    order.fail("must not be LastEventTime when there is a "
               "logStreamNamePrefix");
  made.is_descending =
      body.member("descending").optional_boolean().value_or(false);
  made.limit = parse_limit(body, streams_per_page_max);
  made.token = parse_token(body);
  return made;
}

logs_request parse_get_events(const json_place& body) {
  get_events_request made;
  made.stream = body.member("logStreamName").nonempty_text();
  require_group(body);
  made.range = parse_range(body);
  made.from_head =
      body.member("startFromHead").optional_boolean().value_or(false);
  made.limit = parse_limit(body, events_per_page_max);
  made.token = parse_token(body);
  return made;
}

logs_request parse_filter_events(const json_place& body) {
  require_group(body);
  filter_events_request made;
  auto names = body.member("logStreamNames");
  made.streams = names.texts();
  if (made.streams.size() > stream_names_max)
    names.fail("must have at most " + std::to_string(stream_names_max)
               + " entries");
  made.prefix = body.member("logStreamNamePrefix").text_or_empty();
  if (!made.streams.empty() && !made.prefix.empty())
    throw refused{"logStreamNames and logStreamNamePrefix are both given, but "
                  "at most one of them must be"};
  made.range = parse_range(body);
  made.pattern = body.member("filterPattern").text_or_empty();
  made.limit = parse_limit(body, events_per_page_max);
  made.token = parse_token(body);
  return made;
}

logs_request parse_operation(std::string_view name, const json_place& body) {
  if (name == "DescribeLogGroups")
    return parse_describe_groups(body);
  if (name == "DescribeLogStreams")
    return parse_describe_streams(body);
  if (name == "GetLogEvents")
    return parse_get_events(body);
  return parse_filter_events(body);
}

bool is_known(std::string_view name) {
  return name == "DescribeLogGroups" || name == "DescribeLogStreams"
         || name == "GetLogEvents" || name == "FilterLogEvents";
}

} // namespace

logs_error invalid_parameter(std::string message) {
  return {400, "InvalidParameterException", std::move(message)};
}

logs_error stream_not_found(const std::string& name) {
  return {400, "ResourceNotFoundException",
          "The specified log stream does not exist: " + name};
}

std::variant<logs_request, logs_error> parse_request(std::string_view target,
                                                     std::string_view body) {
  auto name = target.substr(std::min(target_prefix.size(), target.size()));
  if (!target.starts_with(target_prefix) || !is_known(name))
    return logs_error{400, "UnknownOperationException",
                      "X-Amz-Target is " + std::string{target.substr(0, 100)}
                          + ", which is not implemented yet"};
  try {
    if (body.size() > request_bytes_max)
      throw refused{"the request body has " + std::to_string(body.size())
                    + " bytes, but must have at most "
                    + std::to_string(request_bytes_max)};
    json_text text{body};
    return parse_operation(name, text.root());
  } catch (const refused& refusal) {
    return invalid_parameter(refusal.message);
  } catch (const group_unknown&) {
    return logs_error{400, "ResourceNotFoundException",
                      "The specified log group does not exist: there is only "
                          + std::string{log_group_name}};
  } catch (const std::exception& problem) {
    return logs_error{500, "ServiceUnavailableException", problem.what()};
  }
}

} // namespace berth::cloudwatch_logs
