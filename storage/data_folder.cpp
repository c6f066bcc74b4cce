#include "storage/data_folder.hpp"

#include "storage/cluster_id.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace berth {

namespace fs = std::filesystem;

namespace {

constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0600;
constexpr char format_word[] = "berth-data-folder";
constexpr size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;

storage_error fatal(std::string message) {
  return {storage_errc::fatal, std::move(message)};
}

storage_error cannot(const std::string& what, const fs::path& path) {
  return fatal(what + " " + path.string() + ": " + std::strerror(errno));
}

/// Makes it with all its parents, or takes it when it is ours.
storage_error make_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder.parent_path(), failure);
  if (failure)
    return fatal("cannot make the folder " + folder.parent_path().string()
                 + ": " + failure.message());
  if (mkdir(folder.c_str(), folder_mode) == 0)
    return {};
  if (errno != EEXIST)
    return cannot("cannot make the data folder", folder);
  struct stat found {};
  if (stat(folder.c_str(), &found) != 0)
    return cannot("cannot look at the data folder", folder);
  if (!S_ISDIR(found.st_mode))
    return fatal("the data folder " + folder.string()
                 + " is not a folder. Choose another path");
  if (found.st_uid != geteuid())
    return fatal("the data folder " + folder.string()
                 + " belongs to another user. Choose another path");
  return {};
}

bool holds_nothing(const fs::path& folder) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator{folder, failure})
    if (entry.path().filename() != "lock"
        && entry.path().filename() != "format.unfinished")
      return false;
  return !failure;
}

/// The longest path in the folder that must fit a socket's address.
fs::path socket_in(const fs::path& folder) {
  return folder / "keeper" / "socket";
}

storage_error check_length(const fs::path& folder) {
  auto size = socket_in(folder).string().size();
  if (size <= socket_path_max)
    return {};
  return fatal("the path of the data folder " + folder.string() + " is "
               + std::to_string(size - socket_path_max)
               + " bytes too long for the sockets in it. Choose a shorter one");
}

std::string holder_of(int lock_fd) {
  char text[32] = {};
  auto size = pread(lock_fd, text, sizeof text - 1, 0);
  std::string pid{text, size > 0 ? static_cast<size_t>(size) : 0};
  while (!pid.empty() && (pid.back() < '0' || pid.back() > '9'))
    pid.pop_back();
  // A process that was killed leaves its number behind, and one that only
  // looks leaves none.
  bool alive =
      !pid.empty() && (kill(std::atoi(pid.c_str()), 0) == 0 || errno == EPERM);
  return alive ? "process " + pid : "another process";
}

storage_error take_lock(const fs::path& folder, folder_access access,
                        int& lock_fd) {
  auto path = folder / "lock";
  bool exclusive = access == folder_access::exclusive;
  int flags = exclusive ? O_RDWR | O_CREAT : O_RDONLY;
  lock_fd = open(path.c_str(), flags | O_CLOEXEC, file_mode);
  if (lock_fd < 0)
    return cannot("cannot open the lock of the data folder", path);
  if (flock(lock_fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return cannot("cannot lock the data folder", folder);
    return fatal("the data folder " + folder.string() + " is in use by "
                 + holder_of(lock_fd)
                 + ". Stop that one, or choose another folder with --data");
  }
  if (!exclusive)
    return {};
  auto pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock_fd, 0) != 0
      || pwrite(lock_fd, pid.data(), pid.size(), 0)
             != static_cast<ssize_t>(pid.size()))
    return cannot("cannot write the lock of the data folder", path);
  return {};
}

/// On disk when it returns, also after a crash: all of it or nothing.
storage_error write_durably(const fs::path& folder, const std::string& name,
                            const std::string& text) {
  auto unfinished = folder / (name + ".unfinished");
  int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                file_mode);
  if (fd < 0)
    return cannot("cannot write", unfinished);
  bool written =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size())
      && fsync(fd) == 0;
  auto error = written ? storage_error{} : cannot("cannot write", unfinished);
  close(fd);
  if (error)
    return error;
  if (rename(unfinished.c_str(), (folder / name).c_str()) != 0)
    return cannot("cannot write", folder / name);
  int folder_fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd < 0 || fsync(folder_fd) != 0)
    error = cannot("cannot write", folder);
  if (folder_fd >= 0)
    close(folder_fd);
  return error;
}

} // namespace

