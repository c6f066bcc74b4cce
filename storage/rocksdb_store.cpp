#include "storage/rocksdb_store.hpp"

#include "messages/codec.hpp"
#include "storage/keys.hpp"
#include "storage/rocksdb_support.hpp"

#include <mutex>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/backup_engine.h>
#include <utility>

namespace berth {

namespace {

constexpr double filter_bits_per_key = 10;
constexpr size_t block_bytes = 4 * 1024;
constexpr int open_files_max = 128;
/// Nothing is ever put into the memtable.
constexpr size_t memtable_bytes = 64 * 1024;
constexpr uint64_t file_bytes = 32 * 1024 * 1024;
/// Ids are random, so each checkpoint's file overlaps all others: the more are
/// merged at once, the less often the whole is written anew.
constexpr int files_merged_at_once = 8;
/// The file that a write is prepared in, beside the database's own.
constexpr uint32_t backups_kept = 2;
constexpr char unfinished_file[] = "unfinished.write";

rocksdb::Options store_options(const rocksdb_store_options& wanted) {
  auto options = rocksdb_base_options(wanted.read_only);
  options.create_if_missing = !wanted.read_only;
  options.write_buffer_size = memtable_bytes;
  options.target_file_size_base = file_bytes;
  options.max_bytes_for_level_base = 4 * file_bytes;
  options.level_compaction_dynamic_level_bytes = true;
  options.level0_file_num_compaction_trigger = files_merged_at_once;
  options.max_open_files = open_files_max;
  // One table of open files: of many small ones, some are always too small.
  options.table_cache_numshardbits = 0;

  rocksdb::BlockBasedTableOptions table;
  table.block_size = block_bytes;
  table.block_cache = rocksdb::NewLRUCache(wanted.cache_bytes);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // A filter of one piece grows with its file until the cache holds it no more,
  // and is then read whole for every lookup.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = block_bytes;
  table.pin_top_level_index_and_filter = true;
  // Most lookups are of ids never seen before; they should not touch a disk.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(filter_bits_per_key));
  table.whole_key_filtering = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class rocksdb_store final : public store {
public:
  rocksdb_store(rocksdb_store_options wanted, rocksdb::Options options,
                std::unique_ptr<rocksdb::DB> db)
      : wanted_(std::move(wanted)), options_(std::move(options)),
        db_(std::move(db)) {}

  storage_error load();

  std::optional<checkpoint> last_checkpoint() const override;
  storage_error write(const row_batch& rows, const checkpoint& at) override;
  std::optional<std::string> get(std::string_view key) const override;
  std::vector<std::optional<std::string>>
  get_each(const std::vector<std::string>& keys) const override;
  std::vector<row> scan(std::string_view from, std::string_view to,
                        size_t limit) const override;
  std::vector<row> scan_back(std::string_view from, std::string_view to,
                             size_t limit) const override;
  storage_error back_up(const std::filesystem::path& folder) override;
  storage_error damage() const override;

private:
  rocksdb::Status prepare(const std::string& file, const row_batch& rows,
                          const checkpoint& at);
  std::vector<row> collect(std::string_view from, std::string_view to,
                           size_t limit, bool backwards) const;
  void note(const rocksdb::Status& status) const;
  storage_error error_of(const rocksdb::Status& status) const {
    return rocksdb_error(status, "the store", wanted_.folder,
                         storage_errc::diverged);
  }

  rocksdb_store_options wanted_;
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::DB> db_;
  mutable std::mutex mutex_;
  std::optional<checkpoint> checkpoint_;
  mutable storage_error damage_;
};

storage_error rocksdb_store::load() {
  std::string bytes;
  auto status = db_->Get({}, checkpoint_key(), &bytes);
  if (status.ok()) {
    checkpoint_ = decode<checkpoint>(bytes);
    if (!checkpoint_)
      status = rocksdb::Status::Corruption("the checkpoint cannot be read");
  } else if (status.IsNotFound()) {
    // Before the first write there is nothing at all.
    std::unique_ptr<rocksdb::Iterator> rows{db_->NewIterator({})};
    rows->SeekToFirst();
    status = rows->Valid()
                 ? rocksdb::Status::Corruption("rows without a checkpoint")
                 : rows->status();
  }
  return error_of(status);
}

std::optional<checkpoint> rocksdb_store::last_checkpoint() const {
  std::lock_guard lock{mutex_};
  return checkpoint_;
}

rocksdb::Status rocksdb_store::prepare(const std::string& file,
                                       const row_batch& rows,
                                       const checkpoint& at) {
  rocksdb::SstFileWriter writer{rocksdb::EnvOptions{options_}, options_};
  auto status = writer.Open(file);
  if (status.ok())
    status = writer.Put(checkpoint_key(), encode(at));
  for (auto next = rows.begin(); status.ok() && next != rows.end(); ++next) {
    auto key = stored_row_key(next->first);
    status = next->second ? writer.Put(key, *next->second) : writer.Delete(key);
  }
  return status.ok() ? writer.Finish() : status;
}

storage_error rocksdb_store::write(const row_batch& rows,
                                   const checkpoint& at) {
  if (auto found = damage())
    return found;
  if (wanted_.read_only)
    return {storage_errc::fatal, "the store was opened for reading only"};
  auto file = (wanted_.folder / unfinished_file).string();
  auto status = prepare(file, rows, at);
  if (status.ok()) {
    rocksdb::IngestExternalFileOptions whole;
    whole.move_files = true;
    whole.write_global_seqno = false;
    status = db_->IngestExternalFile({file}, whole);
  }
  if (!status.ok()) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    return error_of(status);
  }
  std::lock_guard lock{mutex_};
  checkpoint_ = at;
  return {};
}

std::optional<std::string> rocksdb_store::get(std::string_view key) const {
  rocksdb::PinnableSlice value;
  auto status = db_->Get({}, db_->DefaultColumnFamily(),
                         to_slice(stored_row_key(key)), &value);
  if (status.ok())
    return value.ToString();
  if (!status.IsNotFound())
    note(status);
  return std::nullopt;
}

std::vector<std::optional<std::string>>
rocksdb_store::get_each(const std::vector<std::string>& keys) const {
  std::vector<std::string> stored;
  for (const auto& key : keys)
    stored.push_back(stored_row_key(key));
  std::vector<rocksdb::Slice> wanted;
  for (const auto& key : stored)
    wanted.push_back(to_slice(key));
  std::vector<rocksdb::PinnableSlice> values{keys.size()};
  std::vector<rocksdb::Status> statuses{keys.size()};
  db_->MultiGet({}, db_->DefaultColumnFamily(), keys.size(), wanted.data(),
                values.data(), statuses.data());
  std::vector<std::optional<std::string>> rows{keys.size()};
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok())
      rows[i] = values[i].ToString();
    else if (!statuses[i].IsNotFound())
      note(statuses[i]);
  }
  return rows;
}

