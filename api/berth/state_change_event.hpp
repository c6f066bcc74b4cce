// "Batch Job State Change" events in the shape of EventBridge (AWS reference,
// section 19).
#pragma once

#include "messages/event_source.hpp"
#include "messages/public_events.hpp"

#include <optional>
#include <string>

namespace berth {

/// One JSON object on one line, with its newline. Beside EventBridge's members
/// it has `position`, from which a reader can go on. The same event has the
/// same `id` whenever it is printed.
std::string print_state_change(const job_event& event);

/// The same for a public topic: instead of `position` it has
/// `"sequence":{"shard","offset","number"}`, and no newline.
std::string print_published_change(const job_event& event,
                                   const change_sequence& sequence);

/// `{"reason","error","topic","partition","offset","timestamp","original"}`, no
/// newline. Where the original is no text, `originalBase64` has its bytes; both
/// are null when it is not kept any more, and so is `timestamp`.
std::string print_rejection(const rejected_submission& rejected);

/// The last line of a stream that cannot go on: `{"error":{"message":…}}`.
std::string print_stream_end(const api_error& why);

/// ISO 8601, UTC, whole seconds: `2023-11-14T22:13:20Z`.
std::string print_utc(int64_t unix_ms);
/// The opposite; the time of day, or its seconds, may be left out, and the Z.
std::optional<int64_t> parse_utc(const std::string& text);

} // namespace berth
