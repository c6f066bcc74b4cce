// Reads pages of events out of one stream, or out of many in the order of time.
// Both may block, since the output is read from files.
#pragma once

#include "api/cloudwatch_logs/requests.hpp"
#include "messages/output_source.hpp"

#include <string>
#include <variant>
#include <vector>

namespace berth::cloudwatch_logs {

/// What one answer holds; a single event may exceed it.
constexpr size_t page_bytes_max = 1024 * 1024;
/// What one call looks at before it answers with a token to go on.
constexpr size_t scan_bytes_max = 32 * 1024 * 1024;

struct events_page {
  std::vector<printed_line> events;
  /// Where to read on, either way. At an end of the stream it is the token
  /// that was given, so a client knows that it has everything.
  std::string forward_token;
  std::string backward_token;
};

/// A page of `attempt`'s stream, which `request` names.
std::variant<events_page, logs_error>
read_events(output_source& source, const attempt_id& attempt,
            const get_events_request& request);

struct stream_reference {
  std::string name;
  attempt_id attempt;
};

struct filtered_event {
  std::string stream;
  attempt_id attempt;
  printed_line line;
};

struct filtered_page {
  /// By time; of one time by stream, then by position.
  std::vector<filtered_event> events;
  /// Empty when all streams have been read to their ends.
  std::string token;
};

/// A page of the matching events of these streams, in one order whatever the
/// pages: a later page holds what comes after the earlier one.
std::variant<filtered_page, logs_error>
filter_events(output_source& source, std::vector<stream_reference> streams,
              const filter_events_request& request);

} // namespace berth::cloudwatch_logs
