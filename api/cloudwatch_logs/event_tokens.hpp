// The tokens with which clients read on, made and parsed here.
//
//   f/<position>                    GetLogEvents, forwards
//   b/<position>                    GetLogEvents, backwards
//   k/<time>/<position>/<stream>    FilterLogEvents: after this event
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::cloudwatch_logs {

struct stream_token {
  bool is_forward = true;
  int64_t position = 0;
  friend bool operator==(const stream_token&, const stream_token&) = default;
};
std::string print_token(const stream_token& token);
std::optional<stream_token> parse_stream_token(std::string_view text);

/// The place of an event in the order of all streams' events.
struct event_key {
  int64_t at_ms = 0;
  std::string stream;
  int64_t position = 0;
  friend auto operator<=>(const event_key&, const event_key&) = default;
  friend bool operator==(const event_key&, const event_key&) = default;
};
std::string print_token(const event_key& key);
std::optional<event_key> parse_event_key(std::string_view text);

} // namespace berth::cloudwatch_logs
