// The fresh folder in which each attempt runs, and its removal.
#pragma once

#include "messages/ids.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace berth {

class working_folders {
public:
  /// Folders are made in `data_folder/work`. Whatever an earlier keeper left
  /// there is discarded: its attempts are over.
  explicit working_folders(std::string data_folder);

  /// Makes the attempt's folder, owned by `uid:gid`. Empty and `error` set when
  /// it cannot.
  std::string make(const attempt_id& attempt, uid_t uid, gid_t gid,
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

  std::string work_;
  std::string discarded_;
  uint64_t count_ = 0;
  /// Folders to be removed, and the way into the one at the back.
  std::vector<std::string> roots_;
  std::vector<std::string> way_;
};

} // namespace berth
