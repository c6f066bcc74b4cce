// The state store: a cache of what folding a shard's log gives (rule
// Checkpoint). Implementations: `memory_store`, `rocksdb_store`. Both pass the
// same contract tests.
#pragma once

#include "messages/checkpoint.hpp"
#include "messages/ids.hpp"
#include "storage/log.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth {

/// Rows to put (a value) and to delete (nothing), by key.
using row_batch = std::map<std::string, std::optional<std::string>>;

using row = std::pair<std::string, std::string>;

/// One per shard. Not thread-safe, but what reads may run while one other
/// thread runs `write`.
class store {
public:
  virtual ~store() = default;

  /// The checkpoint written last, or nothing in a new store.
  virtual std::optional<checkpoint> last_checkpoint() const = 0;

  /// Writes all rows and the checkpoint, or nothing of it; durable when it
  /// returns. Rows are ordered by their bytes.
  virtual storage_error write(const row_batch& rows, const checkpoint& at) = 0;

  virtual std::optional<std::string> get(std::string_view key) const = 0;

  /// What `get` gives for each of the keys, in their order; quicker for many.
  virtual std::vector<std::optional<std::string>>
  get_each(const std::vector<std::string>& keys) const {
    std::vector<std::optional<std::string>> rows;
    for (const auto& key : keys)
      rows.push_back(get(key));
    return rows;
  }

  /// Rows with `from` <= key < `to`, ascending, at most `limit`.
  virtual std::vector<row> scan(std::string_view from, std::string_view to,
                                size_t limit) const = 0;
  /// The same from the other end: `from` <= key < `to`, descending.
  virtual std::vector<row> scan_back(std::string_view from, std::string_view to,
                                     size_t limit) const = 0;

  /// Copies the rows of the last checkpoint to a folder, beside earlier copies;
  /// see `storage/store_backups.hpp`. On the thread that runs `write`.
  virtual storage_error back_up(const std::filesystem::path& folder) {
    return {storage_errc::fatal,
            "this store cannot be copied to " + folder.string()};
  }

  /// Set once a read has met damage or an I/O error: what has been read since
  /// is incomplete and must not be used. Every `write` fails from then on.
  virtual storage_error damage() const { return {}; }
};

} // namespace berth