data_folder_result data_folder::open(const fs::path& folder,
                                     folder_access access) {
  std::error_code failure;
  auto path = fs::absolute(folder, failure).lexically_normal();
  if (!path.has_filename())
    path = path.parent_path();
  if (failure || path.empty())
    return {nullptr, fatal("the data folder has no usable path: '"
                           + folder.string() + "'")};
  if (auto error = check_length(path))
    return {nullptr, error};
  if (access == folder_access::exclusive) {
    if (auto error = make_folder(path))
      return {nullptr, error};
  } else if (!fs::exists(path / "format", failure)) {
    return {nullptr, fatal(path.string() + " is not a Berth data folder")};
  }
  // What is not ours gets no lock file either.
  if (!fs::exists(path / "format", failure) && !holds_nothing(path))
    return {nullptr,
            fatal("the folder " + path.string()
                  + " is not empty and not a Berth data folder. Choose an "
                    "empty or a new one with --data")};
  int lock_fd = -1;
  auto error = take_lock(path, access, lock_fd);
  std::unique_ptr<data_folder> opened{new data_folder{path, lock_fd}};
  if (!error)
    error = opened->load_format();
  if (!error && access == folder_access::exclusive)
    error = opened->make_subfolders();
  opened->exclusive_ = access == folder_access::exclusive && !error;
  if (error)
    return {nullptr, error};
  return {std::move(opened), {}};
}

data_folder::~data_folder() {
  // Closing releases the lock; until then nobody else writes the number.
  if (exclusive_ && ftruncate(lock_fd_, 0) != 0)
    std::perror("the lock of the data folder");
  if (lock_fd_ >= 0)
    close(lock_fd_);
}

storage_error data_folder::load_format() {
  std::error_code failure;
  bool exists = fs::exists(path_ / "format", failure);
  if (!exists) {
    auto text = std::string{format_word} + " "
                + std::to_string(data_folder_version) + "\ncluster "
                + random_cluster_id() + "\n";
    if (auto error = write_durably(path_, "format", text))
      return error;
  }
  auto damaged = fatal("the file " + (path_ / "format").string()
                       + " is damaged. Restore the data folder from a copy, "
                         "or start with a new one");
  std::ifstream file{path_ / "format"};
  std::string word;
  std::string cluster_word;
  uint32_t version = 0;
  file >> word >> version;
  if (word != format_word || !file)
    return damaged;
  if (version > data_folder_version)
    return fatal("the data folder " + path_.string()
                 + " was written by a newer version of Berth (layout "
                 + std::to_string(version) + ", this one knows up to "
                 + std::to_string(data_folder_version)
                 + "). Start that version, or choose another folder with "
                   "--data");
  file >> cluster_word >> cluster_id_;
  if (cluster_word != "cluster" || !parse_job_id(cluster_id_))
    return damaged;
  return {};
}

storage_error data_folder::make_subfolders() {
  if (chmod(path_.c_str(), folder_mode) != 0)
    return cannot("cannot close the data folder to other users", path_);
  for (const auto* name : {"store", "output", "work", "keeper"})
    if (mkdir((path_ / name).c_str(), folder_mode) != 0 && errno != EEXIST)
      return cannot("cannot make the folder", path_ / name);
  return {};
}

bool data_folder::may_make_log() const {
  std::error_code failure;
  bool has_stores = !fs::is_empty(path_ / "store", failure) || failure;
  return !has_stores;
}

fs::path data_folder::store_folder(shard_id shard) const {
  auto name = std::to_string(shard.value);
  name.insert(0, name.size() < 4 ? 4 - name.size() : 0, '0');
  return path_ / "store" / name;
}

fs::path data_folder::keeper_socket() const {
  return socket_in(path_);
}

storage_error data_folder::require_room(uint64_t bytes) const {
  constexpr uint64_t mib = 1024 * 1024;
  std::error_code failure;
  auto space = fs::space(path_, failure);
  if (failure || space.available >= bytes)
    return {};
  return fatal("the disk of the data folder " + path_.string() + " has "
               + std::to_string(space.available / mib) + " MiB free and needs "
               + std::to_string(bytes / mib)
               + ". Free some space, then start again");
}

storage_error data_folder::set_aside(shard_id shard, fs::path& now_at) {
  auto from = store_folder(shard);
  for (unsigned number = 1;; ++number) {
    auto to = from;
    to += ".damaged-" + std::to_string(number);
    std::error_code failure;
    if (fs::exists(to, failure))
      continue;
    if (rename(from.c_str(), to.c_str()) != 0)
      return cannot("cannot set aside the damaged store", from);
    now_at = to;
    return {};
  }
}

} // namespace berth
