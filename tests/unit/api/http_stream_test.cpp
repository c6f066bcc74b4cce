#include "api/http_server.hpp"

#include "tests/support/raw_http_client.hpp"

#include <catch2/catch.hpp>
#include <future>
#include <thread>

using namespace berth;
using berth::test::get_request;
using berth::test::raw_http_client;

namespace {

constexpr auto patience = std::chrono::seconds{30};

/// A server that answers its one request with a stream.
struct streaming_server {
  std::promise<http_stream> opened;
  std::promise<stream_end> ended;
  std::promise<void> first_drain;
  std::atomic<int> ends{0};
  std::atomic<int> drains{0};
  http_server server;

  explicit streaming_server(http_server_options options = {})
      : server(std::move(options),
               [this](http_request, http_responder respond) {
                 http_stream_options stream;
                 stream.on_closed = [this](stream_end why) {
                   if (++ends == 1)
                     ended.set_value(why);
                 };
                 stream.on_drained = [this] {
                   if (++drains == 1)
                     first_drain.set_value();
                 };
                 opened.set_value(respond.stream(std::move(stream)));
               }) {
    auto wrong = server.start();
    if (wrong)
      throw std::runtime_error(*wrong);
  }

  http_stream open() {
    auto coming = opened.get_future();
    if (coming.wait_for(patience) != std::future_status::ready)
      throw std::runtime_error("no stream was opened in 30 s");
    auto stream = coming.get();
    // The promise's own copy would keep the stream open.
    opened = {};
    return stream;
  }

  stream_end end() {
    auto coming = ended.get_future();
    if (coming.wait_for(patience) != std::future_status::ready)
      throw std::runtime_error("the stream did not end in 30 s");
    return coming.get();
  }

  uint16_t port() const { return server.bound_port(); }
};

} // namespace

TEST_CASE("a stream's pieces arrive as they are sent, until it is finished") {
  streaming_server under;
  raw_http_client client{under.port()};
  client.send(get_request("/v1/events"));
  auto stream = under.open();
  CHECK(stream.send("one\n"));
  auto head = client.receive_until("one\n");
  CHECK(head.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(head.find("Content-Type: application/x-ndjson\r\n")
        != std::string::npos);
  CHECK(head.find("Content-Length") == std::string::npos);
  CHECK(stream.send("two\n"));
  CHECK_FALSE(client.receive_until("two\n").empty());
  CHECK(stream.send(""));
  stream.finish();
  stream.finish();
  CHECK_FALSE(stream.send("three"));
  CHECK(client.receive_to_end() == "\r\n0\r\n\r\n");
  under.server.stop();
  CHECK(under.ends == 0);
}

TEST_CASE("a stream's header arrives before its first piece") {
  streaming_server under;
  raw_http_client client{under.port()};
  client.send(get_request("/v1/events"));
  auto stream = under.open();
  CHECK_FALSE(client.receive_until("\r\n\r\n").empty());
}

TEST_CASE("a stream to an HTTP/1.0 client is not chunked") {
  streaming_server under;
  raw_http_client client{under.port()};
  client.send("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");
  auto stream = under.open();
  CHECK(stream.send("one\n"));
  CHECK(stream.send("two\n"));
  stream.finish();
  auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->headers.count("transfer-encoding") == 0);
  CHECK(reply->body == "one\ntwo\n");
}

TEST_CASE("a stream to a HEAD request is its header alone") {
  streaming_server under;
  raw_http_client client{under.port()};
  client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto stream = under.open();
  auto all = client.receive_to_end();
  CHECK(all.substr(all.size() - 4) == "\r\n\r\n");
  CHECK(under.end() == stream_end::client_gone);
  CHECK_FALSE(stream.send("x"));
}

TEST_CASE("many threads may send into one stream") {
  streaming_server under;
  raw_http_client client{under.port()};
  client.send(get_request("/"));
  auto stream = under.open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n)
        stream.send("0123456789\n");
    });
  for (auto& one : threads)
    one.join();
  stream.finish();
  auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->complete);
  CHECK(reply->body.size() == 4 * 1000 * 11);
}

