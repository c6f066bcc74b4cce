// Every key of the log's database and of the stores is made and parsed here.
// Keys compare by their bytes, so each part is written in an order-preserving
// form: numbers big-endian, text escaped and terminated.
#pragma once

#include "messages/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace berth {

/// Appends parts to a key. Keys with the same parts compare as their parts do,
/// the first part first.
class key_writer {
public:
  key_writer& u8(uint8_t value);
  key_writer& u32(uint32_t value);
  key_writer& u64(uint64_t value);
  /// Negative numbers sort before positive ones.
  key_writer& i64(int64_t value);
  /// Any bytes, also zeros; a text sorts before its own extensions.
  key_writer& text(std::string_view value);
  /// 16 bytes, as they are.
  key_writer& job(const job_id& id);

  std::string take() { return std::move(key_); }

private:
  std::string key_;
};

/// Reads the parts back in the order written. After a part that is not there
/// every further part is a default value and `complete` is false.
class key_reader {
public:
  explicit key_reader(std::string_view key) : rest_(key) {}

  uint8_t u8();
  uint32_t u32();
  uint64_t u64();
  int64_t i64();
  std::string text();
  job_id job();

  /// Every part was there and nothing is left.
  bool complete() const { return ok_ && rest_.empty(); }

private:
  std::string_view take(size_t size);

  std::string_view rest_;
  bool ok_ = true;
};

/// The least key greater than every key that starts with `prefix`: the `to` of
/// a scan over them. The prefix must have a byte other than 0xff.
std::string prefix_end(std::string_view prefix);

/// Key of a record in the embedded log: partition u32, offset u64.
struct log_record_key {
  shard_id partition;
  log_offset offset = 0;
  BERTH_FIELDS(partition, offset)
};
std::string to_key(const log_record_key& key);
std::optional<log_record_key> parse_log_record_key(std::string_view key);

/// Key of what the embedded log knows of itself; sorts after all records.
std::string log_description_key();

/// A store holds its checkpoint under a key of its own and each row under its
/// own key behind one byte, so that no row can be taken for the checkpoint.
std::string checkpoint_key();
std::string stored_row_key(std::string_view row_key);
/// The opposite; `stored` is a key made by `stored_row_key`.
std::string_view row_key_of(std::string_view stored);

} // namespace berth
