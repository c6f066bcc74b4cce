#include "api/http_server.hpp"

#include "tests/support/raw_http_client.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace berth;
using berth::test::get_request;
using berth::test::post_request;
using berth::test::raw_http_client;

namespace {

constexpr auto patience = std::chrono::seconds{30};

/// Hands things from the server's threads to the test's.
template <class T>
class mailbox {
public:
  void put(T value) {
    std::lock_guard lock{mutex_};
    values_.push_back(std::move(value));
    ready_.notify_all();
  }

  T take() {
    std::unique_lock lock{mutex_};
    bool came =
        ready_.wait_for(lock, patience, [&] { return !values_.empty(); });
    if (!came)
      throw std::runtime_error("nothing came for 30 s");
    auto value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

  std::size_t size() {
    std::lock_guard lock{mutex_};
    return values_.size();
  }

private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<T> values_;
};

struct call {
  http_request request;
  http_responder respond;
};

http_response text_reply(std::string text) {
  http_response response;
  response.content_type = "text/plain";
  response.body = std::move(text);
  return response;
}

void echo(http_request request, http_responder respond) {
  respond(
      text_reply(request.method + " " + request.target + " " + request.body));
}

/// A started server whose calls the test answers itself, or that echoes.
struct server_under_test {
  mailbox<call> calls;
  http_server server;

  explicit server_under_test(http_server_options options = {},
                             http_handler handler = nullptr)
      : server(std::move(options), handler ? handler : collect()) {
    auto wrong = server.start();
    if (wrong)
      throw std::runtime_error(*wrong);
  }

  http_handler collect() {
    return [this](http_request request, http_responder respond) {
      calls.put({std::move(request), std::move(respond)});
    };
  }

  uint16_t port() const { return server.bound_port(); }
};

std::string error_type(const test::raw_http_reply& reply) {
  auto found = reply.headers.find("x-amzn-errortype");
  return found == reply.headers.end() ? "" : found->second;
}

long resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  long total = 0;
  long resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// Waits for the server to see something only it can see.
template <class Condition>
bool comes_true(Condition condition) {
  auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::yield();
  }
  return true;
}

} // namespace

TEST_CASE("a request reaches the handler as it was sent") {
  server_under_test under;
  raw_http_client client{under.port()};
  client.send("POST /v1/tags/arn%3Aaws%2Fx?tagKeys=a%20b&tagKeys=c HTTP/1.1\r\n"
              "Host: localhost:1234\r\nX-Amz-Target:  Logs.Get \r\n"
              "content-length: 7\r\n\r\n{\"a\":1}");
  auto got = under.calls.take();
  CHECK(got.request.method == "POST");
  CHECK(got.request.target == "/v1/tags/arn%3Aaws%2Fx");
  CHECK(got.request.query == "tagKeys=a%20b&tagKeys=c");
  CHECK(got.request.headers.find("x-amz-target").value() == "Logs.Get");
  CHECK(got.request.body == "{\"a\":1}");
  CHECK(got.request.peer_address == "127.0.0.1");
  CHECK(got.request.peer_port != 0);
  http_response response;
  response.status = 200;
  response.headers.add("x-amzn-requestid", "r-1");
  response.body = "{}";
  got.respond(response);
  auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(reply->headers.at("content-type") == "application/json");
  CHECK(reply->headers.at("x-amzn-requestid") == "r-1");
  CHECK(reply->headers.at("date").size() == 29);
  CHECK(reply->body == "{}");
}

TEST_CASE("a connection is kept for further requests") {
  server_under_test under{{}, echo};
  raw_http_client client{under.port()};
  for (int i = 0; i < 100; ++i) {
    client.send(post_request("/n" + std::to_string(i), "x"));
    auto reply = client.receive();
    REQUIRE(reply);
    CHECK(reply->body == "POST /n" + std::to_string(i) + " x");
  }
  CHECK(under.server.counters().connections_accepted == 1);
  CHECK(under.server.counters().requests == 100);
}

