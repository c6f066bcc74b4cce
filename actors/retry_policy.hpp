// Whether a job is tried again after an attempt (AWS reference 15.4). Pure.
#pragma once

#include "messages/events.hpp"
#include "messages/job.hpp"

#include <optional>
#include <string_view>

namespace berth {

/// An attempt that is over.
struct attempt_outcome {
  /// From 1.
  uint32_t number = 1;
  attempt_end end = attempt_end::exited;
  std::optional<int32_t> exit_code;
  std::string_view reason;
  std::string_view status_reason;
  /// TerminateJob was called on it: it fails whatever it did.
  bool terminated = false;
  /// It, or the array that it belongs to, is not to be tried again.
  bool cancelled = false;
};

enum class retry_reason : uint8_t {
  succeeded = 1,
  terminated = 2,
  cancelled = 3,
  timed_out = 4,
  attempts_used_up = 5,
  /// An entry of evaluateOnExit decided.
  rule_says_retry = 6,
  rule_says_exit = 7,
  /// Attempts are left and no entry matches, or there is none.
  attempts_left = 8,
};

struct retry_verdict {
  after_attempt next = after_attempt::fail;
  retry_reason why = retry_reason::attempts_used_up;
};

retry_verdict decide_retry(const retry_strategy& strategy,
                           const attempt_outcome& outcome);

/// evaluateOnExit's patterns: only a trailing `*` is special; `*` alone matches
/// an absent value too. Letters count as they are.
bool matches_pattern(std::string_view pattern,
                     const std::optional<std::string_view>& value);

} // namespace berth
