// What a streamed response holds between its producer, on any thread, and its
// connection, on the server's thread.
#pragma once

#include "api/http_server.hpp"

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace berth {

/// Thread-safe. Bytes go in framed as chunks (or raw, for HTTP/1.0) and come
/// out as they go to the socket.
class http_stream_buffer {
public:
  enum class outcome : uint8_t {
    /// Kept; the connection has been told already.
    kept,
    /// Kept; the connection has to be told.
    tell,
    /// Refused: would exceed the limit. The stream is closed now and the
    /// connection has to be told. Said once.
    overflow,
    /// Refused: closed or finished before.
    closed,
  };

  http_stream_buffer(http_stream_options options, bool chunked,
                     std::size_t bytes_max);

  outcome send(std::string_view bytes);
  outcome finish();
  std::size_t pending_bytes() const;
  bool closed() const;

  /// The response that opens the stream; its body is empty.
  const http_response& head() const { return head_; }
  bool chunked() const { return chunked_; }

  /// Appends what waits to `out`; from then until the next call it counts as in
  /// flight. Returns true when that was the end of the stream.
  bool take(std::string& out);
  /// All that was taken has left. True when nothing waits behind it.
  bool taken_has_left();
  void call_drained();

  /// Ends the stream from the connection's side, and calls `on_closed` unless
  /// it was finished.
  void close(stream_end why);
  /// Ends it before it was born: no callback.
  void discard();

private:
  void append(std::string_view bytes);

  const http_response head_;
  const bool chunked_;
  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::function<void(stream_end)> on_closed_;
  std::function<void()> on_drained_;
  std::string waiting_;
  std::size_t in_flight_ = 0;
  bool finished_ = false;
  bool closed_ = false;
  bool told_ = false;
  bool ended_ = false;
};

} // namespace berth
