// What an API call is refused with. A dialect prints it in its own shape.
#pragma once

#include "messages/fields.hpp"

#include <cstdint>
#include <string>

namespace berth {

enum class api_errc : uint8_t {
  /// The caller's mistake; repeating the call changes nothing.
  /// AWS: ClientException, 400.
  invalid = 1,
  /// Too much waits already; nothing was stored; try again later.
  /// AWS: TooManyRequestsException, 429.
  too_many_requests = 2,
  /// Nothing was stored, or a repeat will find what was; try again.
  /// AWS: ServerException, 503.
  unavailable = 3,
  /// Our bug. AWS: ServerException, 500.
  internal = 4,
};

struct api_error {
  api_errc code = api_errc::invalid;
  /// Names the field, the value and what would be right.
  std::string message;
  BERTH_FIELDS(code, message)
};

} // namespace berth
