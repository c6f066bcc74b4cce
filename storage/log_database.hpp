// The embedded log on disk: one RocksDB, a row per record under
// (partition u32, offset u64), its value the append time (i64, big-endian) and
// the bytes; one more row describes the log. Not to be used but by `local_log`.
#pragma once

#include "storage/keys.hpp"
#include "storage/local_log.hpp"
#include "storage/log.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <rocksdb/db.h>
#include <string>
#include <vector>

namespace berth {

/// Version of this layout; a folder with a greater one is refused.
constexpr uint32_t log_layout_version = 1;

struct log_description {
  uint32_t layout_version = log_layout_version;
  std::string cluster_id;
  uint32_t partitions = 0;
  BERTH_FIELDS(layout_version, cluster_id, partitions)
};

/// What a partition holds: offsets from `begin` to before `end`.
struct partition_bounds {
  log_offset begin = 0;
  log_offset end = 0;
  /// Of the last record; 0 when there is none.
  int64_t last_append_ms = 0;
};

/// Records to be written together, by partition, in offset order.
using log_group = std::map<shard_id, std::vector<log_record>>;

class log_database;

struct log_database_result {
  std::unique_ptr<log_database> database;
  storage_error error;
};

/// Thread-safe, but one thread at a time writes.
class log_database {
public:
  static log_database_result open(const local_log_options& options);

  const log_description& description() const { return description_; }

  /// Of every partition. Reads the ends of the key ranges only.
  storage_error bounds(std::vector<partition_bounds>& out) const;

  /// All records or, after an error, perhaps some: then the disk cannot be
  /// trusted and nothing more may be written. On disk when it returns.
  storage_error write(const log_group& group);

  /// Bytes that the file system has left for us.
  uint64_t free_bytes() const;

  /// Goes through the records `from` to before `to` of a partition, all of
  /// which must exist. Valid while the database is open.
  class cursor {
  public:
    cursor(const log_database& database, shard_id partition, log_offset from,
           log_offset to);
    cursor(const cursor&) = delete;
    cursor& operator=(const cursor&) = delete;

    bool at_end() const { return next_ == to_; }

    /// Replaces `out` by the next records: at least one, then as many as fit in
    /// `bytes_max`. An error when a record is missing or damaged.
    storage_error next(size_t bytes_max, std::vector<log_record>& out);

  private:
    const log_database& database_;
    shard_id partition_;
    log_offset next_;
    log_offset to_;
    std::string upper_key_;
    rocksdb::Slice upper_;
    std::unique_ptr<rocksdb::Iterator> rows_;
  };

private:
  log_database(std::filesystem::path folder, std::unique_ptr<rocksdb::DB> db)
      : folder_(std::move(folder)), db_(std::move(db)) {}

  storage_error describe(const local_log_options& options);
  storage_error error_of(const rocksdb::Status& status) const;
  storage_error damaged(const std::string& how) const;

  std::filesystem::path folder_;
  std::unique_ptr<rocksdb::DB> db_;
  log_description description_;
};

} // namespace berth
