// GET /v1/why?job=<id>: why a job waits, or why it runs where it runs. Berth's
// own; AWS Batch has nothing like it.
#pragma once

#include "messages/errors.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace berth {

/// `query` is the raw query of the target.
std::variant<request, api_error> parse_why(std::string_view query);

/// `{"reason","position"?,"sentences":[],"job":{JobDetail}}`; the position is
/// there while the job queues.
std::string print_why(const why_response& answer);

} // namespace berth
