// The tokens with which clients read on, made and parsed here.
//
//   f/<position>                    GetLogEvents, forwards
//   b/<position>                    GetLogEvents, backwards
//   k/<time>/<position>/<places>/<stream>
//                                   FilterLogEvents: after this event
//   places = <stream's hash>.<position>,…
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

/// How far another stream was read, so that it need not be searched for.
struct stream_place {
  uint64_t stream = 0;
  /// Of the line that comes next.
  int64_t position = 0;
  friend bool operator==(const stream_place&, const stream_place&) = default;
};
/// What places name a stream by.
uint64_t hash_of_stream(std::string_view name);

/// Places that a token has; the other streams' are searched for by time.
constexpr size_t token_places_max = 256;

struct filter_token {
  event_key after;
  std::vector<stream_place> places;
  friend bool operator==(const filter_token&, const filter_token&) = default;
};
std::string print_token(const filter_token& token);
std::optional<filter_token> parse_filter_token(std::string_view text);

} // namespace berth::cloudwatch_logs
