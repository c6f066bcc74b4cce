// Who makes a call, and which call of theirs it is.
#pragma once

#include "api/http_message.hpp"
#include "messages/requests.hpp"

#include <string>
#include <string_view>

namespace berth {

struct authorization;
class credential_set;

/// Region from the credential's scope; account by the access key, the default
/// one when nobody has it. The invocation id is the SDK's, the same for all its
/// tries of one call, or else `request_id`.
caller identify_caller(const http_request& request, const authorization& who,
                       const credential_set* credentials,
                       std::string_view request_id);

/// SHA-256 over method, path, query and body, 64 hexadecimal digits.
std::string hash_call(const http_request& request);

} // namespace berth
