// A submission as a record of a public topic holds it.
#pragma once

#include "messages/errors.hpp"
#include "messages/requests.hpp"

#include <functional>
#include <string_view>
#include <variant>

namespace berth {

struct public_submission {
  account_region owner;
  submit_job_request what;
};

/// A dialect's: the record's bytes to what they ask for, or why they make no
/// sense. Total; called from any thread.
using submission_parser =
    std::function<std::variant<public_submission, api_error>(std::string_view)>;

} // namespace berth
