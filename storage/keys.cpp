#include "storage/keys.hpp"

#include "messages/assert.hpp"

#include <algorithm>

namespace berth {

namespace {

// A zero inside a text is written as 00 ff, its end as 00 01: an end sorts
// before anything that could follow.
constexpr char escape = '\x00';
constexpr char escaped_zero = '\xff';
constexpr char text_end = '\x01';

constexpr uint64_t sign_bit = uint64_t{1} << 63;

constexpr uint8_t log_description_tag = 0xff;
constexpr char checkpoint_tag = '\x00';
constexpr char row_tag = '\x01';

template <class T>
void put_big_endian(std::string& out, T value) {
  for (size_t i = sizeof(T); i-- > 0;)
    out += static_cast<char>(value >> (8 * i) & 0xff);
}

template <class T>
T big_endian(std::string_view bytes) {
  T value = 0;
  for (auto byte : bytes)
    value = static_cast<T>(value << 8 | static_cast<uint8_t>(byte));
  return value;
}

} // namespace

key_writer& key_writer::u8(uint8_t value) {
  key_ += static_cast<char>(value);
  return *this;
}

key_writer& key_writer::u32(uint32_t value) {
  put_big_endian(key_, value);
  return *this;
}

key_writer& key_writer::u64(uint64_t value) {
  put_big_endian(key_, value);
  return *this;
}

key_writer& key_writer::i64(int64_t value) {
  return u64(static_cast<uint64_t>(value) ^ sign_bit);
}

key_writer& key_writer::text(std::string_view value) {
  for (auto c : value) {
    key_ += c;
    if (c == escape)
      key_ += escaped_zero;
  }
  key_ += escape;
  key_ += text_end;
  return *this;
}

key_writer& key_writer::job(const job_id& id) {
  key_.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
  return *this;
}

std::string_view key_reader::take(size_t size) {
  if (!ok_ || rest_.size() < size) {
    ok_ = false;
    return {};
  }
  auto part = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return part;
}

uint8_t key_reader::u8() {
  return big_endian<uint8_t>(take(1));
}

uint32_t key_reader::u32() {
  return big_endian<uint32_t>(take(4));
}

uint64_t key_reader::u64() {
  return big_endian<uint64_t>(take(8));
}

int64_t key_reader::i64() {
  auto value = u64();
  return ok_ ? static_cast<int64_t>(value ^ sign_bit) : 0;
}

std::string key_reader::text() {
  std::string value;
  while (ok_) {
    auto end = rest_.find(escape);
    if (end == std::string_view::npos || end + 1 == rest_.size())
      break;
    value += rest_.substr(0, end);
    auto mark = rest_[end + 1];
    rest_.remove_prefix(end + 2);
    if (mark == text_end)
      return value;
    if (mark != escaped_zero)
      break;
    value += escape;
  }
  ok_ = false;
  return {};
}

job_id key_reader::job() {
  job_id id;
  auto part = take(id.bytes.size());
  std::copy(part.begin(), part.end(), id.bytes.begin());
  return id;
}

std::string prefix_end(std::string_view prefix) {
  auto last = prefix.find_last_not_of('\xff');
  BERTH_ASSERT(last != std::string_view::npos,
               "no key follows a prefix of nothing but 0xff");
  std::string end{prefix.substr(0, last + 1)};
  end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

std::string to_key(const log_record_key& key) {
  BERTH_ASSERT(key.offset >= 0, "offsets count from 0");
  return key_writer{}
      .u32(key.partition.value)
      .u64(static_cast<uint64_t>(key.offset))
      .take();
}

std::optional<log_record_key> parse_log_record_key(std::string_view key) {
  key_reader reader{key};
  log_record_key parsed;
  parsed.partition.value = reader.u32();
  parsed.offset = static_cast<log_offset>(reader.u64());
  if (!reader.complete() || parsed.offset < 0)
    return std::nullopt;
  return parsed;
}

std::string log_description_key() {
  return key_writer{}.u8(log_description_tag).take();
}

std::string checkpoint_key() {
  return std::string(1, checkpoint_tag);
}

std::string stored_row_key(std::string_view row_key) {
  std::string key;
  key.reserve(row_key.size() + 1);
  key += row_tag;
  key += row_key;
  return key;
}

std::string_view row_key_of(std::string_view stored) {
  BERTH_ASSERT(!stored.empty() && stored.front() == row_tag,
               "only rows are scanned");
  return stored.substr(1);
}

} // namespace berth
