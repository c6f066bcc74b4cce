// GET /v1/audit/history?job=<id> and GET /v1/audit/verify: what the log says.
// Berth's own.
#pragma once

#include "messages/audit.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// `{"history":[{"at_ms","offset","seq","epoch","node","text"}]}`
std::string print_history(const std::vector<story_line>& lines);
/// `{"shards":[{"shard","records","decisions",...}],"ok":bool}`
std::string print_verdicts(const std::vector<shard_verdict>& verdicts);

/// The same with `"records"`, `"events"`, `"seconds"` and `"events_per_second"`
/// of the whole.
std::string print_verdicts(const std::vector<shard_verdict>& verdicts,
                           double seconds);

/// What `print_history` and `print_verdicts` print, taken apart again; nothing
/// when the text is something else.
std::optional<std::vector<story_line>> parse_history(std::string_view text);
std::optional<std::vector<shard_verdict>> parse_verdicts(std::string_view text);

/// Every shard's log was whole and the fold agrees.
bool all_well(const std::vector<shard_verdict>& verdicts);

} // namespace berth
