// Where a process listens or is reached.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace berth {

/// `HOST:PORT`; in an endpoint to listen on, port 0 means any that is free.
struct node_endpoint {
  std::string host;
  uint16_t port = 0;
};

/// Nothing when the text is something else.
std::optional<node_endpoint> parse_node_endpoint(const std::string& text);
std::string to_string(const node_endpoint& e);

} // namespace berth