TEST_CASE("a request may arrive byte by byte") {
  server_under_test under{{}, echo};
  raw_http_client client{under.port()};
  for (char c : post_request("/slow", "body"))
    client.send({&c, 1});
  CHECK(client.receive()->body == "POST /slow body");
}

TEST_CASE("pipelined requests are answered in their order") {
  server_under_test under;
  raw_http_client client{under.port()};
  std::string all;
  for (int i = 0; i < 20; ++i)
    all += get_request("/" + std::to_string(i));
  client.send(all);
  std::vector<call> calls;
  for (int i = 0; i < 20; ++i)
    calls.push_back(under.calls.take());
  for (auto one = calls.rbegin(); one != calls.rend(); ++one)
    one->respond(text_reply(one->request.target));
  for (int i = 0; i < 20; ++i)
    CHECK(client.receive()->body == "/" + std::to_string(i));
}

TEST_CASE("a client that pipelines without end is not read further") {
  http_server_options options;
  options.pipelined_max = 4;
  server_under_test under{options};
  raw_http_client client{under.port()};
  constexpr int sent = 50;
  std::string all;
  for (int i = 0; i < sent; ++i)
    all += get_request("/" + std::to_string(i));
  client.send(all);
  std::deque<call> waiting;
  for (int i = 0; i < 4; ++i)
    waiting.push_back(under.calls.take());
  // The four came in one read; had a fifth been let through it would have come
  // with them.
  CHECK(under.calls.size() == 0);
  for (int i = 0; i < sent; ++i) {
    auto& oldest = waiting.front();
    oldest.respond(text_reply(oldest.request.target));
    CHECK(client.receive()->body == "/" + std::to_string(i));
    waiting.pop_front();
    if (i + 4 < sent)
      waiting.push_back(under.calls.take());
    CHECK(under.server.counters().requests
          == static_cast<uint64_t>(std::min(i + 5, sent)));
  }
}

TEST_CASE("replies may come later, from other threads, in any order") {
  http_server_options options;
  options.threads = 2;
  server_under_test under{options};
  std::vector<std::unique_ptr<raw_http_client>> clients;
  std::vector<call> calls;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(std::make_unique<raw_http_client>(under.port()));
    clients.back()->send(get_request("/" + std::to_string(i)));
    calls.push_back(under.calls.take());
  }
  std::vector<std::thread> threads;
  for (auto one = calls.rbegin(); one != calls.rend(); ++one)
    threads.emplace_back(
        [&call = *one] { call.respond(text_reply(call.request.target)); });
  for (auto& one : threads)
    one.join();
  for (int i = 0; i < 16; ++i)
    CHECK(clients[static_cast<std::size_t>(i)]->receive()->body
          == "/" + std::to_string(i));
}

TEST_CASE("many clients at once get their own answers") {
  http_server_options options;
  options.threads = 2;
  server_under_test under{options,
                          [](http_request request, http_responder respond) {
                            std::thread{[request = std::move(request),
                                         respond = std::move(respond)]() {
                              respond(text_reply(request.body));
                            }}.detach();
                          }};
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&, i] {
      raw_http_client client{under.port()};
      for (int n = 0; n < 50; ++n) {
        auto text = std::to_string(i) + "." + std::to_string(n);
        client.send(post_request("/", text));
        auto reply = client.receive();
        if (reply && reply->body == text)
          ++right;
      }
    });
  for (auto& one : threads)
    one.join();
  CHECK(right == 16 * 50);
}

TEST_CASE("only the first answer counts") {
  server_under_test under;
  raw_http_client client{under.port()};
  client.send(get_request("/"));
  auto got = under.calls.take();
  auto copy = got.respond;
  copy(text_reply("first"));
  got.respond(text_reply("second"));
  CHECK(client.receive()->body == "first");
  client.send(get_request("/"));
  under.calls.take().respond(text_reply("third"));
  CHECK(client.receive()->body == "third");
}

