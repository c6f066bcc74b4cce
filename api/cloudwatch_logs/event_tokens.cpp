#include "api/cloudwatch_logs/event_tokens.hpp"

#include <charconv>

namespace berth::cloudwatch_logs {

namespace {

/// A number that is not negative; consumes it and the slash after it.
std::optional<int64_t> next_number(std::string_view& rest) {
  auto slash = rest.find('/');
  auto digits = rest.substr(0, slash);
  int64_t value = 0;
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < 0)
    return std::nullopt;
  rest = slash == std::string_view::npos ? std::string_view{}
                                         : rest.substr(slash + 1);
  return value;
}

} // namespace

std::string print_token(const stream_token& token) {
  return (token.is_forward ? "f/" : "b/") + std::to_string(token.position);
}

std::optional<stream_token> parse_stream_token(std::string_view text) {
  auto is_forward = text.starts_with("f/");
  if (!is_forward && !text.starts_with("b/"))
    return std::nullopt;
  auto rest = text.substr(2);
  if (rest.find('/') != std::string_view::npos)
    return std::nullopt;
  auto position = next_number(rest);
  if (!position)
    return std::nullopt;
  return stream_token{is_forward, *position};
}

std::string print_token(const event_key& key) {
  return "k/" + std::to_string(key.at_ms) + "/" + std::to_string(key.position)
         + "/" + key.stream;
}

std::optional<event_key> parse_event_key(std::string_view text) {
  if (!text.starts_with("k/"))
    return std::nullopt;
  auto rest = text.substr(2);
  auto at_ms = next_number(rest);
  if (!at_ms)
    return std::nullopt;
  auto position = next_number(rest);
  if (!position || rest.empty())
    return std::nullopt;
  return event_key{*at_ms, std::string{rest}, *position};
}

} // namespace berth::cloudwatch_logs
