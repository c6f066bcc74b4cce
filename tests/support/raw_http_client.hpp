// A TCP client that sends exactly the bytes it is told to, for tests of what a
// server does with them. Every wait ends after 30 s as a failure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace berth::test {

struct raw_http_reply {
  int status = 0;
  /// Names in lower case.
  std::map<std::string, std::string> headers;
  /// Without the chunks' framing.
  std::string body;
  /// False when the connection ended before the body did.
  bool complete = false;
};

class raw_http_client {
public:
  /// `receive_buffer_bytes` > 0 makes a client that takes little.
  explicit raw_http_client(uint16_t port, int receive_buffer_bytes = 0);
  ~raw_http_client();
  raw_http_client(const raw_http_client&) = delete;
  raw_http_client& operator=(const raw_http_client&) = delete;

  /// False when the other end no longer takes them.
  bool send(std::string_view bytes);
  /// Says that nothing more will be sent; still receives.
  void finish_sending();
  void close();
  /// Ends the connection with a reset instead of a close.
  void reset();

  /// Reads until the text was seen; empty when the connection ended before.
  std::string receive_until(std::string_view text);
  /// The next reply; nothing when the connection ended before its header did.
  std::optional<raw_http_reply> receive();
  /// All that comes until the other end closes.
  std::string receive_to_end();

private:
  bool fill();

  int fd_ = -1;
  std::string buffer_;
};

/// `GET target` with a Host and no body.
std::string get_request(std::string_view target);
std::string post_request(std::string_view target, std::string_view body);

} // namespace berth::test
