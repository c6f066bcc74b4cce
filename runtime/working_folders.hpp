// The fresh folder in which each attempt runs, and its removal.
//
// To make and remove a folder thousands of times is dear (ext4 looks for an
// inode that was not freed lately: milliseconds), so a folder that was left as
// it had been given is used again, under another name.
#pragma once

#include "messages/ids.hpp"
#include "runtime/process_spawner.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace berth {

/// Folders that wait for their next use.
constexpr size_t spare_folders_max = 256;

class working_folders {
public:
  /// Folders are made in `data_folder/work`. Whatever an earlier keeper left
  /// there is discarded: its attempts are over.
  explicit working_folders(std::string data_folder);

  /// Gives the attempt a folder, empty, mode 0755, owned by `user` if there is
  /// one. Empty and `error` set when it cannot.
  std::string make(const attempt_id& attempt, const process_user* user,
                   std::string& error);
  /// The folder is gone from its place when this returns. What was in it is
  /// removed bit by bit by `remove_some`, so a job's million files stop nobody.
  void discard(const std::string& folder);
  /// Removes some of what was discarded, fewer while there is other work to do;
  /// false when nothing is left.
  bool remove_some(bool is_busy);

private:
  void remove_step(size_t& budget);
  /// What cannot be removed (immutable, a mount) stays for the next keeper.
  void give_up();

  bool put_aside(const std::string& folder);
  bool times_are_exact() const;
  int64_t change_time(const std::string& path) const;

  uid_t uid_;
  gid_t gid_;
  std::string work_;
  std::string discarded_;
  std::string spare_;
  /// Names in `spare_`.
  std::vector<uint64_t> spares_;
  /// Of folders in use: the time of the last change when they were given.
  std::unordered_map<std::string, int64_t> given_;
  bool times_are_exact_ = false;
  uint64_t count_ = 0;
  /// Folders to be removed, and the way into the one at the back.
  std::vector<std::string> roots_;
  std::vector<std::string> way_;
};

} // namespace berth
