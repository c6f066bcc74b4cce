#include "actors/retry_policy.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace berth {
namespace {

attempt_outcome exited(int32_t code, uint32_t number = 1) {
  attempt_outcome o;
  o.number = number;
  o.exit_code = code;
  o.status_reason = "Essential container in task exited";
  return o;
}

retry_rule on_exit_code(std::string pattern, retry_action action) {
  retry_rule r;
  r.on_exit_code = std::move(pattern);
  r.action = action;
  return r;
}

retry_rule on_reason(std::string pattern, retry_action action) {
  retry_rule r;
  r.on_reason = std::move(pattern);
  r.action = action;
  return r;
}

retry_rule on_status_reason(std::string pattern, retry_action action) {
  retry_rule r;
  r.on_status_reason = std::move(pattern);
  r.action = action;
  return r;
}

void check(const retry_strategy& strategy, const attempt_outcome& outcome,
           after_attempt next, retry_reason why) {
  auto verdict = decide_retry(strategy, outcome);
  CHECK(verdict.next == next);
  CHECK(verdict.why == why);
}

TEST_CASE("exit code 0 succeeds whatever the strategy says") {
  check({5, {on_reason("*", retry_action::retry)}}, exited(0),
        after_attempt::succeed, retry_reason::succeeded);
}

TEST_CASE("a failed attempt is tried again while attempts are left") {
  retry_strategy three{3, {}};
  check(three, exited(1, 1), after_attempt::retry, retry_reason::attempts_left);
  check(three, exited(1, 2), after_attempt::retry, retry_reason::attempts_left);
  check(three, exited(1, 3), after_attempt::fail,
        retry_reason::attempts_used_up);
  check({1, {}}, exited(1), after_attempt::fail,
        retry_reason::attempts_used_up);
}

TEST_CASE("the first matching entry of evaluateOnExit decides") {
  retry_strategy s{10,
                   {on_exit_code("137", retry_action::retry),
                    on_exit_code("13*", retry_action::exit),
                    on_status_reason("Host EC2*", retry_action::retry)}};
  check(s, exited(137), after_attempt::retry, retry_reason::rule_says_retry);
  check(s, exited(138), after_attempt::fail, retry_reason::rule_says_exit);
  check(s, exited(1), after_attempt::retry, retry_reason::attempts_left);
  attempt_outcome lost;
  lost.end = attempt_end::lost;
  lost.status_reason = "Host EC2 (instance i-1) terminated.";
  check(s, lost, after_attempt::retry, retry_reason::rule_says_retry);
}

TEST_CASE("an entry never gives more attempts than there are") {
  check({2, {on_exit_code("1", retry_action::retry)}}, exited(1, 2),
        after_attempt::fail, retry_reason::attempts_used_up);
}

TEST_CASE("all given conditions of an entry must match") {
  auto both = on_exit_code("1", retry_action::exit);
  both.on_reason = "OutOfMemory*";
  retry_strategy s{3, {both}};
  check(s, exited(1), after_attempt::retry, retry_reason::attempts_left);
  auto outcome = exited(1);
  outcome.reason = "OutOfMemoryError: Container killed due to memory usage";
  check(s, outcome, after_attempt::fail, retry_reason::rule_says_exit);
}

TEST_CASE("a lone star matches an absent reason and an absent exit code") {
  check({3, {on_reason("*", retry_action::exit)}}, exited(1),
        after_attempt::fail, retry_reason::rule_says_exit);
  attempt_outcome not_started;
  not_started.end = attempt_end::failed_to_start;
  check({3, {on_exit_code("*", retry_action::exit)}}, not_started,
        after_attempt::fail, retry_reason::rule_says_exit);
}

TEST_CASE("start failures and host losses count as attempts") {
  for (auto end : {attempt_end::failed_to_start, attempt_end::lost,
                   attempt_end::not_started, attempt_end::out_of_memory}) {
    attempt_outcome o;
    o.end = end;
    check({2, {}}, o, after_attempt::retry, retry_reason::attempts_left);
    o.number = 2;
    check({2, {}}, o, after_attempt::fail, retry_reason::attempts_used_up);
  }
}

TEST_CASE("cancelled, terminated and timed-out jobs are never retried") {
  retry_strategy eager{10, {on_reason("*", retry_action::retry)}};
  auto terminated = exited(143);
  terminated.terminated = true;
  check(eager, terminated, after_attempt::fail, retry_reason::terminated);
  auto cancelled = exited(1);
  cancelled.cancelled = true;
  check(eager, cancelled, after_attempt::fail, retry_reason::cancelled);
  auto timed_out = exited(137);
  timed_out.end = attempt_end::timed_out;
  check(eager, timed_out, after_attempt::fail, retry_reason::timed_out);
}

TEST_CASE("a terminated job fails though it exits with 0") {
  auto outcome = exited(0);
  outcome.terminated = true;
  check({1, {}}, outcome, after_attempt::fail, retry_reason::terminated);
}

TEST_CASE("a cancelled array's child that succeeds has succeeded") {
  auto outcome = exited(0);
  outcome.cancelled = true;
  check({1, {}}, outcome, after_attempt::succeed, retry_reason::succeeded);
}

TEST_CASE("only a trailing star of a pattern is special") {
  CHECK(matches_pattern("Task failed*", "Task failed to start"));
  CHECK(matches_pattern("Task failed to start", "Task failed to start"));
  CHECK_FALSE(matches_pattern("Task failed", "Task failed to start"));
  CHECK_FALSE(matches_pattern("T*start", "Task failed to start"));
  CHECK_FALSE(matches_pattern("task*", "Task failed to start"));
  CHECK_FALSE(matches_pattern("1", std::nullopt));
  CHECK_FALSE(matches_pattern("1*", std::nullopt));
  CHECK(matches_pattern("*", std::nullopt));
}

TEST_CASE("no strategy gives more attempts than it names") {
  REQUIRE(rc::check([](uint8_t attempts, uint8_t number, int32_t code) {
    retry_strategy s{attempts, {on_reason("*", retry_action::retry)}};
    auto verdict = decide_retry(s, exited(code, number));
    RC_ASSERT((verdict.next == after_attempt::retry)
              == (code != 0 && number < attempts));
  }));
}

} // namespace
} // namespace berth
