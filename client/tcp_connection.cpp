#include "client/tcp_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr std::size_t read_bytes_max = 64 * 1024;

} // namespace

void tcp_connection::close() {
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
}

std::optional<std::string> tcp_connection::open(int64_t timeout_ms) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int failed =
      ::getaddrinfo(server.host.c_str(), server.port.c_str(), &hints, &found);
  if (failed != 0)
    return "cannot find the host " + server.host + ": "
           + ::gai_strerror(failed);
  int error = 0;
  bool connected = false;
  for (auto* one = found; one != nullptr && !connected; one = one->ai_next) {
    connected = connect_to(*one, timeout_ms);
    error = errno;
  }
  ::freeaddrinfo(found);
  if (connected)
    return std::nullopt;
  return "cannot reach " + server.host + " port " + server.port + ": "
         + std::strerror(error);
}

bool tcp_connection::connect_to(const addrinfo& address, int64_t timeout_ms) {
  close();
  fd_ = ::socket(address.ai_family,
                 address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                 address.ai_protocol);
  if (fd_ < 0)
    return false;
  int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  if (::connect(fd_, address.ai_addr, address.ai_addrlen) == 0)
    return true;
  if (errno != EINPROGRESS)
    return false;
  auto waited = wait(POLLOUT, timeout_ms);
  int error = waited == result::silent ? ETIMEDOUT : EIO;
  socklen_t size = sizeof(error);
  if (waited == result::done)
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  errno = error;
  return waited == result::done && error == 0;
}

tcp_connection::result tcp_connection::wait(short events,
                                            int64_t timeout_ms) const {
  pollfd one{fd_, events, 0};
  for (;;) {
    int ready =
        ::poll(&one, 1, timeout_ms > 0 ? static_cast<int>(timeout_ms) : -1);
    if (ready > 0)
      return result::done;
    if (ready == 0)
      return result::silent;
    if (errno != EINTR)
      return result::failed;
  }
}

/// An idle connection has nothing to read but its end.
bool tcp_connection::still_open() const {
  char byte = 0;
  return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0
         && (errno == EAGAIN || errno == EWOULDBLOCK);
}

tcp_connection::result tcp_connection::send(std::string_view bytes,
                                            int64_t timeout_ms) {
  while (!bytes.empty()) {
    auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (auto waited = wait(POLLOUT, timeout_ms); waited != result::done)
        return waited;
    } else if (errno != EINTR) {
      return result::failed;
    }
  }
  return result::done;
}

tcp_connection::result tcp_connection::receive(std::string& into,
                                               int64_t timeout_ms) {
  for (;;) {
    auto before = into.size();
    into.resize(before + read_bytes_max);
    auto got = ::recv(fd_, into.data() + before, read_bytes_max, 0);
    auto error = errno;
    into.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0)
      return result::done;
    if (got == 0)
      return result::end;
    if (error == EAGAIN) {
      if (auto waited = wait(POLLIN, timeout_ms); waited != result::done)
        return waited;
    } else if (error != EINTR) {
      return result::failed;
    }
  }
}

} // namespace berth
