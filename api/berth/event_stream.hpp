// GET /v1/events?after=<position>: state changes as lines of JSON, for as long
// as the client listens. Without a position it begins with what comes next.
// The first line is empty and says that the stream stands. A stream that cannot
// go on without leaving events out ends with a line `{"error": …}`.
#pragma once

#include "messages/errors.hpp"
#include "messages/event_source.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace berth {

/// Events that may come before the stream is open.
constexpr size_t early_events_max = 10'000;

/// Sends a piece of the response; false once the client is gone or too slow. An
/// empty piece ends the response after what was sent; to drop the sink without
/// one cuts the connection. Thread-safe, does not block.
using line_sink = std::function<bool(std::string)>;
/// Opens the response. `on_closed` is called once, when it has ended, from any
/// thread but not from within the sink.
using line_sink_opener =
    std::function<line_sink(std::function<void()> on_closed)>;

/// The position in a raw query; empty when there is none.
std::variant<std::string, api_error> parse_events_query(std::string_view query);

/// Streams until the response has ended, and lets go of the hold then. The
/// source outlives it. Nothing is opened when the source refuses the position;
/// the error says why.
std::optional<api_error> stream_events(event_source& source, event_hold hold,
                                       const account_region& owner,
                                       const std::string& after,
                                       const line_sink_opener& open);

} // namespace berth
