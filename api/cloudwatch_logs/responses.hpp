// How the answers of CloudWatch Logs are printed.
#pragma once

#include "api/cloudwatch_logs/events.hpp"
#include "messages/ids.hpp"

#include <string>
#include <vector>

namespace berth::cloudwatch_logs {

struct stream_description {
  std::string name;
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  int64_t bytes = 0;
};

std::string print_groups(const account_region& owner, bool is_listed);
std::string print_streams(const account_region& owner,
                          const std::vector<stream_description>& streams,
                          const std::string& next_token);
std::string print_events(const events_page& page);
std::string print_filtered_events(const filtered_page& page);

} // namespace berth::cloudwatch_logs
