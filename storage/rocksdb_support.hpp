// What the log's database and the stores share of RocksDB.
#pragma once

#include "storage/log.hpp"

#include <filesystem>
#include <memory>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/status.h>
#include <string>
#include <string_view>

namespace berth {

/// Settings of both: small files of its own, no statistics, errors not ignored.
/// With `silent` nothing is written beside the data (read-only opening).
rocksdb::Options rocksdb_base_options(bool silent);

/// LZ4 when the library has it, else none.
rocksdb::CompressionType rocksdb_compression();

/// What failed in words, and what to do. `subject` is "the log" or "the store";
/// damage becomes `when_damaged`, all else is `fatal`.
storage_error
rocksdb_error(const rocksdb::Status& status, std::string_view subject,
              const std::filesystem::path& folder, storage_errc when_damaged);

inline rocksdb::Slice to_slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

inline std::string_view to_view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

} // namespace berth
