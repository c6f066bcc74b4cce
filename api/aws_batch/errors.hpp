// How errors look to a client of AWS Batch (AWS reference, 2.3).
#pragma once

#include "api/http_message.hpp"
#include "messages/errors.hpp"

#include <string>
#include <string_view>

namespace berth::aws_batch {

/// Status, type and text as the error's code says; without a request id.
http_response print_error(const api_error& error);

/// The form of AWS's older validation texts, which clients know by substring:
/// `Error executing request, Exception : <text>, RequestId: <uuid>`.
std::string older_text(std::string_view text, std::string_view request_id);

} // namespace berth::aws_batch
