// Retry strategies and timeouts (AWS reference, 12.3, 15.4, 15.5).
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/json_place.hpp"
#include "api/json_writer.hpp"
#include "messages/job.hpp"

#include <optional>

namespace berth::aws_batch {

/// Absent = no strategy; an empty object is refused, as AWS does.
std::optional<retry_strategy> parse_retry_strategy(const json_place& place);

/// `{"attempts":2,"evaluateOnExit":[]}`; actions in lower case.
void print_retry_strategy(json_writer& json, const retry_strategy& strategy);

/// In milliseconds; absent or an empty object = no timeout.
std::optional<int64_t> parse_timeout(const json_place& place,
                                     const parse_context& context);

/// `{"attemptDurationSeconds":60}`
void print_timeout(json_writer& json, int64_t timeout_ms);

} // namespace berth::aws_batch
