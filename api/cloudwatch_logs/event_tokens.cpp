#include "api/cloudwatch_logs/event_tokens.hpp"

#include <array>
#include <charconv>
#include <utility>

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

constexpr int hex = 16;

std::optional<stream_place> parse_place(std::string_view text) {
  stream_place place;
  const auto* end = text.data() + text.size();
  auto [dot, error] = std::from_chars(text.data(), end, place.stream, hex);
  if (error != std::errc{} || dot == end || *dot != '.')
    return std::nullopt;
  auto rest = text.substr(static_cast<size_t>(dot - text.data()) + 1);
  auto position = next_number(rest);
  if (!position || !rest.empty())
    return std::nullopt;
  place.position = *position;
  return place;
}

std::optional<std::vector<stream_place>> parse_places(std::string_view text) {
  std::vector<stream_place> places;
  while (!text.empty()) {
    auto comma = text.find(',');
    auto place = parse_place(text.substr(0, comma));
    auto ends_in_comma = comma + 1 == text.size();
    if (!place || ends_in_comma || places.size() == token_places_max)
      return std::nullopt;
    places.push_back(*place);
    text.remove_prefix(comma == std::string_view::npos ? text.size()
                                                       : comma + 1);
  }
  return places;
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

uint64_t hash_of_stream(std::string_view name) {
  // FNV-1a.
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (auto c : name) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

std::string print_token(const filter_token& token) {
  auto text = "k/" + std::to_string(token.after.at_ms) + "/"
              + std::to_string(token.after.position) + "/";
  for (const auto& place : token.places) {
    if (text.back() != '/')
      text += ',';
    std::array<char, 16> digits{};
    auto* end = std::to_chars(digits.data(), digits.data() + digits.size(),
                              place.stream, hex)
                    .ptr;
    text.append(digits.data(), end);
    text += "." + std::to_string(place.position);
  }
  return text + "/" + token.after.stream;
}

std::optional<filter_token> parse_filter_token(std::string_view text) {
  if (!text.starts_with("k/"))
    return std::nullopt;
  auto rest = text.substr(2);
  auto at_ms = next_number(rest);
  if (!at_ms)
    return std::nullopt;
  auto position = next_number(rest);
  auto slash = rest.find('/');
  if (!position || slash == std::string_view::npos || slash + 1 == rest.size())
    return std::nullopt;
  auto places = parse_places(rest.substr(0, slash));
  if (!places)
    return std::nullopt;
  return filter_token{{*at_ms, std::string{rest.substr(slash + 1)}, *position},
                      std::move(*places)};
}

} // namespace berth::cloudwatch_logs
