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
    : work_(data_folder + "/work"),
      discarded_(data_folder + "/keeper/discarded") {
  mkdir(work_.c_str(), 0755);
  mkdir(discarded_.c_str(), 0700);
  for (const auto& name : names_in(discarded_, SIZE_MAX))
    roots_.push_back(discarded_ + '/' + name);
  for (const auto& name : names_in(work_, SIZE_MAX))
    discard(work_ + '/' + name);
}

std::string working_folders::make(const attempt_id& attempt, uid_t uid,
                                  gid_t gid, std::string& error) {
  auto path = work_ + '/' + attempt_file_name(attempt);
  if (mkdir(path.c_str(), 0755) != 0) {
    error = "cannot make the working folder " + path + ": " + strerror(errno);
    return {};
  }
  if (uid != geteuid() && chown(path.c_str(), uid, gid) != 0) {
    error = "cannot give the working folder " + path + " to user "
            + std::to_string(uid) + ": " + strerror(errno);
    rmdir(path.c_str());
    return {};
  }
  return path;
}

void working_folders::discard(const std::string& folder) {
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
