#include "runtime/node_endpoint.hpp"

#include <charconv>

namespace berth {

std::optional<node_endpoint> parse_node_endpoint(const std::string& text) {
  auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return std::nullopt;
  node_endpoint e{text.substr(0, colon), 0};
  const auto* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + colon + 1, end, e.port);
  if (error != std::errc{} || rest != end)
    return std::nullopt;
  return e;
}

std::string to_string(const node_endpoint& e) {
  return e.host + ":" + std::to_string(e.port);
}

} // namespace berth
