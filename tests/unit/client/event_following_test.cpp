#include "client/batch_api.hpp"

#include <arpa/inet.h>
#include <array>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace berth;
using nlohmann::json;

namespace {

/// Answers each connection with one stream of these lines.
class stream_server {
public:
  explicit stream_server(std::vector<std::string> streams)
      : streams_(std::move(streams)),
        socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(socket_, 4) == 0);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread{[this] {
      for (const auto& lines : streams_)
        serve(lines);
    }};
  }
  ~stream_server() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

  const std::string& url() const { return url_; }

private:
  void serve(const std::string& lines) const {
    int one = ::accept(socket_, nullptr, nullptr);
    if (one < 0)
      return;
    std::string asked;
    std::array<char, 4096> piece{};
    while (asked.find("\r\n\r\n") == std::string::npos) {
      auto got = ::recv(one, piece.data(), piece.size(), 0);
      if (got <= 0)
        break;
      asked.append(piece.data(), static_cast<size_t>(got));
    }
    auto answer = "HTTP/1.1 200 OK\r\nContent-Length: "
                  + std::to_string(lines.size()) + "\r\n\r\n" + lines;
    ::send(one, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(one);
  }

  std::vector<std::string> streams_;
  int socket_;
  std::string url_;
  std::thread thread_;
};

} // namespace

TEST_CASE("a stream that would have a gap ends, and is followed anew") {
  stream_server server{
      {"\n{\"n\":1}\n{\"error\":{\"message\":\"a gap\"}}\n", "\n{\"n\":2}\n"}};
  batch_api api{{server.url(), {}, "us-east-1", {}}};
  int opened = 0;
  std::vector<int> events;
  auto on_open = [&] {
    ++opened;
    return true;
  };
  auto on_event = [&](const json& event) {
    events.push_back(event.at("n").get<int>());
    return events.back() != 2;
  };
  // Not over: whoever follows looks anew and asks again.
  CHECK_FALSE(api.follow_events(on_open, on_event));
  CHECK(opened == 1);
  CHECK(events == std::vector{1});
  CHECK(api.follow_events(on_open, on_event));
  CHECK(opened == 2);
  CHECK(events == std::vector{1, 2});
}
