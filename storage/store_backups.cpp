#include "storage/store_backups.hpp"

#include "messages/codec.hpp"
#include "storage/rocksdb_support.hpp"

#include <cstdio>
#include <memory>
#include <rocksdb/utilities/backup_engine.h>
#include <utility>
#include <vector>

namespace berth {

namespace {

namespace fs = std::filesystem;

fs::path folder_of_shard(const store_backup_place& place, shard_id shard) {
  char number[8];
  std::snprintf(number, sizeof number, "%04u", shard.value);
  return place.shared / place.cluster_id / number;
}

std::unique_ptr<rocksdb::BackupEngineReadOnly> open(const fs::path& folder) {
  rocksdb::BackupEngineReadOnly* raw = nullptr;
  auto status = rocksdb::BackupEngineReadOnly::Open(
      rocksdb::Env::Default(), rocksdb::BackupEngineOptions{folder.string()},
      &raw);
  std::unique_ptr<rocksdb::BackupEngineReadOnly> opened{raw};
  return status.ok() ? std::move(opened) : nullptr;
}

/// Of one node's copies.
std::optional<store_backup> newest_in(const fs::path& folder) {
  auto engine = open(folder);
  if (!engine)
    return std::nullopt;
  std::vector<rocksdb::BackupInfo> all;
  engine->GetBackupInfo(&all);
  std::optional<store_backup> best;
  for (const auto& one : all) {
    auto at = decode<checkpoint>(one.app_metadata);
    if (at && (!best || at->folded_offset > best->at.folded_offset))
      best = {folder, one.backup_id, std::move(*at)};
  }
  return best;
}

} // namespace

fs::path store_backup_place::folder_of(shard_id shard) const {
  return folder_of_shard(*this, shard) / node;
}

std::optional<store_backup> newest_backup(const store_backup_place& place,
                                          shard_id shard) {
  std::optional<store_backup> best;
  std::error_code failure;
  for (fs::directory_iterator at{folder_of_shard(place, shard), failure}, end;
       !failure && at != end; at.increment(failure)) {
    auto found = newest_in(at->path());
    if (found && found->at.cluster_id == place.cluster_id
        && (!best || found->at.folded_offset > best->at.folded_offset))
      best = std::move(found);
  }
  return best;
}

storage_error restore_backup(const store_backup& from,
                             const fs::path& store_folder) {
  auto engine = open(from.folder);
  auto status =
      engine
          ? engine->RestoreDBFromBackup(from.number, store_folder.string(),
                                        store_folder.string())
          : rocksdb::Status::IOError("the shared checkpoint cannot be opened");
  if (!status.ok()) {
    // Its threads may still be copying other files.
    engine.reset();
    std::error_code ignored;
    fs::remove_all(store_folder, ignored);
  }
  return rocksdb_error(status, "the shared checkpoint", from.folder,
                       storage_errc::diverged);
}

} // namespace berth
