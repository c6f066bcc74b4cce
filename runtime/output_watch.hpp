// Notices when an attempt's output file in a data folder has grown, by inotify.
#pragma once

#include "messages/ids.hpp"
#include "runtime/file_descriptor.hpp"

#include <functional>
#include <map>
#include <string>

namespace berth {

class output_watch {
public:
  /// Watches `data_folder/output`, which it makes if need be.
  explicit output_watch(const std::string& data_folder);

  /// Why it does not notice anything; empty = it does.
  const std::string& problem() const { return problem_; }
  /// Readable when something has changed; -1 when it does not notice anything.
  int fd() const { return notices_.get(); }

  using on_grown = std::function<void(const attempt_id&)>;
  /// Tells of each file that there is.
  void scan(const on_grown& tell);
  /// Tells what has changed since the last call; may tell more.
  void read(const on_grown& tell);

private:
  void watch_part(const std::string& name, const on_grown& tell);

  std::string output_;
  file_descriptor notices_;
  std::string problem_;
  /// The folders in `output`, by the numbers of their watches.
  std::map<int, std::string> parts_;
  int root_ = -1;
};

} // namespace berth
