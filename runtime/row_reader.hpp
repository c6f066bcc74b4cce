// Fetches rows for a shard machine: from what the next checkpoint will write,
// from what is being written now, and from the store, newest first.
#pragma once

#include "actors/draft.hpp"
#include "actors/shard.hpp"
#include "storage/store.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth {

class row_reader {
public:
  explicit row_reader(std::shared_ptr<store> store)
      : store_(std::move(store)) {}

  /// Rows that are handed to the store and perhaps not in it yet.
  void set_flushing(std::shared_ptr<const row_batch> rows) {
    flushing_ = std::move(rows);
  }

  /// The row of each key, in their order.
  std::vector<std::optional<std::string>>
  get_each(const shard& machine, const std::vector<std::string>& keys) const;
  fetched_rows fetch(const shard& machine, const needed_rows& needs) const;

private:
  /// Whether the row is not the store's to tell.
  bool find_unwritten(const shard& machine, const std::string& key,
                      std::optional<std::string>& row) const;
  void fetch_range(const row_range& range, fetched_rows& into) const;

  std::shared_ptr<store> store_;
  std::shared_ptr<const row_batch> flushing_;
};

} // namespace berth
