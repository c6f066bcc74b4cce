// The data folder of one `berth dev` or node: who may use it, what is where.
//
//   format        version of the layout and id of the cluster, text
//   lock          locked while in use; holds the pid of the user
//   log/          the embedded log (`local_log`)
//   store/NNNN/   the state store of shard NNNN (`rocksdb_store`)
//   output/       stdout and stderr of attempts
//   work/         working folders of running attempts
//   keeper/       what the keeper holds, and its socket
//   endpoint      URL of the API, while it is up
//   credentials   keys of the API, mode 0600
#pragma once

#include "messages/ids.hpp"
#include "storage/log.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace berth {

/// Version of the layout above; a folder with a greater one is refused.
constexpr uint32_t data_folder_version = 1;

enum class folder_access : uint8_t {
  /// For the one process that works with it; the folder is made if missing.
  exclusive = 1,
  /// For looking at a folder that nobody works with; several may look.
  read_only = 2,
};

struct data_folder_result;

/// Holds the folder's lock while it lives. The lock does not pass to programs
/// that this process starts.
class data_folder {
public:
  /// Every error is `fatal`: in use (names the pid), made by a newer version,
  /// no data folder although not empty, not to be made or written.
  static data_folder_result open(const std::filesystem::path& folder,
                                 folder_access access);
  ~data_folder();

  data_folder(const data_folder&) = delete;
  data_folder& operator=(const data_folder&) = delete;

  /// Absolute.
  const std::filesystem::path& path() const { return path_; }
  /// A lower-case UUID, made with the folder; the log in it has the same.
  const std::string& cluster_id() const { return cluster_id_; }
  /// Whether a log may have to be made. Where there are stores there was a log,
  /// and if it is missing it must not be replaced by an empty one.
  bool may_make_log() const;

  /// `fatal` when its disk has less than this free. What works here would not
  /// get far with less, and RocksDB does not open on a disk that is quite full.
  storage_error require_room(uint64_t bytes) const;

  std::filesystem::path log_folder() const { return path_ / "log"; }
  std::filesystem::path store_folder(shard_id shard) const;
  std::filesystem::path output_folder() const { return path_ / "output"; }
  std::filesystem::path work_folder() const { return path_ / "work"; }
  std::filesystem::path keeper_folder() const { return path_ / "keeper"; }
  /// Short enough for a Unix socket's address, or `open` had failed.
  std::filesystem::path keeper_socket() const;
  std::filesystem::path endpoint_file() const { return path_ / "endpoint"; }
  std::filesystem::path credentials_file() const {
    return path_ / "credentials";
  }

  /// Renames a damaged store's folder to `NNNN.damaged-K`, with the first K
  /// from 1 that is free, and gives the new path. Never deletes anything.
  storage_error set_aside(shard_id shard, std::filesystem::path& now_at);

private:
  data_folder(std::filesystem::path path, int lock_fd)
      : path_(std::move(path)), lock_fd_(lock_fd) {}

  storage_error load_format();
  storage_error make_subfolders();

  std::filesystem::path path_;
  int lock_fd_;
  bool exclusive_ = false;
  std::string cluster_id_;
};

struct data_folder_result {
  std::unique_ptr<data_folder> opened;
  storage_error error;
};

} // namespace berth
