#include "client/http_client.hpp"

#include "tests/support/mutations.hpp"

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace berth;
using Catch::Contains;

namespace {

/// One accepted connection of a server whose every byte the test decides.
class served_connection {
public:
  explicit served_connection(int fd) : fd_(fd) {}
  ~served_connection() { ::close(fd_); }
  served_connection(const served_connection&) = delete;
  served_connection& operator=(const served_connection&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0)
        return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// Header and body of the next request; empty at the end.
  std::string receive() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!fill())
        return {};
    auto size = end + 4;
    auto length = buffer_.find("Content-Length: ");
    if (length < end)
      size += std::stoul(buffer_.substr(length + 16));
    while (buffer_.size() < size)
      if (!fill())
        return {};
    auto request = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return request;
  }

private:
  bool fill() {
    std::array<char, 65536> piece{};
    auto got = ::recv(fd_, piece.data(), piece.size(), 0);
    if (got <= 0)
      return false;
    buffer_.append(piece.data(), static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  std::string buffer_;
};

/// Serves its connections one after another by `script`.
class scripted_server {
public:
  using script = std::function<void(served_connection&, int number)>;

  explicit scripted_server(script serve) : serve_(std::move(serve)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof(at));
    ::listen(fd_, 16);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread{[this] {
      for (int number = 1;; ++number) {
        int accepted = ::accept(fd_, nullptr, nullptr);
        if (accepted < 0)
          return;
        served_connection one{accepted};
        serve_(one, number);
      }
    }};
  }

  ~scripted_server() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }

  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

private:
  script serve_;
  int fd_ = -1;
  uint16_t port_ = 0;
  std::thread thread_;
};

std::string sized(const std::string& body, int status = 200) {
  return "HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Length: "
         + std::to_string(body.size()) + "\r\nX-Some: value\r\n\r\n" + body;
}

const http_client_error& error_of(const http_client::outcome& outcome) {
  if (auto* response = std::get_if<http_client_response>(&outcome))
    throw std::runtime_error("an answer came: "
                             + std::to_string(response->status));
  return std::get<http_client_error>(outcome);
}

const http_client_response& response_of(const http_client::outcome& outcome) {
  if (auto* error = std::get_if<http_client_error>(&outcome))
    throw std::runtime_error(error->message);
  return std::get<http_client_response>(outcome);
}

/// Answers each request with `text`, on as many connections as come.
scripted_server::script always(const std::string& text) {
  return [text](served_connection& one, int) {
    if (!one.receive().empty())
      one.send(text);
  };
}

} // namespace

TEST_CASE("a request is sent with its headers and body, and answered") {
  std::promise<std::string> seen;
  scripted_server server{[&](served_connection& one, int) {
    seen.set_value(one.receive());
    one.send(sized("{\"a\":1}", 404));
  }};
  http_client client;
  auto outcome = client.request("POST", server.url("/v1/submitjob?x=1#frag"),
                                {{"Authorization", "AWS4 x"}}, "{}");
  const auto& response = response_of(outcome);
  CHECK(response.status == 404);
  CHECK(response.body == "{\"a\":1}");
  CHECK(response.find("x-some") == "value");
  CHECK_FALSE(response.find("x-none"));
  auto text = seen.get_future().get();
  auto host = server.url("").substr(7);
  CHECK(text
        == "POST /v1/submitjob?x=1 HTTP/1.1\r\nHost: " + host
               + "\r\nAuthorization: AWS4 x\r\nContent-Length: 2\r\n\r\n{}");
}

TEST_CASE("a connection is kept as long as the server keeps it") {
  std::atomic<int> connections{0};
  scripted_server server{[&](served_connection& one, int number) {
    connections = number;
    for (int i = 0; i < 3 && !one.receive().empty(); ++i)
      one.send(sized(std::to_string(number)));
  }};
  http_client client;
  for (int i = 0; i < 3; ++i)
    CHECK(response_of(client.request("GET", server.url(), {}, "")).body == "1");
  // The server closes after three; the client finds that before it sends, or
  // else reports it.
  auto fourth = client.request("GET", server.url(), {}, "");
  if (std::holds_alternative<http_client_error>(fourth))
    fourth = client.request("GET", server.url(), {}, "");
  CHECK(response_of(fourth).body == "2");
  CHECK(connections == 2);
}