std::vector<row> rocksdb_store::scan(std::string_view from, std::string_view to,
                                     size_t limit) const {
  return collect(from, to, limit, false);
}

std::vector<row> rocksdb_store::scan_back(std::string_view from,
                                          std::string_view to,
                                          size_t limit) const {
  return collect(from, to, limit, true);
}

std::vector<row> rocksdb_store::collect(std::string_view from,
                                        std::string_view to, size_t limit,
                                        bool backwards) const {
  std::vector<row> found;
  if (limit == 0 || from >= to)
    return found;
  auto lower_key = stored_row_key(from);
  auto upper_key = stored_row_key(to);
  auto lower = to_slice(lower_key);
  auto upper = to_slice(upper_key);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;
  options.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> rows{db_->NewIterator(options)};
  if (backwards)
    rows->SeekToLast();
  else
    rows->SeekToFirst();
  while (rows->Valid() && found.size() < limit) {
    found.emplace_back(row_key_of(to_view(rows->key())),
                       to_view(rows->value()));
    if (backwards)
      rows->Prev();
    else
      rows->Next();
  }
  if (!rows->status().ok())
    note(rows->status());
  return found;
}

storage_error rocksdb_store::back_up(const std::filesystem::path& folder) {
  auto at = last_checkpoint();
  if (!at)
    return {};
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  rocksdb::BackupEngine* raw = nullptr;
  auto status = rocksdb::BackupEngine::Open(
      rocksdb::Env::Default(), rocksdb::BackupEngineOptions{folder.string()},
      &raw);
  std::unique_ptr<rocksdb::BackupEngine> engine{raw};
  if (status.ok())
    status = engine->CreateNewBackupWithMetadata(db_.get(), encode(*at));
  if (status.ok())
    status = engine->PurgeOldBackups(backups_kept);
  return rocksdb_error(status, "the shared checkpoint", folder,
                       storage_errc::diverged);
}

void rocksdb_store::note(const rocksdb::Status& status) const {
  std::lock_guard lock{mutex_};
  if (!damage_)
    damage_ = error_of(status);
}

storage_error rocksdb_store::damage() const {
  std::lock_guard lock{mutex_};
  return damage_;
}

} // namespace

store_result open_rocksdb_store(const rocksdb_store_options& wanted) {
  std::error_code failure;
  if (!wanted.read_only) {
    std::filesystem::remove(wanted.folder / unfinished_file, failure);
    // A database without its CURRENT file would be taken for a new one.
    if (std::filesystem::exists(wanted.folder, failure)
        && !std::filesystem::is_empty(wanted.folder, failure)
        && !std::filesystem::exists(wanted.folder / "CURRENT", failure))
      return {nullptr,
              rocksdb_error(
                  rocksdb::Status::Corruption("the file CURRENT is missing"),
                  "the store", wanted.folder, storage_errc::diverged)};
  }
  auto options = store_options(wanted);
  rocksdb::DB* db = nullptr;
  auto folder = wanted.folder.string();
  auto status = wanted.read_only
                    ? rocksdb::DB::OpenForReadOnly(options, folder, &db)
                    : rocksdb::DB::Open(options, folder, &db);
  if (!status.ok())
    return {nullptr, rocksdb_error(status, "the store", wanted.folder,
                                   storage_errc::diverged)};
  auto opened = std::make_unique<rocksdb_store>(
      wanted, std::move(options), std::unique_ptr<rocksdb::DB>{db});
  if (auto error = opened->load())
    return {nullptr, error};
  return {std::move(opened), {}};
}

} // namespace berth
