// A small blocking HTTP/1.1 client for the command line. Plain http only.
// It keeps one connection open between requests to the same server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace berth {

class tcp_connection;

struct http_client_header {
  std::string name;
  std::string value;
};

struct http_client_response {
  int status = 0;
  std::vector<http_client_header> headers;
  std::string body;

  /// The first header of that name, in any case.
  std::optional<std::string_view> find(std::string_view name) const;
};

enum class http_client_errc : uint8_t {
  /// The URL is not `http://HOST[:PORT][/PATH]`, or a header holds a line
  /// break. Nothing was sent.
  bad_request,
  /// Nobody answers at that address. Nothing was sent.
  unreachable,
  /// The other end was silent for too long. Whether it did what was asked is
  /// unknown.
  timed_out,
  /// The connection ended, or what came is not HTTP. Unknown likewise.
  broken,
  /// The response, or a line of it, is larger than the limit. Unknown likewise.
  too_large,
};

struct http_client_error {
  http_client_errc code = http_client_errc::broken;
  /// Names the URL and what is wrong.
  std::string message;
};

struct http_client_options {
  int64_t connect_timeout_ms = 5'000;
  /// Without a byte sent or received.
  int64_t silence_timeout_ms = 60'000;
  /// The same within a stream; 0 = no limit.
  int64_t stream_silence_timeout_ms = 0;
  std::size_t body_bytes_max = 256 * 1024 * 1024;
  std::size_t line_bytes_max = 4 * 1024 * 1024;
};

/// Not thread-safe.
class http_client {
public:
  using outcome = std::variant<http_client_response, http_client_error>;
  /// Gets each line without its line feed; false ends the stream.
  using line_reader = std::function<bool(std::string_view line)>;

  explicit http_client(http_client_options options = {});
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Host and Content-Length are added. Any status is a response. A request is
  /// sent a second time only when the first went to a kept connection that was
  /// found closed before a byte of it was sent.
  outcome request(const std::string& method, const std::string& url,
                  const std::vector<http_client_header>& headers,
                  const std::string& body);

  /// GETs `url` and gives the lines of a 200's body to `on_line` as they come;
  /// a last line without line feed counts when the body is complete. The
  /// response's own body stays empty. Other statuses are returned with their
  /// body and no line. An interrupted body is `broken`.
  outcome read_lines(const std::string& url,
                     const std::vector<http_client_header>& headers,
                     const line_reader& on_line);

private:
  struct call;

  static std::optional<http_client_error>
  prepare(call& what, const std::string& method, const std::string& url,
          const std::vector<http_client_header>& headers,
          const std::string* body);
  std::optional<http_client_error> connect(const call& what);
  outcome perform(call& what);
  outcome receive(call& what);
  outcome fail(const call& what, http_client_errc code, const std::string& why);

  http_client_options options_;
  std::unique_ptr<tcp_connection> kept_;
};

} // namespace berth