TEST_CASE("bodies of every framing are read") {
  auto body = [](const std::string& text) {
    scripted_server server{always(text)};
    http_client client;
    return response_of(client.request("GET", server.url(), {}, "")).body;
  };
  CHECK(body(sized("")).empty());
  CHECK(body("HTTP/1.1 204 No Content\r\n\r\n").empty());
  CHECK(body("HTTP/1.1 200 OK\r\n\r\nuntil the end") == "until the end");
  CHECK(body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")
        == "abcd");
  CHECK(body("HTTP/1.1 100 Continue\r\n\r\n" + sized("after")) == "after");
}

TEST_CASE("an answer to HEAD has no body") {
  scripted_server server{[](served_connection& one, int) {
    one.receive();
    one.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    one.receive();
    one.send(sized("next"));
  }};
  http_client client;
  CHECK(response_of(client.request("HEAD", server.url(), {}, "")).body.empty());
  CHECK(response_of(client.request("GET", server.url(), {}, "")).body
        == "next");
}

TEST_CASE("what is no URL, or would split a header, is not sent") {
  http_client client;
  for (std::string url :
       {"", "http://", "https://localhost/", "localhost:80", "ftp://x/",
        "http://:80/", "http://a:b/", "http://a:0/", "http://a:65536/",
        "http://a:/", "http://[::1/", "http://[::1]x/", "http://a b/",
        "http://u@a/", "http://a/\r\nX: y"}) {
    INFO(url);
    CHECK(error_of(client.request("GET", url, {}, "")).code
          == http_client_errc::bad_request);
  }
  auto outcome =
      client.request("GET", "http://127.0.0.1:1/", {{"A", "b\r\nC: d"}}, "");
  CHECK(error_of(outcome).code == http_client_errc::bad_request);
  CHECK_THAT(error_of(outcome).message, Contains("line break"));
}

TEST_CASE("a server that is not there is unreachable") {
  std::string url;
  {
    scripted_server gone{[](served_connection&, int) {}};
    url = gone.url("/x");
  }
  http_client client;
  auto outcome = client.request("GET", url, {}, "");
  CHECK(error_of(outcome).code == http_client_errc::unreachable);
  CHECK_THAT(error_of(outcome).message,
             Contains(url) && Contains("Connection refused"));
}

TEST_CASE("an answer that breaks off or is none is broken") {
  for (std::string text :
       {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Enc", "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n"}) {
    INFO(text);
    scripted_server server{always(text)};
    http_client client;
    CHECK(error_of(client.request("GET", server.url(), {}, "")).code
          == http_client_errc::broken);
  }
}

TEST_CASE("a silent server times out") {
  std::promise<void> over;
  auto done = over.get_future().share();
  scripted_server server{[done](served_connection& one, int) {
    one.receive();
    done.wait();
  }};
  http_client_options options;
  options.silence_timeout_ms = 30;
  http_client client{options};
  CHECK(error_of(client.request("GET", server.url(), {}, "")).code
        == http_client_errc::timed_out);
  over.set_value();
}

TEST_CASE("an answer larger than the limit is refused") {
  http_client_options options;
  options.body_bytes_max = 1000;
  for (const auto& text :
       {sized(std::string(1001, 'x')),
        "HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x'),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"
            + std::string(1001, 'x') + "\r\n0\r\n\r\n"}) {
    scripted_server server{always(text)};
    http_client client{options};
    CHECK(error_of(client.request("GET", server.url(), {}, "")).code
          == http_client_errc::too_large);
  }
  scripted_server server{always(sized(std::string(1000, 'x')))};
  http_client client{options};
  CHECK(response_of(client.request("GET", server.url(), {}, "")).body.size()
        == 1000);
}

TEST_CASE("a server that refuses before it has read all is heard") {
  scripted_server server{[](served_connection& one, int) {
    one.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n"
             "Connection: close\r\n\r\nbig");
    one.receive();
  }};
  http_client client;
  auto outcome =
      client.request("POST", server.url(), {}, std::string(8 << 20, 'x'));
  CHECK(response_of(outcome).status == 413);
}

