#include "storage/rocksdb_support.hpp"

#include <algorithm>
#include <rocksdb/convenience.h>

namespace berth {

namespace {

constexpr size_t info_log_bytes_max = 1024 * 1024;
constexpr size_t info_log_files_max = 2;
constexpr size_t manifest_preallocation_bytes = 64 * 1024;
constexpr uint64_t bytes_per_background_sync = 1024 * 1024;

class silent_log final : public rocksdb::Logger {
public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

} // namespace

rocksdb::CompressionType rocksdb_compression() {
  auto supported = rocksdb::GetSupportedCompressions();
  bool has_lz4 =
      std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression)
      != supported.end();
  return has_lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

rocksdb::Options rocksdb_base_options(bool silent) {
  rocksdb::Options options;
  options.compression = rocksdb_compression();
  options.paranoid_checks = true;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_log_file_size = info_log_bytes_max;
  options.keep_log_file_num = info_log_files_max;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.manifest_preallocation_size = manifest_preallocation_bytes;
  options.bytes_per_sync = bytes_per_background_sync;
  options.max_background_jobs = 2;
  if (silent)
    options.info_log = std::make_shared<silent_log>();
  return options;
}

storage_error
rocksdb_error(const rocksdb::Status& status, std::string_view subject,
              const std::filesystem::path& folder, storage_errc when_damaged) {
  if (status.ok())
    return {};
  auto said = std::string{subject} + " in " + folder.string();
  auto detail = " (" + status.ToString() + ")";
  if (status.IsNoSpace())
    return {storage_errc::fatal,
            said + " cannot be written: the disk is full. Free some space and"
                + " start again" + detail};
  // A file that the database names and that is not there is damage as well.
  if (status.IsCorruption() || status.IsPathNotFound()) {
    auto advice = when_damaged == storage_errc::fatal
                      ? ". Nothing in it was changed. Restore the data folder "
                        "from a copy, or start with a new one"
                      : ". It will be set aside and rebuilt from the log";
    return {when_damaged, said + " is damaged" + advice + detail};
  }
  if (status.ToString().find("lock") != std::string::npos)
    return {storage_errc::fatal,
            said + " is in use by another process. Stop that one first"
                + detail};
  return {storage_errc::fatal,
          said + " cannot be used. Check the disk, and the rights on the folder"
              + detail};
}

} // namespace berth
