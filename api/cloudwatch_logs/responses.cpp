#include "api/cloudwatch_logs/responses.hpp"

#include "api/json_writer.hpp"
#include "api/log_stream_name.hpp"

namespace berth::cloudwatch_logs {

namespace {

std::string group_arn(const account_region& owner) {
  return "arn:aws:logs:" + owner.region + ":" + owner.account
         + ":log-group:" + std::string{log_group_name};
}

void print_event_members(json_writer& json, const printed_line& line) {
  json.member("timestamp", line.at_ms);
  json.member("message", line.text);
  // Output can be read as soon as it was printed.
  json.member("ingestionTime", line.at_ms);
}

} // namespace

std::string print_groups(const account_region& owner, bool is_listed) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.key("logGroups").begin_array();
  if (is_listed) {
    json.begin_object();
    json.member("logGroupName", log_group_name);
    json.member("metricFilterCount", 0);
    json.member("arn", group_arn(owner) + ":*");
    json.member("logGroupArn", group_arn(owner));
    json.member("logGroupClass", "STANDARD");
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return out;
}

std::string print_streams(const account_region& owner,
                          const std::vector<stream_description>& streams,
                          const std::string& next_token) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.key("logStreams").begin_array();
  for (const auto& stream : streams) {
    json.begin_object();
    json.member("logStreamName", stream.name);
    json.member("creationTime", stream.first_ms);
    json.member("firstEventTimestamp", stream.first_ms);
    json.member("lastEventTimestamp", stream.last_ms);
    json.member("lastIngestionTime", stream.last_ms);
    json.member("arn", group_arn(owner) + ":log-stream:" + stream.name);
    json.member("storedBytes", stream.bytes);
    json.end_object();
  }
  json.end_array();
  if (!next_token.empty())
    json.member("nextToken", next_token);
  json.end_object();
  return out;
}

std::string print_events(const events_page& page) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.key("events").begin_array();
  for (const auto& line : page.events) {
    json.begin_object();
    print_event_members(json, line);
    json.end_object();
  }
  json.end_array();
  json.member("nextForwardToken", page.forward_token);
  json.member("nextBackwardToken", page.backward_token);
  json.end_object();
  return out;
}

std::string print_filtered_events(const filtered_page& page) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.key("events").begin_array();
  for (const auto& event : page.events) {
    json.begin_object();
    json.member("logStreamName", event.stream);
    print_event_members(json, event.line);
    json.member("eventId", task_id(event.attempt) + "/"
                               + std::to_string(event.line.position));
    json.end_object();
  }
  json.end_array();
  json.empty_list("searchedLogStreams");
  if (!page.token.empty())
    json.member("nextToken", page.token);
  json.end_object();
  return out;
}

} // namespace berth::cloudwatch_logs
