// The parts of a request target: percent-encoding and queries (RFC 3986).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// Nothing when a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

/// Leaves letters, digits and `-._~` as they are.
std::string percent_encoded(std::string_view text);

/// Every value of `name` in `a=1&b=2&a=3`, decoded (`+` is a space), in order.
/// Nothing when one of them is badly encoded.
std::optional<std::vector<std::string>> query_values(std::string_view query,
                                                     std::string_view name);

} // namespace berth
