#include "actors/retry_policy.hpp"

#include "messages/simulation.hpp"

#include <algorithm>
#include <string>

namespace berth {

namespace {

std::optional<std::string_view> present(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional{text};
}

bool matches(const retry_rule& rule, const attempt_outcome& outcome) {
  auto holds = [](const std::optional<std::string>& pattern,
                  const std::optional<std::string_view>& value) {
    return !pattern || matches_pattern(*pattern, value);
  };
  std::string exit_code;
  std::optional<std::string_view> code;
  if (outcome.exit_code) {
    exit_code = std::to_string(*outcome.exit_code);
    code = exit_code;
  }
  return holds(rule.on_exit_code, code)
         && holds(rule.on_reason, present(outcome.reason))
         && holds(rule.on_status_reason, present(outcome.status_reason));
}

} // namespace

bool matches_pattern(std::string_view pattern,
                     const std::optional<std::string_view>& value) {
  if (!pattern.empty() && pattern.back() == '*') {
    auto prefix = pattern.substr(0, pattern.size() - 1);
    return value.value_or("").substr(0, prefix.size()) == prefix;
  }
  return value && *value == pattern;
}

retry_verdict decide_retry(const retry_strategy& strategy,
                           const attempt_outcome& outcome) {
  if (outcome.terminated)
    return {after_attempt::fail, retry_reason::terminated};
  if (outcome.end == attempt_end::exited && outcome.exit_code == 0)
    return {after_attempt::succeed, retry_reason::succeeded};
  if (outcome.end == attempt_end::timed_out)
    return {after_attempt::fail, retry_reason::timed_out};
  if (outcome.cancelled)
    return {after_attempt::fail, retry_reason::cancelled};
  auto attempts =
      strategy.attempts + (broken(breakage::one_attempt_too_many) ? 1 : 0);
  if (outcome.number >= attempts)
    return {after_attempt::fail, retry_reason::attempts_used_up};
  auto rule =
      std::find_if(strategy.rules.begin(), strategy.rules.end(),
                   [&](const retry_rule& r) { return matches(r, outcome); });
  if (rule == strategy.rules.end())
    return {after_attempt::retry, retry_reason::attempts_left};
  if (rule->action == retry_action::retry)
    return {after_attempt::retry, retry_reason::rule_says_retry};
  return {after_attempt::fail, retry_reason::rule_says_exit};
}

} // namespace berth
