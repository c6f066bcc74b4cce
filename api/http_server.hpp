// An HTTP/1.1 server whose replies may come later and from any thread.
//
// Keep-alive and pipelining: replies leave in the order of their requests,
// whatever the order in which they are given. A client that has gone away is
// harmless: its replies are dropped. Every buffer has a limit in the options.
#pragma once

#include "api/http_message.hpp"
#include "api/http_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth {

enum class stream_end : uint8_t {
  /// The client closed the connection, or it broke.
  client_gone,
  /// More than `stream_buffer_bytes_max` waited for the client, or it took
  /// nothing for `write_timeout_ms`.
  too_slow,
  /// The server was stopped.
  server_stopped,
};

struct http_stream_options {
  int status = 200;
  std::string content_type = "application/x-ndjson";
  http_headers headers;
  /// Called once, on the server's thread, if the stream ends before `finish`;
  /// nothing is called after it. It may hold the stream itself.
  std::function<void(stream_end)> on_closed;
  /// Called on the server's thread each time all that was sent has been handed
  /// to the operating system.
  std::function<void()> on_drained;
};

/// The sending end of a response whose length nobody knows yet. Copies are the
/// same stream; all members are thread-safe. The connection ends with the
/// stream. If the last copy goes without `finish`, the connection is cut, so
/// that the client does not take the response for whole.
class http_stream {
public:
  /// False when the stream is closed, or when `bytes` would exceed
  /// `stream_buffer_bytes_max`; then it is closed as `too_slow`.
  bool send(std::string bytes) const;
  /// Ends the response after what was sent. Later calls do nothing.
  void finish() const;
  /// Sent but not yet handed to the operating system.
  std::size_t pending_bytes() const;
  bool closed() const;

  struct handle;
  explicit http_stream(std::shared_ptr<handle> stream);

private:
  std::shared_ptr<handle> handle_;
};

/// Answers one request. Copies answer the same request: the first call of any
/// of them counts, later ones do nothing. Thread-safe; may outlive the server.
/// If the last copy goes without a call, the client gets a 500.
class http_responder {
public:
  void operator()(http_response response) const;
  /// Answers with a stream instead. If the request was answered already, or the
  /// server is stopped, the stream is born closed and nothing is called back.
  http_stream stream(http_stream_options options) const;

  struct ticket;
  explicit http_responder(std::shared_ptr<ticket> request);

private:
  std::shared_ptr<ticket> ticket_;
};

/// Called on one of the server's threads, so it must not block or throw; it may
/// answer at once or later.
using http_handler = std::function<void(http_request, http_responder)>;

/// Makes the response to a request that the handler never sees. `detail` is for
/// people.
using http_refuser =
    std::function<http_response(http_refusal, const std::string& detail)>;

/// 400, 403, 408, 413, 431, 501 or 503 in the shape of `error_response`.
http_response default_refusal(http_refusal why, const std::string& detail);

struct http_server_options {
  /// A numeric IPv4 or IPv6 address.
  std::string address = "127.0.0.1";
  /// 0 = any free one; see `bound_port`.
  uint16_t port = 0;
  /// Each connection stays on one thread for life.
  unsigned threads = 1;
  /// A request must name one of these in its Host header, with any port and in
  /// any case. An IPv6 address stands in brackets. Empty = anything.
  std::vector<std::string> allowed_hosts = {"127.0.0.1", "localhost", "[::1]"};

  http_parser_limits request;
  std::size_t connections_max = 1024;
  /// Requests of one connection that wait for their replies; beyond it the
  /// connection is not read.
  std::size_t pipelined_max = 64;
  /// Reply bytes that wait for a client; beyond it the connection is not read.
  /// One reply may exceed it.
  std::size_t write_queue_bytes_max = 1024 * 1024;
  std::size_t stream_buffer_bytes_max = 4 * 1024 * 1024;
  /// What is read and thrown away after a connection's last reply, so that a
  /// client that is still sending gets to read that reply.
  std::size_t linger_bytes_max = 256 * 1024 * 1024;

  /// From the first byte of a request to its last.
  int64_t read_timeout_ms = 20'000;
  /// Between requests.
  int64_t idle_timeout_ms = 120'000;
  /// Without the client taking a byte of a reply.
  int64_t write_timeout_ms = 30'000;
  int64_t linger_timeout_ms = 5'000;

  http_refuser refuse = default_refusal;
};

/// Since the start.
struct http_server_counters {
  uint64_t connections_accepted = 0;
  uint64_t connections_open = 0;
  uint64_t requests = 0;
  uint64_t refused = 0;
  uint64_t timed_out = 0;
};

class http_server {
public:
  http_server(http_server_options options, http_handler handler);
  /// Stops.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Binds, listens and begins to serve; returns what is wrong, naming the
  /// address, or nothing. Requires: not started before.
  std::optional<std::string> start();
  /// Closes every connection at once and waits for the threads. Streams end as
  /// `server_stopped`; answers given later are dropped. Not to be called from a
  /// handler or a callback. A second call does nothing.
  void stop();

  /// The real port. Requires: started.
  uint16_t bound_port() const;
  /// Thread-safe.
  http_server_counters counters() const;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace berth
