#include "api/http_stream_buffer.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace berth {

namespace {

http_response head_of(const http_stream_options& options) {
  http_response head;
  head.status = options.status;
  head.content_type = options.content_type;
  head.headers = options.headers;
  return head;
}

} // namespace

http_stream_buffer::http_stream_buffer(http_stream_options options,
                                       bool chunked, std::size_t bytes_max)
    : head_(head_of(options)), chunked_(chunked), bytes_max_(bytes_max),
      on_closed_(std::move(options.on_closed)),
      on_drained_(std::move(options.on_drained)) {}

void http_stream_buffer::append(std::string_view bytes) {
  if (!chunked_) {
    waiting_ += bytes;
    return;
  }
  std::array<char, 24> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  waiting_ += size.data();
  waiting_ += bytes;
  waiting_ += "\r\n";
}

http_stream_buffer::outcome http_stream_buffer::send(std::string_view bytes) {
  std::lock_guard lock{mutex_};
  if (closed_ || finished_)
    return outcome::closed;
  // An empty chunk would end the response.
  if (bytes.empty())
    return outcome::kept;
  if (waiting_.size() + in_flight_ + bytes.size() > bytes_max_) {
    closed_ = true;
    return outcome::overflow;
  }
  append(bytes);
  return std::exchange(told_, true) ? outcome::kept : outcome::tell;
}

http_stream_buffer::outcome http_stream_buffer::finish() {
  std::lock_guard lock{mutex_};
  if (closed_ || finished_)
    return outcome::closed;
  finished_ = true;
  return std::exchange(told_, true) ? outcome::kept : outcome::tell;
}

std::size_t http_stream_buffer::pending_bytes() const {
  std::lock_guard lock{mutex_};
  return waiting_.size() + in_flight_;
}

bool http_stream_buffer::closed() const {
  std::lock_guard lock{mutex_};
  return closed_ || finished_;
}

bool http_stream_buffer::take(std::string& out) {
  std::lock_guard lock{mutex_};
  told_ = false;
  if (ended_)
    return true;
  out += waiting_;
  in_flight_ += waiting_.size();
  waiting_.clear();
  if (!finished_)
    return false;
  ended_ = true;
  if (chunked_)
    out += "0\r\n\r\n";
  return true;
}

bool http_stream_buffer::taken_has_left() {
  std::lock_guard lock{mutex_};
  bool had = in_flight_ > 0;
  in_flight_ = 0;
  return had && waiting_.empty() && !finished_ && !closed_;
}

void http_stream_buffer::call_drained() {
  // Only the server's thread changes the callbacks, so no lock is held. What is
  // called may close the stream, so it is a copy.
  auto call = on_drained_;
  if (call)
    call();
}

void http_stream_buffer::close(stream_end why) {
  std::function<void(stream_end)> on_closed;
  std::function<void()> on_drained;
  {
    std::lock_guard lock{mutex_};
    closed_ = true;
    if (!finished_)
      on_closed = std::move(on_closed_);
    // What a callback holds may be this stream itself.
    on_closed_ = nullptr;
    on_drained = std::exchange(on_drained_, nullptr);
    waiting_ = {};
    in_flight_ = 0;
  }
  if (on_closed)
    on_closed(why);
}

void http_stream_buffer::discard() {
  std::function<void(stream_end)> on_closed;
  std::function<void()> on_drained;
  std::lock_guard lock{mutex_};
  closed_ = true;
  on_closed.swap(on_closed_);
  on_drained.swap(on_drained_);
}

} // namespace berth