TEST_CASE("a stream tells when its client goes away") {
  streaming_server under;
  raw_http_client client{under.port()};
  client.send(get_request("/"));
  auto stream = under.open();
  stream.send("hello\n");
  client.receive_until("hello\n");
  SECTION("by closing") {
    client.close();
  }
  SECTION("by resetting") {
    client.reset();
  }
  SECTION("by half-closing") {
    client.finish_sending();
  }
  CHECK(under.end() == stream_end::client_gone);
  CHECK(stream.closed());
  CHECK_FALSE(stream.send("more"));
  stream.finish();
  under.server.stop();
  CHECK(under.ends == 1);
}

TEST_CASE("a stream whose client takes too little is closed") {
  http_server_options options;
  options.stream_buffer_bytes_max = 100'000;
  SECTION("when its buffer is full") {
    streaming_server under{options};
    raw_http_client client{under.port(), 4096};
    client.send(get_request("/"));
    auto stream = under.open();
    std::string piece(10'000, 'x');
    // The kernel takes some megabytes at most.
    int sent = 0;
    while (stream.send(piece))
      REQUIRE(++sent < 10'000);
    CHECK(under.end() == stream_end::too_slow);
    CHECK(stream.pending_bytes() <= options.stream_buffer_bytes_max);
    CHECK_FALSE(client.receive()->complete);
  }
  SECTION("when it takes nothing for too long") {
    options.write_timeout_ms = 30;
    options.stream_buffer_bytes_max = 64 << 20;
    streaming_server under{options};
    raw_http_client client{under.port(), 4096};
    client.send(get_request("/"));
    auto stream = under.open();
    CHECK(stream.send(std::string(32 << 20, 'x')));
    CHECK(under.end() == stream_end::too_slow);
  }
}

TEST_CASE("a stream tells when it has drained") {
  streaming_server under;
  raw_http_client client{under.port()};
  client.send(get_request("/"));
  auto stream = under.open();
  CHECK(stream.send("hello\n"));
  REQUIRE(under.first_drain.get_future().wait_for(patience)
          == std::future_status::ready);
  CHECK(stream.pending_bytes() == 0);
  CHECK(stream.send("again\n"));
  CHECK_FALSE(client.receive_until("again\n").empty());
}

TEST_CASE("a stream may be fed by its own draining") {
  std::promise<void> gone;
  http_server server{{}, [&](http_request, http_responder respond) {
                       struct feed {
                         std::optional<http_stream> stream;
                         int left = 5000;
                       };
                       auto state = std::make_shared<feed>();
                       http_stream_options options;
                       options.on_drained = [state] {
                         if (!state->stream)
                           return;
                         if (--state->left > 0)
                           state->stream->send("x");
                         else
                           state->stream->finish();
                       };
                       state->stream = respond.stream(std::move(options));
                       state->stream->send("x");
                     }};
  REQUIRE_FALSE(server.start());
  raw_http_client client{server.bound_port()};
  client.send(get_request("/"));
  auto reply = client.receive();
  REQUIRE(reply);
  CHECK(reply->complete);
  CHECK(reply->body.size() == 5000);
}

TEST_CASE("stopping the server ends its streams") {
  streaming_server under;
  raw_http_client client{under.port()};
  client.send(get_request("/"));
  auto stream = under.open();
  client.receive_until("\r\n\r\n");
  under.server.stop();
  CHECK(under.end() == stream_end::server_stopped);
  CHECK_FALSE(stream.send("x"));
  CHECK(client.receive_to_end().empty());
}

TEST_CASE("a stream that is forgotten does not look finished") {
  streaming_server under;
  raw_http_client client{under.port()};
  client.send(get_request("/"));
  {
    auto stream = under.open();
    stream.send("half\n");
    client.receive_until("half\n");
  }
  CHECK(client.receive_to_end().find("0\r\n\r\n") == std::string::npos);
}

TEST_CASE("a stream waits for the replies before it") {
  std::promise<http_responder> first;
  http_server server{{}, [&](http_request request, http_responder respond) {
                       if (request.target == "/first") {
                         first.set_value(std::move(respond));
                         return;
                       }
                       auto stream = respond.stream({});
                       stream.send("streamed");
                       stream.finish();
                     }};
  REQUIRE_FALSE(server.start());
  raw_http_client client{server.bound_port()};
  client.send(get_request("/first") + get_request("/second")
              + get_request("/never"));
  http_response response;
  response.body = "plain";
  first.get_future().get()(response);
  CHECK(client.receive()->body == "plain");
  CHECK(client.receive()->body == "streamed");
  CHECK(client.receive_to_end().empty());
}
