// A blocking TCP connection whose every wait has an end.
#pragma once

#include "client/http_url.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

struct addrinfo;

namespace berth {

/// A connected socket, read and written with deadlines.
class tcp_connection {
public:
  enum class result : uint8_t {
    done,
    /// The other end closed.
    end,
    /// Nothing happened for `timeout_ms` (0 = any time).
    silent,
    failed,
  };

  explicit tcp_connection(server_address server) : server(std::move(server)) {}
  ~tcp_connection() { close(); }
  tcp_connection(const tcp_connection&) = delete;
  tcp_connection& operator=(const tcp_connection&) = delete;

  /// Returns why nobody was reached. Tries each address the host has.
  std::optional<std::string> open(int64_t timeout_ms);
  /// Requires: open, and nothing is expected to come.
  bool still_open() const;
  result send(std::string_view bytes, int64_t timeout_ms);
  /// Waits for bytes and appends them.
  result receive(std::string& into, int64_t timeout_ms);
  void close();

  const server_address server;

private:
  bool connect_to(const ::addrinfo& address, int64_t timeout_ms);
  result wait(short events, int64_t timeout_ms) const;

  int fd_ = -1;
};

} // namespace berth