TEST_CASE("lines are given as they come") {
  std::promise<void> first_line;
  auto seen = first_line.get_future().share();
  scripted_server server{[seen](served_connection& one, int) {
    one.receive();
    one.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             "8\r\nfirst\nse\r\n");
    // Only a client that gives a line before the rest is there gets it.
    seen.wait();
    one.send("5\r\ncond\n\r\n4\r\n\nend\r\n0\r\n\r\n");
  }};
  http_client client;
  std::vector<std::string> lines;
  auto outcome =
      client.read_lines(server.url(), {}, [&](std::string_view line) {
        lines.emplace_back(line);
        if (lines.size() == 1)
          first_line.set_value();
        return true;
      });
  CHECK(response_of(outcome).status == 200);
  CHECK(lines == std::vector<std::string>{"first", "second", "", "end"});
}

TEST_CASE("a reader of lines may stop") {
  std::promise<void> over;
  auto done = over.get_future().share();
  scripted_server server{[done](served_connection& one, int) {
    one.receive();
    one.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             "4\r\na\nb\n\r\n");
    done.wait();
  }};
  http_client client;
  int lines = 0;
  auto outcome = client.read_lines(server.url(), {}, [&](std::string_view) {
    ++lines;
    return false;
  });
  over.set_value();
  CHECK(response_of(outcome).status == 200);
  CHECK(lines == 1);
}

TEST_CASE("a stream that breaks off, is refused or never ends is told apart") {
  int lines = 0;
  auto count = [&](std::string_view) {
    ++lines;
    return true;
  };
  SECTION("it breaks off") {
    scripted_server server{always("HTTP/1.1 200 OK\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n"
                                  "3\r\na\nb\r\n")};
    http_client client;
    auto outcome = client.read_lines(server.url(), {}, count);
    CHECK(error_of(outcome).code == http_client_errc::broken);
    CHECK(lines == 1);
  }
  SECTION("it is refused") {
    scripted_server server{always(sized("no\nway\n", 403))};
    http_client client;
    auto outcome = client.read_lines(server.url(), {}, count);
    CHECK(response_of(outcome).status == 403);
    CHECK(response_of(outcome).body == "no\nway\n");
    CHECK(lines == 0);
  }
  SECTION("a line is too long") {
    http_client_options options;
    options.line_bytes_max = 100;
    scripted_server server{
        always("HTTP/1.1 200 OK\r\n\r\na\n" + std::string(101, 'x'))};
    http_client client{options};
    auto outcome = client.read_lines(server.url(), {}, count);
    CHECK(error_of(outcome).code == http_client_errc::too_large);
    CHECK(lines == 1);
  }
  SECTION("it is silent") {
    std::promise<void> over;
    auto done = over.get_future().share();
    scripted_server server{[done](served_connection& one, int) {
      one.receive();
      one.send("HTTP/1.1 200 OK\r\n\r\na\n");
      done.wait();
    }};
    http_client_options options;
    options.stream_silence_timeout_ms = 30;
    http_client client{options};
    auto outcome = client.read_lines(server.url(), {}, count);
    over.set_value();
    CHECK(error_of(outcome).code == http_client_errc::timed_out);
    CHECK(lines == 1);
  }
}

TEST_CASE("mutated answers are survived") {
  const std::vector<std::string> seeds{
      sized("hello"),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n" + sized("x"),
  };
  // The server's thread may draw nothing: it sends what was drawn here.
  std::mutex mutex;
  std::string text;
  scripted_server server{[&](served_connection& one, int) {
    if (one.receive().empty())
      return;
    std::lock_guard lock{mutex};
    one.send(text);
  }};
  int answers = 0;
  int errors = 0;
  rc::prop("an answer or an error that says why", [&] {
    const auto good = *rc::gen::elementOf(seeds);
    for (int round = 0; round < 8; ++round) {
      auto drawn = test::mutated_bytes(good, "\r\n :;0f");
      {
        std::lock_guard lock{mutex};
        text = drawn;
      }
      http_client client;
      auto outcome = client.request("GET", server.url(), {}, "");
      const auto* error = std::get_if<http_client_error>(&outcome);
      RC_ASSERT((error == nullptr || !error->message.empty()));
      ++(error == nullptr ? answers : errors);
    }
  });
  CHECK(answers > 20);
  CHECK(errors > 20);
}
