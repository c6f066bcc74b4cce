#include "messages/row_keys.hpp"

#include <algorithm>

namespace berth {

namespace {

constexpr char table_letter = 'j';
constexpr size_t prefix_size = 2;
constexpr size_t id_size = 16;
constexpr size_t index_size = 4;

template <class T>
void put(std::string& out, T value) {
  for (size_t i = sizeof(T); i-- > 0;)
    out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::string listing_prefix(queue_uid queue, job_status status) {
  auto key = job_row_prefix(job_row_kind::listing);
  put(key, queue.value);
  key += static_cast<char>(status);
  return key;
}

} // namespace

std::string job_row_prefix(job_row_kind kind) {
  return {table_letter, static_cast<char>(kind)};
}

std::string job_row_prefix_end(job_row_kind kind) {
  return {table_letter, static_cast<char>(static_cast<char>(kind) + 1)};
}

std::string job_row_key(job_row_kind kind, const job_id& id) {
  std::string key;
  key.reserve(prefix_size + id_size);
  key += table_letter;
  key += static_cast<char>(kind);
  key.append(reinterpret_cast<const char*>(id.bytes.data()), id_size);
  return key;
}

std::string child_row_key(job_row_kind kind, const job_key& child) {
  auto key = job_row_key(kind, child.id);
  put(key, static_cast<uint32_t>(child.index));
  return key;
}

std::string job_table_row_key() {
  return job_row_prefix(job_row_kind::table);
}

std::string listing_row_key(queue_uid queue, job_status status,
                            uint64_t position) {
  auto key = listing_prefix(queue, status);
  put(key, position);
  return key;
}

std::string listing_row_prefix_end(queue_uid queue, job_status status) {
  auto key = listing_prefix(queue, status);
  key.back() = static_cast<char>(key.back() + 1);
  return key;
}

std::string expiry_row_key(int64_t newest_ms, const job_id& first) {
  auto key = expiry_row_end(newest_ms);
  key.append(reinterpret_cast<const char*>(first.bytes.data()), id_size);
  return key;
}

std::string expiry_row_end(int64_t before_ms) {
  auto key = job_row_prefix(job_row_kind::expiry);
  put(key, static_cast<uint64_t>(std::max<int64_t>(before_ms, 0)));
  return key;
}

std::optional<parsed_job_row_key> parse_live_row_key(std::string_view key) {
  if (key.size() < prefix_size || key[0] != table_letter)
    return std::nullopt;
  parsed_job_row_key parsed;
  parsed.kind = static_cast<job_row_kind>(key[1]);
  auto rest = key.substr(prefix_size);
  switch (parsed.kind) {
  case job_row_kind::table:
    return rest.empty() ? std::optional{parsed} : std::nullopt;
  case job_row_kind::live:
  case job_row_kind::waiters:
    if (rest.size() != id_size)
      return std::nullopt;
    break;
  case job_row_kind::active_child:
    if (rest.size() != id_size + index_size)
      return std::nullopt;
    break;
  default:
    return std::nullopt;
  }
  std::copy_n(rest.begin(), id_size, parsed.job.id.bytes.begin());
  rest.remove_prefix(id_size);
  if (!rest.empty()) {
    uint32_t index = 0;
    for (auto byte : rest)
      index = index << 8 | static_cast<uint8_t>(byte);
    parsed.job.index = static_cast<int32_t>(index);
  }
  return parsed;
}

} // namespace berth
