#include "storage/log_database.hpp"

#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "storage/cluster_id.hpp"
#include "storage/rocksdb_support.hpp"

#include <array>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_partitioner.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>
#include <utility>

namespace berth {

namespace {

constexpr size_t memtable_bytes = 16 * 1024 * 1024;
constexpr size_t block_bytes = 64 * 1024;
constexpr size_t block_cache_bytes = 2 * 1024 * 1024;
constexpr size_t readahead_bytes = 2 * 1024 * 1024;
constexpr int open_files_max = 128;
constexpr size_t partition_key_bytes = sizeof(uint32_t);
constexpr size_t append_time_bytes = sizeof(int64_t);

using append_time_field = std::array<char, append_time_bytes>;

append_time_field to_field(int64_t append_ms) {
  append_time_field field{};
  auto value = static_cast<uint64_t>(append_ms);
  for (size_t i = 0; i < field.size(); ++i)
    field[i] = static_cast<char>(value >> (8 * (field.size() - 1 - i)) & 0xff);
  return field;
}

int64_t from_field(std::string_view value) {
  return static_cast<int64_t>(
      key_reader{value.substr(0, append_time_bytes)}.u64());
}

rocksdb::Options log_options(bool read_only) {
  auto options = rocksdb_base_options(read_only);
  options.write_buffer_size = memtable_bytes;
  options.max_write_buffer_number = 3;
  options.allow_concurrent_memtable_write = false;
  options.max_open_files = open_files_max;
  // A torn tail is what a crash leaves. Damage before it would lose records
  // that were acknowledged, and must not pass for a crash.
  options.wal_recovery_mode =
      rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.avoid_flush_during_shutdown = true;
  // Offsets grow, so within a partition files never overlap; cut at its
  // borders they move down the levels without being rewritten.
  options.sst_partitioner_factory =
      rocksdb::NewSstPartitionerFixedPrefixFactory(partition_key_bytes);
  options.memtable_insert_with_hint_prefix_extractor.reset(
      rocksdb::NewFixedPrefixTransform(partition_key_bytes));
  options.max_bytes_for_level_base = 4 * memtable_bytes;
  options.level0_slowdown_writes_trigger = 40;
  options.level0_stop_writes_trigger = 60;

  rocksdb::BlockBasedTableOptions table;
  table.block_size = block_bytes;
  table.block_cache = rocksdb::NewLRUCache(block_cache_bytes);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::Status open_folder(const std::filesystem::path& folder, bool create,
                            bool read_only, std::unique_ptr<rocksdb::DB>& out) {
  auto options = log_options(read_only);
  options.create_if_missing = create;
  rocksdb::DB* db = nullptr;
  auto status =
      read_only ? rocksdb::DB::OpenForReadOnly(options, folder.string(), &db)
                : rocksdb::DB::Open(options, folder.string(), &db);
  out.reset(db);
  return status;
}

storage_error fatal(std::string message) {
  return {storage_errc::fatal, std::move(message)};
}

/// A new log is made under another name and then renamed, so that a crash
/// never leaves half of one.
storage_error make_log(const std::filesystem::path& folder,
                       const log_description& description) {
  auto unfinished = folder;
  unfinished += ".unfinished";
  std::error_code failure;
  std::filesystem::remove_all(unfinished, failure);
  std::unique_ptr<rocksdb::DB> db;
  auto status = open_folder(unfinished, true, false, db);
  if (status.ok()) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    status = db->Put(durable, log_description_key(), encode(description));
  }
  if (status.ok())
    status = db->Close();
  db.reset();
  if (!status.ok())
    return rocksdb_error(status, "the log", folder, storage_errc::fatal);
  std::filesystem::rename(unfinished, folder, failure);
  if (failure)
    return fatal("the log's folder " + folder.string()
                 + " cannot be made: " + failure.message());
  return {};
}

} // namespace

log_database_result log_database::open(const local_log_options& options) {
  std::error_code ignored;
  const auto& folder = options.folder;
  if (!std::filesystem::exists(folder, ignored)) {
    if (!options.create_if_missing || options.read_only)
      return {nullptr, fatal("there is no log in " + folder.string()
                             + ", where one must be. Restore the data folder "
                               "from a copy, or start with a new one")};
    log_description fresh;
    fresh.cluster_id =
        options.cluster_id.empty() ? random_cluster_id() : options.cluster_id;
    fresh.partitions = options.partitions == 0 ? 1 : options.partitions;
    if (auto error = make_log(folder, fresh))
      return {nullptr, error};
  }
  std::unique_ptr<rocksdb::DB> db;
  auto status = open_folder(folder, false, options.read_only, db);
  std::unique_ptr<log_database> opened{new log_database{folder, std::move(db)}};
  auto error =
      status.ok() ? opened->describe(options) : opened->error_of(status);
  if (error)
    return {nullptr, error};
  return {std::move(opened), {}};
}

storage_error log_database::describe(const local_log_options& options) {
  std::string bytes;
  auto status = db_->Get({}, log_description_key(), &bytes);
  if (status.IsNotFound())
    return damaged("its description is missing");
  if (!status.ok())
    return error_of(status);
  auto found = decode<log_description>(bytes);
  if (!found || found->layout_version > log_layout_version)
    return fatal("the log in " + folder_.string()
                 + " was written by a newer version of Berth"
                 + (found ? " (layout " + std::to_string(found->layout_version)
                                + ", this one knows up to "
                                + std::to_string(log_layout_version) + ")"
                          : std::string{})
                 + ". Start that version");
  if (options.partitions != 0 && options.partitions != found->partitions)
    return fatal(
        "the log in " + folder_.string() + " has "
        + std::to_string(found->partitions)
        + " shards, which is fixed when it is made, but "
        + std::to_string(options.partitions) + " are asked for. Start with "
        + std::to_string(found->partitions) + ", or with a new data folder");
  if (!options.cluster_id.empty() && options.cluster_id != found->cluster_id)
    return fatal("the log in " + folder_.string() + " belongs to cluster "
                 + found->cluster_id + ", but cluster " + options.cluster_id
                 + " is expected: the folders of two clusters were mixed. "
                   "Restore the whole data folder from one copy");
  if (found->partitions == 0 || found->partitions > log_partitions_max)
    return damaged("its description makes no sense");
  description_ = std::move(*found);
  return {};
}

storage_error log_database::error_of(const rocksdb::Status& status) const {
  return rocksdb_error(status, "the log", folder_, storage_errc::fatal);
}

storage_error log_database::damaged(const std::string& how) const {
  return error_of(rocksdb::Status::Corruption(how));
}

storage_error log_database::bounds(std::vector<partition_bounds>& out) const {
  out.assign(description_.partitions, {});
  std::unique_ptr<rocksdb::Iterator> rows{db_->NewIterator({})};
  for (uint32_t i = 0; i < description_.partitions; ++i) {
    rows->Seek(to_key(log_record_key{shard_id{i}, 0}));
    if (!rows->Valid())
      return error_of(rows->status());
    auto first = parse_log_record_key(to_view(rows->key()));
    if (!first || first->partition.value != i)
      continue;
    rows->SeekForPrev(prefix_end(key_writer{}.u32(i).take()));
    if (!rows->Valid())
      return error_of(rows->status());
    auto last = parse_log_record_key(to_view(rows->key()));
    if (!last || last->partition.value != i
        || rows->value().size() < append_time_bytes)
      return damaged("partition " + std::to_string(i) + " has no last record");
    out[i] = {first->offset, last->offset + 1,
              from_field(to_view(rows->value()))};
  }
  return {};
}

storage_error log_database::write(const log_group& group) {
  rocksdb::WriteBatch batch;
  for (const auto& [partition, records] : group) {
    for (const auto& record : records) {
      auto key = to_key(log_record_key{partition, record.offset});
      auto time = to_field(record.append_ms);
      rocksdb::Slice key_part = to_slice(key);
      std::array<rocksdb::Slice, 2> value_parts{
          rocksdb::Slice{time.data(), time.size()}, to_slice(record.bytes)};
      batch.Put(rocksdb::SliceParts{&key_part, 1},
                rocksdb::SliceParts{value_parts.data(), value_parts.size()});
    }
  }
  rocksdb::WriteOptions durable;
  durable.sync = true;
  return error_of(db_->Write(durable, &batch));
}

uint64_t log_database::free_bytes() const {
  struct statvfs space {};
  if (statvfs(folder_.c_str(), &space) != 0)
    return 0;
  return uint64_t{space.f_bavail} * space.f_frsize;
}

log_database::cursor::cursor(const log_database& database, shard_id partition,
                             log_offset from, log_offset to)
    : database_(database), partition_(partition), next_(from), to_(to),
      upper_key_(to_key(log_record_key{partition, to})),
      upper_(to_slice(upper_key_)) {
  BERTH_ASSERT(from <= to, "a reading is never ahead of its partition");
  rocksdb::ReadOptions options;
  options.readahead_size = readahead_bytes;
  options.fill_cache = false;
  options.iterate_upper_bound = &upper_;
  rows_.reset(database.db_->NewIterator(options));
  rows_->Seek(to_key(log_record_key{partition, from}));
}

storage_error log_database::cursor::next(size_t bytes_max,
                                         std::vector<log_record>& out) {
  out.clear();
  size_t bytes = 0;
  for (; next_ != to_; rows_->Next(), ++next_) {
    if (!rows_->Valid() && !rows_->status().ok())
      return database_.error_of(rows_->status());
    auto key = rows_->Valid() ? parse_log_record_key(to_view(rows_->key()))
                              : std::nullopt;
    if (!key || key->offset != next_ || key->partition != partition_
        || rows_->value().size() < append_time_bytes)
      return database_.damaged(
          "record " + std::to_string(next_) + " of partition "
          + std::to_string(partition_.value) + " is missing");
    auto value = to_view(rows_->value());
    bytes += value.size() + sizeof(log_record);
    if (!out.empty() && bytes > bytes_max)
      return {};
    out.push_back({next_, from_field(value),
                   std::string{value.substr(append_time_bytes)}});
  }
  return {};
}

} // namespace berth
