// Whether a port accepts connections, within a time of our own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace berth {

/// Connects and closes again. Blocks for at most about the patience (and as
/// long as the resolver takes for a name). Gives what is wrong; nothing when it
/// accepted.
std::optional<std::string> probe_tcp(const std::string& host, uint16_t port,
                                     int patience_ms);

} // namespace berth