TEST_CASE("a request that is dropped without an answer fails as such") {
  server_under_test under{{}, [](http_request, http_responder) {}};
  raw_http_client client{under.port()};
  client.send(get_request("/"));
  auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == 500);
  CHECK(error_type(*reply) == "InternalFailure");
}

TEST_CASE("an answer to a client that has gone is harmless") {
  server_under_test under;
  std::vector<call> calls;
  for (int i = 0; i < 8; ++i) {
    raw_http_client client{under.port()};
    client.send(get_request("/"));
    calls.push_back(under.calls.take());
    if (i % 2 == 0)
      client.reset();
  }
  for (auto& one : calls)
    one.respond(text_reply(std::string(100'000, 'x')));
  raw_http_client client{under.port()};
  client.send(get_request("/alive"));
  under.calls.take().respond(text_reply("yes"));
  CHECK(client.receive()->body == "yes");
  client.close();
  CHECK(comes_true(
      [&] { return under.server.counters().connections_open == 0; }));
}

TEST_CASE("Connection: close and HTTP/1.0 end the connection after the reply") {
  server_under_test under{{}, echo};
  for (std::string request :
       {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"}) {
    raw_http_client client{under.port()};
    client.send(request + get_request("/never"));
    auto reply = client.receive();
    REQUIRE(reply);
    CHECK(reply->status == 200);
    CHECK(reply->headers.at("connection") == "close");
    CHECK(client.receive_to_end().empty());
  }
  CHECK(under.server.counters().requests == 2);
}

TEST_CASE("an HTTP/1.0 client may ask for its connection to be kept") {
  server_under_test under{{}, echo};
  raw_http_client client{under.port()};
  for (int i = 0; i < 2; ++i) {
    client.send("GET / HTTP/1.0\r\nHost: localhost\r\n"
                "Connection: keep-alive\r\n\r\n");
    CHECK(client.receive()->headers.at("connection") == "keep-alive");
  }
}

TEST_CASE("a HEAD request gets the header alone") {
  server_under_test under{{}, echo};
  raw_http_client client{under.port()};
  client.send("HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto head = client.receive_until("\r\n\r\n");
  CHECK(head.find("Content-Length: 8\r\n") != std::string::npos);
  client.send(get_request("/y"));
  CHECK(client.receive()->body == "GET /y ");
}

TEST_CASE("a chunked body is put together and its trailers are not headers") {
  server_under_test under;
  raw_http_client client{under.port()};
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\n"
              "Transfer-Encoding: chunked\r\n\r\n"
              "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Late: 1\r\n\r\n");
  auto got = under.calls.take();
  CHECK(got.request.body == "abcde");
  CHECK_FALSE(got.request.headers.find("X-Late"));
  got.respond(text_reply("ok"));
  CHECK(client.receive()->status == 200);
}

TEST_CASE("a client that asks first is told to go on") {
  server_under_test under{{}, echo};
  raw_http_client client{under.port()};
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
              "Expect: 100-continue\r\n\r\n");
  CHECK(client.receive_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  CHECK(client.receive()->body == "POST / ok");
}

TEST_CASE("a request that is not valid HTTP gets a 400 that says so") {
  server_under_test under{{}, echo};
  for (std::string bad : {
           "nonsense\r\n\r\n",
           "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
           "GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
           "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
           "GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: localhost\r\nA\x01: b\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
           "Content-Length: 2\r\n\r\nab",
           "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: localhost\r\n"
           "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
       }) {
    INFO(bad);
    raw_http_client client{under.port()};
    client.send(bad);
    auto reply = client.receive();
    REQUIRE(reply);
    CHECK(reply->status == 400);
    CHECK(error_type(*reply) == "BadRequestException");
    CHECK(reply->body.find("\"message\":\"") != std::string::npos);
    CHECK(client.receive_to_end().empty());
  }
  CHECK(under.server.counters().requests == 0);
}

TEST_CASE("a transfer coding that is not understood is refused") {
  server_under_test under{{}, echo};
  raw_http_client client{under.port()};
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\n"
              "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
  auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == 501);
}

TEST_CASE("a refusal waits for the replies before it") {
  server_under_test under;
  raw_http_client client{under.port()};
  client.send(get_request("/good") + "bad\r\n\r\n");
  auto got = under.calls.take();
  CHECK(comes_true([&] { return under.server.counters().refused == 1; }));
  got.respond(text_reply("good"));
  CHECK(client.receive()->body == "good");
  CHECK(client.receive()->status == 400);
  CHECK(client.receive_to_end().empty());
}

TEST_CASE("only known hosts are served") {
  server_under_test under{{}, echo};
  auto status = [&](const std::string& lines) {
    raw_http_client client{under.port()};
    client.send("GET / HTTP/1.1\r\n" + lines + "\r\n");
    auto reply = client.receive();
    return reply ? reply->status : 0;
  };
  CHECK(status("Host: localhost\r\n") == 200);
  CHECK(status("Host: LocalHost:8080\r\n") == 200);
  CHECK(status("Host: 127.0.0.1:1\r\n") == 200);
  CHECK(status("Host: [::1]:80\r\n") == 200);
  CHECK(status("") == 403);
  CHECK(status("Host:\r\n") == 403);
  CHECK(status("Host: evil.example\r\n") == 403);
  CHECK(status("Host: localhost.evil.example\r\n") == 403);
  CHECK(status("Host: [::1\r\n") == 403);
  CHECK(status("Host: localhost\r\nHost: localhost\r\n") == 403);
}

TEST_CASE("an announced body of 100 MB is refused before it is sent") {
  server_under_test under{{}, echo};
  raw_http_client client{under.port()};
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\n"
              "Content-Length: 104857600\r\nExpect: 100-continue\r\n\r\n");
  auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == 413);
  CHECK(error_type(*reply) == "RequestEntityTooLargeException");
  CHECK(reply->body.find("longer than 1048576 bytes") != std::string::npos);
  CHECK(reply->headers.at("connection") == "close");
}

TEST_CASE("a client that sends 100 MB all the same can read the refusal") {
  server_under_test under{{}, echo};
  raw_http_client client{under.port()};
  std::string megabyte(1 << 20, 'x');
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\n"
              "Content-Length: 104857600\r\n\r\n");
  auto before = resident_bytes();
  for (int i = 0; i < 100; ++i)
    REQUIRE(client.send(megabyte));
  CHECK(resident_bytes() - before < 16 << 20);
  CHECK(client.receive()->status == 413);
  CHECK(under.server.counters().requests == 0);
}

