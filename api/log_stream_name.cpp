#include "api/log_stream_name.hpp"

#include <charconv>

namespace berth {

namespace {

constexpr std::string_view middle = "/default/";
constexpr size_t uuid_length = 36;

std::optional<attempt_id> parse_task_id(std::string_view text) {
  if (text.size() < uuid_length)
    return std::nullopt;
  auto dash = text.find('-', uuid_length);
  auto key = parse_job_key(text.substr(0, dash));
  if (!key)
    return std::nullopt;
  attempt_id attempt{*key, 1};
  if (dash == std::string_view::npos)
    return attempt;
  auto digits = text.substr(dash + 1);
  auto [end, error] = std::from_chars(
      digits.data(), digits.data() + digits.size(), attempt.number);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return std::nullopt;
  return attempt;
}

} // namespace

std::string task_id(const attempt_id& attempt) {
  auto text = to_string(attempt.job);
  if (attempt.number > 1)
    text += "-" + std::to_string(attempt.number);
  return text;
}

std::string make_log_stream_name(std::string_view definition_name,
                                 const attempt_id& attempt) {
  std::string name{definition_name.substr(0, log_stream_prefix_length_max)};
  name += middle;
  name += task_id(attempt);
  return name;
}

std::optional<parsed_log_stream_name>
parse_log_stream_name(std::string_view text) {
  auto at = text.rfind(middle);
  if (at == std::string_view::npos || at > log_stream_prefix_length_max)
    return std::nullopt;
  auto attempt = parse_task_id(text.substr(at + middle.size()));
  if (!attempt)
    return std::nullopt;
  parsed_log_stream_name parsed{std::string{text.substr(0, at)}, *attempt};
  // One stream has one name: no `-1`, no leading zeros.
  if (make_log_stream_name(parsed.definition_name, *attempt) != text)
    return std::nullopt;
  return parsed;
}

} // namespace berth
