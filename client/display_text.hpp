// Text for people: widths, times and what a terminal may be shown. Pure but
// for the time zone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth {

/// Columns that UTF-8 text takes, each character counted as one.
std::size_t display_width(std::string_view text);

/// The text with control characters, which could drive the terminal, made
/// question marks.
std::string printable(std::string_view text);

/// At most `width` columns; what was cut ends in an ellipsis.
std::string cut_to_width(std::string_view text, std::size_t width);

/// Padded with spaces at the end, to at least `width` columns.
std::string padded(std::string_view text, std::size_t width);

/// `0.25 s`, `12.0 s`, `3 m 05 s`, `2 h 10 m`, `3 d 4 h`; a negative one as 0.
std::string print_duration(int64_t ms);

/// Unix time in the local time zone: the time alone when it is of the same day
/// as `now_ms`, else with its date; a dash for 0 and below.
std::string print_local_time(int64_t at_ms, int64_t now_ms);

/// The part of an ARN after its last slash, the text itself if there is none.
std::string_view name_in_arn(std::string_view arn);

} // namespace berth