TEST_CASE("a chunked body beyond the limit is refused as it grows") {
  http_server_options options;
  options.request.body_bytes_max = 1000;
  server_under_test under{options, echo};
  raw_http_client client{under.port()};
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
  auto chunk = "100\r\n" + std::string(256, 'x') + "\r\n";
  for (int i = 0; i < 4; ++i)
    client.send(chunk);
  CHECK(client.receive()->status == 413);
}

TEST_CASE("a body of exactly the limit is taken") {
  http_server_options options;
  options.request.body_bytes_max = 1000;
  server_under_test under{options};
  raw_http_client client{under.port()};
  client.send(post_request("/", std::string(1000, 'x')));
  auto got = under.calls.take();
  CHECK(got.request.body.size() == 1000);
  got.respond({});
  CHECK(client.receive()->status == 200);
  client.send(post_request("/", std::string(1001, 'x')));
  CHECK(client.receive()->status == 413);
}

TEST_CASE("a header beyond the limit is refused") {
  server_under_test under{{}, echo};
  SECTION("as one long line") {
    raw_http_client client{under.port()};
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: "
                + std::string(20'000, 'x'));
    CHECK(client.receive()->status == 431);
  }
  SECTION("as many lines") {
    raw_http_client client{under.port()};
    std::string head = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    for (int i = 0; i < 5000; ++i)
      head += "X: y\r\n";
    client.send(head);
    CHECK(client.receive()->status == 431);
  }
  SECTION("as a chunk's extension") {
    raw_http_client client{under.port()};
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\n"
                "Transfer-Encoding: chunked\r\n\r\n1;"
                + std::string(60'000, 'x'));
    CHECK(client.receive()->status == 431);
  }
}

TEST_CASE("a client that never ends its request is told and closed") {
  http_server_options options;
  options.read_timeout_ms = 30;
  server_under_test under{options, echo};
  for (std::string start : {"G", "GET / HTTP/1.1\r\nHost: localhost\r\nX",
                            "POST / HTTP/1.1\r\nHost: localhost\r\n"
                            "Content-Length: 10\r\n\r\nabc"}) {
    raw_http_client client{under.port()};
    client.send(start);
    auto reply = client.receive();
    REQUIRE(reply);
    CHECK(reply->status == 408);
    CHECK(client.receive_to_end().empty());
  }
  CHECK(under.server.counters().timed_out == 3);
}

TEST_CASE("the time a handler takes is not the client's") {
  http_server_options options;
  options.read_timeout_ms = 20;
  options.idle_timeout_ms = 20;
  server_under_test under{options};
  raw_http_client patient{under.port()};
  patient.send(get_request("/"));
  auto got = under.calls.take();
  // Another connection being closed shows that the deadlines have passed.
  raw_http_client idle{under.port()};
  CHECK(idle.receive_to_end().empty());
  got.respond(text_reply("at last"));
  CHECK(patient.receive()->body == "at last");
}

TEST_CASE("an idle connection is closed") {
  http_server_options options;
  options.idle_timeout_ms = 30;
  server_under_test under{options, echo};
  raw_http_client unused{under.port()};
  raw_http_client used{under.port()};
  used.send(get_request("/"));
  CHECK(used.receive()->status == 200);
  CHECK(used.receive_to_end().empty());
  CHECK(unused.receive_to_end().empty());
}

TEST_CASE("a half-closed client gets its replies and is closed then") {
  server_under_test under;
  raw_http_client client{under.port()};
  client.send(get_request("/1") + get_request("/2"));
  client.finish_sending();
  auto first = under.calls.take();
  auto second = under.calls.take();
  second.respond(text_reply("two"));
  first.respond(text_reply("one"));
  CHECK(client.receive()->body == "one");
  CHECK(client.receive()->body == "two");
  CHECK(client.receive_to_end().empty());
}

TEST_CASE("a client that is half-closed within a request is closed") {
  server_under_test under{{}, echo};
  raw_http_client client{under.port()};
  client.send(
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx");
  client.finish_sending();
  CHECK(client.receive_to_end().empty());
  CHECK(under.server.counters().requests == 0);
}

TEST_CASE("a client that does not take its reply is closed") {
  http_server_options options;
  options.write_timeout_ms = 30;
  server_under_test under{options, [](http_request, http_responder respond) {
                            respond(text_reply(std::string(32 << 20, 'x')));
                          }};
  raw_http_client client{under.port(), 4096};
  client.send(get_request("/"));
  CHECK(comes_true([&] {
    return under.server.counters().timed_out == 1
           && under.server.counters().connections_open == 0;
  }));
}

TEST_CASE("a large reply arrives whole at a slow reader") {
  server_under_test under;
  raw_http_client client{under.port(), 4096};
  client.send(get_request("/"));
  std::string large(8 << 20, 'a');
  for (std::size_t i = 0; i < large.size(); i += 1000)
    large[i] = static_cast<char>('b' + i / 1000 % 20);
  under.calls.take().respond(text_reply(large));
  auto reply = client.receive();
  REQUIRE(reply);
  CHECK((reply->body == large));
}

TEST_CASE("connections beyond the limit are told so") {
  http_server_options options;
  options.connections_max = 2;
  server_under_test under{options, echo};
  raw_http_client one{under.port()};
  raw_http_client two{under.port()};
  one.send(get_request("/"));
  two.send(get_request("/"));
  CHECK(one.receive()->status == 200);
  CHECK(two.receive()->status == 200);
  {
    raw_http_client three{under.port()};
    auto reply = three.receive();
    REQUIRE(reply);
    CHECK(reply->status == 503);
  }
  one.close();
  CHECK(comes_true(
      [&] { return under.server.counters().connections_open == 1; }));
  raw_http_client four{under.port()};
  four.send(get_request("/"));
  CHECK(four.receive()->status == 200);
}

TEST_CASE("a refusal can be worded by its owner") {
  http_server_options options;
  options.refuse = [](http_refusal why, const std::string& detail) {
    CHECK(why == http_refusal::body_too_large);
    return error_response(400, "ClientException", "too big: " + detail);
  };
  server_under_test under{options, echo};
  raw_http_client client{under.port()};
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\n"
              "Content-Length: 2000000\r\n\r\n");
  auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->status == 400);
  CHECK(error_type(*reply) == "ClientException");
}

TEST_CASE("a server that cannot listen says why") {
  http_server_options options;
  SECTION("the port is taken") {
    server_under_test under;
    options.port = under.port();
    http_server second{options, echo};
    auto wrong = second.start();
    REQUIRE(wrong);
    CHECK(wrong->find("127.0.0.1 port " + std::to_string(options.port))
          != std::string::npos);
    CHECK(wrong->find("another process has it") != std::string::npos);
  }
  SECTION("the address is none") {
    options.address = "nowhere";
    http_server server{options, echo};
    auto wrong = server.start();
    REQUIRE(wrong);
    CHECK(wrong->find("\"nowhere\"") != std::string::npos);
  }
  SECTION("the address is not this machine's") {
    options.address = "192.0.2.1";
    http_server server{options, echo};
    CHECK(server.start());
  }
}

TEST_CASE("stopping closes open connections at once") {
  auto under = std::make_unique<server_under_test>();
  raw_http_client idle{under->port()};
  raw_http_client waiting{under->port()};
  raw_http_client partial{under->port()};
  partial.send("GET / HT");
  waiting.send(get_request("/"));
  auto got = under->calls.take();
  CHECK(comes_true(
      [&] { return under->server.counters().connections_open == 3; }));
  under->server.stop();
  CHECK(idle.receive_to_end().empty());
  CHECK(waiting.receive_to_end().empty());
  CHECK(partial.receive_to_end().empty());
  SECTION("an answer after that is dropped") {
    got.respond(text_reply("late"));
  }
  SECTION("an answer after the server's end, too") {
    under.reset();
    got.respond(text_reply("later"));
  }
  SECTION("a stream after that is born closed") {
    bool called = false;
    http_stream_options options;
    options.on_closed = [&](stream_end) { called = true; };
    auto stream = got.respond.stream(std::move(options));
    CHECK(stream.closed());
    CHECK_FALSE(stream.send("x"));
    CHECK_FALSE(called);
  }
  SECTION("it may be stopped again") {
    under->server.stop();
  }
}

TEST_CASE("stopping under load loses nothing but connections") {
  for (int round = 0; round < 10; ++round) {
    http_server_options options;
    options.threads = 2;
    auto under = std::make_unique<server_under_test>(options, echo);
    std::atomic<int> served{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, port = under->port()] {
        try {
          for (;;) {
            raw_http_client client{port};
            for (int n = 0; n < 3; ++n) {
              if (!client.send(get_request("/")) || !client.receive())
                return;
              ++served;
            }
          }
        } catch (const std::exception&) {
          // Nobody listens any more.
        }
      });
    CHECK(comes_true([&] { return served > 20; }));
    under->server.stop();
    for (auto& one : threads)
      one.join();
    CHECK(under->server.counters().connections_open == 0);
  }
}
