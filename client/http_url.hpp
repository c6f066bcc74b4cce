// URLs of plain HTTP servers. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// Where to connect to.
struct server_address {
  /// Without the brackets of an IPv6 address.
  std::string host;
  /// 1 to 65535; 80 when the URL names none.
  std::string port;
  friend bool operator==(const server_address&,
                         const server_address&) = default;
};

/// `http://HOST[:PORT][/PATH]`, taken apart.
struct http_url {
  server_address server;
  /// As the Host header says it.
  std::string authority;
  /// Path and query; at least a slash.
  std::string target;
};

/// Nothing when it is not such a URL. A fragment is left out; user names and
/// https are refused.
std::optional<http_url> parse_http_url(std::string_view url);

} // namespace berth
