// A record of the public topic of submissions.
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "messages/submission.hpp"

#include <string_view>
#include <variant>

namespace berth::aws_batch {

/// A body of SubmitJob, as JSON or as a msgpack map of the same members. Beside
/// them `account` (12 digits) and `region` may say whose job it is; without
/// them it is the default account's, in `us-east-1`. Total.
std::variant<public_submission, api_error>
parse_topic_submission(std::string_view bytes, const parse_options& options);

} // namespace berth::aws_batch
