// Copies of state stores in a folder that the nodes of a cluster share, so that
// a fresh node need not read the log from its beginning.
//
//   <shared>/<cluster id>/NNNN/<node>/    of shard NNNN, RocksDB's backup
//   engine
//
// Each node writes to a folder of its own, so that two that take each other's
// place never write to the same one. Copies share the files that have not
// changed; the two newest of each are kept.
#pragma once

#include "messages/checkpoint.hpp"
#include "messages/ids.hpp"
#include "storage/log.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace berth {

struct store_backup_place {
  std::filesystem::path shared;
  std::string cluster_id;
  /// Who writes.
  std::string node;

  std::filesystem::path folder_of(shard_id shard) const;
};

struct store_backup {
  std::filesystem::path folder;
  uint32_t number = 0;
  checkpoint at;
};

/// The one that stands farthest in the log, whoever made it; nothing when there
/// is none. What is damaged or cannot be read is passed over.
std::optional<store_backup> newest_backup(const store_backup_place& place,
                                          shard_id shard);

/// Makes the store's folder, which must not exist or be empty, of the copy. An
/// error leaves nothing behind.
storage_error restore_backup(const store_backup& from,
                             const std::filesystem::path& store_folder);

} // namespace berth
