#include "messages/ids.hpp"

#include <charconv>
#include <cstring>

namespace berth {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";
constexpr size_t uuid_length = 36;

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return -1;
}

bool is_dash_position(size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

} // namespace

shard_id shard_of(const job_id& id) {
  return shard_id{
      static_cast<uint32_t>((id.bytes[4] & 0x0f) << 8 | id.bytes[5])};
}

job_id make_job_id(const std::array<uint8_t, 16>& hash, shard_id shard) {
  job_id id{hash};
  id.bytes[4] =
      static_cast<uint8_t>((id.bytes[4] & 0xf0) | ((shard.value >> 8) & 0x0f));
  id.bytes[5] = static_cast<uint8_t>(shard.value & 0xff);
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

std::string to_string(const job_id& id) {
  std::string text;
  text.reserve(uuid_length);
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if (is_dash_position(text.size()))
      text += '-';
    text += hex_digits[id.bytes[i] >> 4];
    text += hex_digits[id.bytes[i] & 15];
  }
  return text;
}

std::optional<job_id> parse_job_id(std::string_view text) {
  if (text.size() != uuid_length)
    return std::nullopt;
  job_id id;
  size_t byte = 0;
  for (size_t i = 0; i < text.size();) {
    if (is_dash_position(i)) {
      if (text[i] != '-')
        return std::nullopt;
      ++i;
      continue;
    }
    auto high = hex_value(text[i]);
    auto low = hex_value(text[i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    id.bytes[byte++] = static_cast<uint8_t>(high << 4 | low);
    i += 2;
  }
  return id;
}

std::string to_string(const job_key& key) {
  auto text = to_string(key.id);
  if (key.is_child())
    text += ":" + std::to_string(key.index);
  return text;
}

std::optional<job_key> parse_job_key(std::string_view text) {
  auto id = parse_job_id(text.substr(0, uuid_length));
  if (!id)
    return std::nullopt;
  auto rest = text.substr(uuid_length);
  if (rest.empty())
    return job_key{*id, no_index};
  if (rest.front() != ':' || rest.size() < 2)
    return std::nullopt;
  uint16_t index = 0;
  auto [end, error] =
      std::from_chars(rest.data() + 1, rest.data() + rest.size(), index);
  if (error != std::errc{} || end != rest.data() + rest.size())
    return std::nullopt;
  return job_key{*id, index};
}

} // namespace berth

size_t
std::hash<berth::job_id>::operator()(const berth::job_id& id) const noexcept {
  uint64_t high = 0;
  uint64_t low = 0;
  std::memcpy(&high, id.bytes.data(), sizeof high);
  std::memcpy(&low, id.bytes.data() + sizeof high, sizeof low);
  return static_cast<size_t>(high ^ (low * 0x9e3779b97f4a7c15ULL));
}
