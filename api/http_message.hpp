// What goes over HTTP, as plain values: a request as it was sent, undecoded,
// and a response. RFC 9110 and 9112 are the source of the names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

struct http_header {
  std::string_view name;
  std::string_view value;
};

/// Header lines in the order they came; names compare without regard to case.
/// All text lies in one string, so a message costs two allocations. Views stay
/// valid until the next `add` or the end of the object.
class http_headers {
public:
  void add(std::string_view name, std::string_view value);
  void clear();

  /// The first header of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  std::size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }
  http_header operator[](std::size_t position) const;

private:
  struct place {
    uint32_t begin = 0;
    uint32_t name_length = 0;
    uint32_t value_length = 0;
  };
  std::string text_;
  std::vector<place> places_;
};

/// ASCII only, as header and host names are.
bool equal_ignoring_case(std::string_view left, std::string_view right);

struct http_request {
  std::string method;
  /// The path as it was sent: never decoded, so that a `%2F` inside a segment
  /// is not taken for a slash. Begins with a slash.
  std::string target;
  /// What follows the first question mark, undecoded; empty when there is none.
  std::string query;
  http_headers headers;
  std::string body;
  /// Numeric address of the other end, without its port.
  std::string peer_address;
  uint16_t peer_port = 0;
};

struct http_response {
  int status = 200;
  /// No such header is sent when empty.
  std::string content_type = "application/json";
  /// Besides Content-Type, Content-Length, Connection, Transfer-Encoding and
  /// Date, which the server writes itself. Names and values hold no line break.
  http_headers headers;
  std::string body;
};

/// The standard phrase of a status; "Status" for one that has none.
std::string_view reason_phrase(int status);

/// An error as the AWS SDKs read it: `x-amzn-errortype: TYPE` and a JSON body
/// `{"__type":"TYPE","message":"..."}` (AWS Batch reference, "Errors").
http_response error_response(int status, std::string_view type,
                             std::string_view message);

/// How the length of a response's body is told.
enum class http_framing : uint8_t {
  /// Content-Length says it.
  sized,
  /// The body comes in chunks.
  chunked,
  /// The body ends with the connection (HTTP/1.0).
  until_close,
};

struct http_head_options {
  http_framing framing = http_framing::sized;
  std::size_t body_bytes = 0;
  bool keep_alive = true;
  /// Of the request; an HTTP/1.0 client is told that its connection is kept.
  bool http_1_0 = false;
  /// As in RFC 9110, 5.6.7; no Date header is sent when empty.
  std::string_view date;
};

/// Appends status line and headers, up to and with the empty line.
void append_response_head(std::string& out, const http_response& response,
                          const http_head_options& options);

/// `unix_seconds` as a Date header says it: `Sun, 06 Nov 1994 08:49:37 GMT`.
std::string http_date(int64_t unix_seconds);

} // namespace berth
