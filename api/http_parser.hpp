// Takes requests out of a stream of bytes, within limits, as they arrive.
#pragma once

#include "api/http_message.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace berth {

/// Why a request never reached the handler.
enum class http_refusal : uint8_t {
  /// Not HTTP, or not a form of it that is understood. 400.
  malformed,
  /// The header is longer than `header_bytes_max`. 431.
  header_too_large,
  /// The body is, or is announced, longer than `body_bytes_max`. 413.
  body_too_large,
  /// A transfer coding other than chunked. 501.
  unsupported_encoding,
  /// No or an unknown Host, which a web page of another origin may have sent
  /// (DNS rebinding). 403.
  unknown_host,
  /// `connections_max` are open. 503.
  too_many_connections,
  /// The request did not arrive whole within `read_timeout_ms`. 408.
  timed_out,
};

struct http_parser_limits {
  uint32_t header_bytes_max = 16 * 1024;
  uint64_t body_bytes_max = 1024 * 1024;
};

/// One request at a time. Any bytes are survived; after a failure the stream
/// cannot be resumed.
class http_request_parser {
public:
  enum class state : uint8_t { need_more, done, failed };

  explicit http_request_parser(http_parser_limits limits);
  ~http_request_parser();
  http_request_parser(const http_request_parser&) = delete;
  http_request_parser& operator=(const http_request_parser&) = delete;

  /// Consumes a prefix of `bytes` and says how long it was; what is left must
  /// be offered again, with what follows it. Requires: not done, not failed.
  std::size_t feed(std::string_view bytes);

  state current() const;
  /// Requires: failed.
  http_refusal refusal() const;
  /// What was wrong, for people. Requires: failed.
  const std::string& detail() const;

  /// True once the header is complete and the client waits to be told to send
  /// the body (`Expect: 100-continue`).
  bool awaits_continue() const;
  /// True once any byte of the request was consumed.
  bool started() const;

  /// Requires: done.
  bool keep_alive() const;
  bool http_1_0() const;
  /// Requires: done. Leaves the parser ready for the next request.
  http_request take();

private:
  struct machine;
  std::unique_ptr<machine> machine_;
  http_parser_limits limits_;
};

} // namespace berth
