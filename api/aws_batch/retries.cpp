#include "api/aws_batch/retries.hpp"

#include "api/aws_batch/bounds.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace berth::aws_batch {

namespace {

constexpr int64_t ms_per_s = 1000;

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::optional<std::string> parse_pattern(const json_place& place) {
  auto pattern = place.optional_text();
  if (!pattern)
    return std::nullopt;
  if (pattern->empty() || pattern->size() > limits::retry_pattern_length_max)
    place.fail("must have 1 to "
               + std::to_string(limits::retry_pattern_length_max)
               + " characters");
  auto star = pattern->find('*');
  if (star != std::string::npos && star + 1 != pattern->size())
    place.fail("may contain * only as its last character");
  return pattern;
}

std::optional<std::string> parse_exit_code_pattern(const json_place& place) {
  auto pattern = parse_pattern(place);
  if (!pattern)
    return std::nullopt;
  auto digits = std::count_if(pattern->begin(), pattern->end(),
                              [](char c) { return c >= '0' && c <= '9'; });
  auto rest = static_cast<std::ptrdiff_t>(pattern->size()) - digits;
  if (rest != (pattern->back() == '*' ? 1 : 0))
    place.fail("must be digits, with * at most as the last character");
  return pattern;
}

retry_rule parse_rule(const json_place& place) {
  retry_rule rule;
  rule.on_status_reason = parse_pattern(place.member("onStatusReason"));
  rule.on_reason = parse_pattern(place.member("onReason"));
  rule.on_exit_code = parse_exit_code_pattern(place.member("onExitCode"));
  if (!rule.on_status_reason && !rule.on_reason && !rule.on_exit_code)
    place.fail("must have at least one of onStatusReason, onReason and "
               "onExitCode");
  auto action = place.member("action");
  auto text = lower_case(action.text());
  if (text == "exit")
    rule.action = retry_action::exit;
  else if (text != "retry")
    action.fail("must be RETRY or EXIT");
  return rule;
}

} // namespace

std::optional<retry_strategy> parse_retry_strategy(const json_place& place) {
  if (place.absent())
    return std::nullopt;
  auto attempts = place.member("attempts");
  if (attempts.absent())
    throw refused{"RetryAttempts must be provided with retry strategy: "
                  + attempts.path() + " is missing"};
  retry_strategy strategy;
  strategy.attempts =
      static_cast<uint32_t>(attempts.integer(1, limits::attempts_max));
  auto rules = place.member("evaluateOnExit");
  rules.require_list();
  if (rules.size() > limits::retry_rules_max)
    rules.fail("must have at most " + std::to_string(limits::retry_rules_max)
               + " entries");
  rules.for_each_element(
      [&](const json_place& e) { strategy.rules.push_back(parse_rule(e)); });
  return strategy;
}

void print_retry_strategy(json_writer& json, const retry_strategy& strategy) {
  json.begin_object();
  json.member("attempts", strategy.attempts);
  json.key("evaluateOnExit").begin_array();
  for (const auto& rule : strategy.rules) {
    json.begin_object();
    if (rule.on_status_reason)
      json.member("onStatusReason", *rule.on_status_reason);
    if (rule.on_reason)
      json.member("onReason", *rule.on_reason);
    if (rule.on_exit_code)
      json.member("onExitCode", *rule.on_exit_code);
    json.member("action",
                rule.action == retry_action::retry ? "retry" : "exit");
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

std::optional<int64_t> parse_timeout(const json_place& place,
                                     const parse_context& context) {
  auto seconds = place.member("attemptDurationSeconds")
                     .optional_integer(context.options.attempt_duration_s_min,
                                       attempt_duration_s_max);
  if (!seconds)
    return std::nullopt;
  return *seconds * ms_per_s;
}

void print_timeout(json_writer& json, int64_t timeout_ms) {
  json.begin_object();
  json.member("attemptDurationSeconds", timeout_ms / ms_per_s);
  json.end_object();
}

} // namespace berth::aws_batch
