// What clients of CloudWatch Logs ask, and how it is parsed: protocol JSON 1.1,
// the operation in the header `X-Amz-Target: Logs_20140328.<Operation>` (AWS
// Logs API reference, 2014-03-28). Four operations read; all output is in one
// group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace berth::cloudwatch_logs {

constexpr std::string_view target_prefix = "Logs_20140328.";

constexpr size_t groups_per_page_max = 50;
constexpr size_t streams_per_page_max = 50;
constexpr size_t events_per_page_max = 10'000;
constexpr size_t stream_names_max = 100;
constexpr size_t request_bytes_max = 256 * 1024;

struct describe_groups_request {
  /// The one group is asked for by a prefix and a part of its name.
  std::string prefix;
  std::string pattern;
};

struct describe_streams_request {
  std::string prefix;
  bool by_last_event = false;
  bool is_descending = false;
  size_t limit = streams_per_page_max;
  std::string token;
};

/// Times in ms since 1970; the end is not included.
struct time_range {
  std::optional<int64_t> start_ms;
  std::optional<int64_t> end_ms;

  bool contains(int64_t at_ms) const {
    return (!start_ms || at_ms >= *start_ms) && (!end_ms || at_ms < *end_ms);
  }
};

struct get_events_request {
  std::string stream;
  time_range range;
  bool from_head = false;
  size_t limit = events_per_page_max;
  std::string token;
};

struct filter_events_request {
  /// Streams by name, or by prefix; neither = all.
  std::vector<std::string> streams;
  std::string prefix;
  time_range range;
  std::string pattern;
  size_t limit = events_per_page_max;
  std::string token;
};

using logs_request =
    std::variant<describe_groups_request, describe_streams_request,
                 get_events_request, filter_events_request>;

struct logs_error {
  int status = 400;
  /// `ResourceNotFoundException`, `InvalidParameterException` ...
  std::string type;
  std::string message;
};

logs_error invalid_parameter(std::string message);
logs_error stream_not_found(const std::string& name);

/// Total: whatever the bytes, the outcome is a request or an error. `target` is
/// the header's value.
std::variant<logs_request, logs_error> parse_request(std::string_view target,
                                                     std::string_view body);

} // namespace berth::cloudwatch_logs
