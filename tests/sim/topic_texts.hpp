// What is written to the public topics and read from them, as those would who
// know nothing of Berth but its documentation.
#pragma once

#include "messages/requests.hpp"
#include "tests/sim/history.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace berth::sim {

/// A record for the topic of submissions; as a msgpack map, or as JSON.
std::string text_of_submission(const submit_job_request& what,
                               const account_region& owner, bool as_msgpack);
/// The `jobName` in it; empty when it has none that can be read.
std::string name_of_submission(std::string_view record);

/// Whether the text names something that the record has: a member, or a value.
/// Of one that cannot be read, whether it says so of the submission.
bool concerns_submission(const std::string& text, std::string_view record);

std::optional<published_change> read_change(std::string_view text);
std::optional<published_rejection> read_rejection(std::string_view text);

} // namespace berth::sim
