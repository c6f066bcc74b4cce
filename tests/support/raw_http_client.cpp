#include "tests/support/raw_http_client.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace berth::test {

namespace {

constexpr int patience_ms = 30'000;

void wait_for(int fd, short events) {
  pollfd one{fd, events, 0};
  if (::poll(&one, 1, patience_ms) <= 0)
    throw std::runtime_error("nothing happened on the connection for 30 s");
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

} // namespace

raw_http_client::raw_http_client(uint16_t port, int receive_buffer_bytes) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer_bytes > 0)
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof(receive_buffer_bytes));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0)
    throw std::runtime_error(std::string{"connect: "} + std::strerror(errno));
}

raw_http_client::~raw_http_client() {
  close();
}

bool raw_http_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    wait_for(fd_, POLLOUT);
    auto sent =
        ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN)
      continue;
    if (sent < 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void raw_http_client::finish_sending() {
  ::shutdown(fd_, SHUT_WR);
}

void raw_http_client::close() {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = -1;
}

void raw_http_client::reset() {
  linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close();
}

bool raw_http_client::fill() {
  wait_for(fd_, POLLIN);
  std::array<char, 65536> chunk{};
  auto got = ::recv(fd_, chunk.data(), chunk.size(), 0);
  if (got <= 0)
    return false;
  buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  return true;
}

std::string raw_http_client::receive_until(std::string_view text) {
  std::size_t at = 0;
  while ((at = buffer_.find(text)) == std::string::npos)
    if (!fill())
      return {};
  auto result = buffer_.substr(0, at + text.size());
  buffer_.erase(0, at + text.size());
  return result;
}

std::optional<raw_http_reply> raw_http_client::receive() {
  auto head = receive_until("\r\n\r\n");
  if (head.size() < 12)
    return std::nullopt;
  raw_http_reply reply;
  reply.status = std::stoi(head.substr(9, 3));
  auto line = head.find("\r\n") + 2;
  while (line + 2 < head.size()) {
    auto end = head.find("\r\n", line);
    auto colon = head.find(':', line);
    reply.headers[lower(head.substr(line, colon - line))] =
        head.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  if (reply.headers.count("content-length") != 0) {
    auto size = std::stoul(reply.headers["content-length"]);
    while (buffer_.size() < size)
      if (!fill())
        return reply;
    reply.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    reply.complete = true;
  } else if (reply.headers.count("transfer-encoding") != 0) {
    for (;;) {
      auto size_line = receive_until("\r\n");
      if (size_line.empty())
        return reply;
      auto size = std::stoul(size_line, nullptr, 16);
      while (buffer_.size() < size + 2)
        if (!fill())
          return reply;
      reply.body += buffer_.substr(0, size);
      buffer_.erase(0, size + 2);
      if (size == 0)
        break;
    }
    reply.complete = true;
  } else {
    reply.body = receive_to_end();
    reply.complete = true;
  }
  return reply;
}

std::string raw_http_client::receive_to_end() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

std::string get_request(std::string_view target) {
  return "GET " + std::string{target} + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

std::string post_request(std::string_view target, std::string_view body) {
  return "POST " + std::string{target}
         + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
         + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

} // namespace berth::test
