// The AWS Batch dialect: text in, request out; answer in, text out. Pure and
// total: whatever the bytes, the outcome is a request or an error.
#pragma once

#include "api/aws_batch/operations.hpp"
#include "api/aws_batch/parse_context.hpp"
#include "messages/errors.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace berth::aws_batch {

/// Types and bounds of all members are checked, names are not resolved. An
/// operation that Berth has not, or a body that is too large, is an error too.
/// `query` is the raw query of the target; only tag operations have one.
std::variant<request, api_error>
parse_request(const routed& call, std::string_view body, std::string_view query,
              const parse_context& context);

/// The body of a successful answer. `answer` is one that `what` can have.
std::string print_response(operation what, const response& answer);

} // namespace berth::aws_batch
