#include "runtime/working_folders.hpp"

#include "runtime/attempt_files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr size_t removals_when_idle_max = 200;
constexpr size_t removals_when_busy_max = 20;

constexpr mode_t folder_mode = 0755;
constexpr int64_t no_time = -1;

/// Up to `limit` names in a folder.
std::vector<std::string> names_in(const std::string& path, size_t limit) {
  std::vector<std::string> names;
  DIR* folder = opendir(path.c_str());
  if (!folder)
    return names;
  while (auto* entry = readdir(folder)) {
    std::string name = entry->d_name;
    if (name == "." || name == "..")
      continue;
    names.push_back(std::move(name));
    if (names.size() >= limit)
      break;
  }
  closedir(folder);
  return names;
}

} // namespace

working_folders::working_folders(std::string data_folder)
    : uid_(geteuid()), gid_(getegid()), work_(data_folder + "/work"),
      discarded_(data_folder + "/keeper/discarded"),
      spare_(data_folder + "/keeper/spare") {
  mkdir(work_.c_str(), 0755);
  mkdir(discarded_.c_str(), 0700);
  mkdir(spare_.c_str(), 0700);
  for (const auto& name : names_in(spare_, SIZE_MAX))
    rmdir((spare_ + '/' + name).c_str());
  for (const auto& name : names_in(discarded_, SIZE_MAX))
    roots_.push_back(discarded_ + '/' + name);
  for (const auto& name : names_in(work_, SIZE_MAX))
    discard(work_ + '/' + name);
  times_are_exact_ = times_are_exact();
}

/// When the folder's entries or attributes changed last, in ns. A folder that
/// is not as it was made has none.
int64_t working_folders::change_time(const std::string& path) const {
  struct stat s = {};
  if (lstat(path.c_str(), &s) != 0 || (s.st_mode & 07777) != folder_mode
      || s.st_uid != uid_ || s.st_gid != gid_)
    return no_time;
  return s.st_ctim.tv_sec * 1'000'000'000 + s.st_ctim.tv_nsec;
}

/// Whether two changes that follow at once have different times. Older kernels
/// count them in ticks of some milliseconds.
bool working_folders::times_are_exact() const {
  auto probe = spare_ + "/probe";
  bool exact = mkdir(probe.c_str(), folder_mode) == 0;
  for (int i = 0; exact && i < 10; ++i) {
    auto before = change_time(probe);
    exact =
        chmod(probe.c_str(), folder_mode) == 0 && change_time(probe) != before;
  }
  rmdir(probe.c_str());
  return exact;
}

std::string working_folders::make(const attempt_id& attempt,
                                  const process_user* user,
                                  std::string& error) {
  auto path = work_ + '/' + attempt_file_name(attempt);
  bool is_own = !user || (user->uid == uid_ && user->gid == gid_);
  if (is_own && !spares_.empty()) {
    auto from = spare_ + '/' + std::to_string(spares_.back());
    spares_.pop_back();
    if (rename(from.c_str(), path.c_str()) == 0) {
      given_[path] = change_time(path);
      return path;
    }
  }
  if (mkdir(path.c_str(), folder_mode) != 0) {
    error = "cannot make the working folder " + path + ": " + strerror(errno);
    return {};
  }
  if (is_own) {
    given_[path] = change_time(path);
  } else if (chown(path.c_str(), user->uid, user->gid) != 0) {
    error = "cannot give the working folder " + path + " to user "
            + std::to_string(user->uid) + ": " + strerror(errno);
    rmdir(path.c_str());
    return {};
  }
  return path;
}

/// True when the folder is as it was given, and now waits for its next use.
bool working_folders::put_aside(const std::string& folder) {
  auto found = given_.find(folder);
  if (found == given_.end())
    return false;
  auto given = found->second;
  given_.erase(found);
  if (spares_.size() >= spare_folders_max || given == no_time
      || change_time(folder) != given
      || (!times_are_exact_ && !names_in(folder, 1).empty()))
    return false;
  if (rename(folder.c_str(), (spare_ + '/' + std::to_string(++count_)).c_str())
      != 0)
    return false;
  spares_.push_back(count_);
  return true;
}

void working_folders::discard(const std::string& folder) {
  if (put_aside(folder))
    return;
  if (rmdir(folder.c_str()) == 0 || errno == ENOENT)
    return;
  std::string target;
  do {
    target = discarded_ + '/' + std::to_string(++count_);
  } while (access(target.c_str(), F_OK) == 0);
  if (rename(folder.c_str(), target.c_str()) == 0)
    roots_.insert(roots_.begin(), target);
}

bool working_folders::remove_some(bool is_busy) {
  size_t budget = is_busy ? removals_when_busy_max : removals_when_idle_max;
  while (!roots_.empty() && budget > 0) {
    if (way_.empty())
      way_.push_back(roots_.back());
    remove_step(budget);
  }
  return !roots_.empty();
}

void working_folders::give_up() {
  way_.clear();
  roots_.pop_back();
}

void working_folders::remove_step(size_t& budget) {
  auto path = way_.back();
  --budget;
  if (rmdir(path.c_str()) == 0 || unlink(path.c_str()) == 0
      || errno == ENOENT) {
    way_.pop_back();
    if (way_.empty())
      roots_.pop_back();
    return;
  }
  // A job may have taken its own folders' permissions away.
  chmod(path.c_str(), 0700);
  bool is_stuck = true;
  for (const auto& name : names_in(path, budget + 1)) {
    auto inner = path + '/' + name;
    if (unlink(inner.c_str()) == 0 || rmdir(inner.c_str()) == 0) {
      is_stuck = false;
    } else if (errno == ENOTEMPTY || errno == EEXIST || errno == EACCES) {
      way_.push_back(inner);
      return;
    }
    if (budget > 0)
      --budget;
  }
  if (is_stuck)
    give_up();
}

} // namespace berth
