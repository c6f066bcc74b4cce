// A state store on disk: one RocksDB in a folder of its own per shard.
//
// A write becomes one sorted file that is taken into the database as a whole:
// rows and checkpoint together or not at all, without a write-ahead log and
// without the rows being held in memory a second time.
#pragma once

#include "storage/store.hpp"

#include <filesystem>
#include <memory>

namespace berth {

struct rocksdb_store_options {
  std::filesystem::path folder = {};
  /// Memory for blocks, indexes and filters of this store.
  size_t cache_bytes = 8 * 1024 * 1024;
  /// Leaves the folder as it is; `write` is an error.
  bool read_only = false;
};

struct store_result {
  std::unique_ptr<store> opened;
  storage_error error;
};

/// Opens the store, or makes a new one; the parent folder must exist. The error
/// is `diverged` when it is damaged or of another layout: then the folder is to
/// be set aside and a new store filled from the log.
store_result open_rocksdb_store(const rocksdb_store_options& options);

} // namespace berth
