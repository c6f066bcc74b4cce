#include "runtime/keeper_frames.hpp"

#include "messages/assert.hpp"
#include "messages/keeper_protocol.hpp"

namespace berth {

namespace {
constexpr size_t length_bytes = 4;
} // namespace

void append_frame(std::string& out, std::string_view body) {
  BERTH_ASSERT(body.size() <= keeper_frame_bytes_max,
               "senders keep their frames within the limit");
  auto length = static_cast<uint32_t>(body.size());
  for (size_t i = 0; i < length_bytes; ++i)
    out += static_cast<char>(length >> (8 * i) & 0xff);
  out += body;
}

void frame_reader::append(std::string_view bytes) {
  if (read_ == bytes_.size()) {
    bytes_.clear();
    read_ = 0;
  } else if (read_ > keeper_frame_bytes_max) {
    bytes_.erase(0, read_);
    read_ = 0;
  }
  bytes_ += bytes;
}

std::optional<std::string_view> frame_reader::next() {
  if (is_damaged_ || pending() < length_bytes)
    return std::nullopt;
  uint32_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i)
    length |= static_cast<uint32_t>(static_cast<uint8_t>(bytes_[read_ + i]))
              << (8 * i);
  if (length > keeper_frame_bytes_max) {
    is_damaged_ = true;
    return std::nullopt;
  }
  if (pending() < length_bytes + length)
    return std::nullopt;
  std::string_view body{bytes_.data() + read_ + length_bytes, length};
  read_ += length_bytes + length;
  return body;
}

} // namespace berth
