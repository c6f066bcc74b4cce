#include "runtime/tcp_probe.hpp"

#include "runtime/file_descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

namespace berth {

namespace {

struct address_deleter {
  void operator()(addrinfo* p) const { freeaddrinfo(p); }
};

std::optional<std::string> probe(const addrinfo& at, int patience_ms) {
  file_descriptor fd{
      socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (connect(fd.get(), at.ai_addr, at.ai_addrlen) == 0)
    return std::nullopt;
  if (errno != EINPROGRESS)
    return std::strerror(errno);
  pollfd waiting{fd.get(), POLLOUT, 0};
  if (poll(&waiting, 1, patience_ms) != 1)
    return "it does not answer";
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0)
    return std::strerror(error);
  return std::nullopt;
}

} // namespace

std::optional<std::string> probe_tcp(const std::string& host, uint16_t port,
                                     int patience_ms) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  auto code =
      getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &raw);
  if (code != 0)
    return gai_strerror(code);
  std::unique_ptr<addrinfo, address_deleter> found{raw};
  std::optional<std::string> problem = "it has no address";
  for (const auto* at = found.get(); at != nullptr && problem; at = at->ai_next)
    problem = probe(*at, patience_ms);
  return problem;
}

} // namespace berth
