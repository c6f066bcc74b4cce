#include "client/http_url.hpp"

#include <algorithm>
#include <charconv>

namespace berth {

namespace {

bool is_port(std::string_view text) {
  unsigned port = 0;
  auto [end, ec] =
      std::from_chars(text.data(), text.data() + text.size(), port);
  return ec == std::errc{} && end == text.data() + text.size() && port > 0
         && port < 65'536;
}

} // namespace

std::optional<http_url> parse_http_url(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  if (url.substr(0, scheme.size()) != scheme)
    return std::nullopt;
  for (char c : url)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return std::nullopt;
  url.remove_prefix(scheme.size());
  url = url.substr(0, url.find('#'));
  auto end = std::min(url.find_first_of("/?"), url.size());
  http_url result;
  result.authority = url.substr(0, end);
  result.target = url.substr(end);
  if (result.target.empty() || result.target.front() == '?')
    result.target.insert(0, "/");
  std::string_view authority{result.authority};
  auto host_end = authority.find(':');
  if (!authority.empty() && authority.front() == '[') {
    auto bracket = authority.find(']');
    if (bracket == std::string_view::npos)
      return std::nullopt;
    result.server.host = authority.substr(1, bracket - 1);
    host_end = bracket + 1;
  } else {
    result.server.host = authority.substr(0, host_end);
  }
  result.server.port = "80";
  if (host_end < authority.size()) {
    if (authority[host_end] != ':' || !is_port(authority.substr(host_end + 1)))
      return std::nullopt;
    result.server.port = authority.substr(host_end + 1);
  }
  if (result.server.host.empty()
      || result.server.host.find('@') != std::string::npos)
    return std::nullopt;
  return result;
}

} // namespace berth
