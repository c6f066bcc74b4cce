// A process `berth agent` in a data folder of its own.
#pragma once

#include "storage/kafka_topics.hpp"
#include "tests/support/temporary_folder.hpp"

#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace berth {

class running_agent {
public:
  /// Not started yet.
  running_agent(kafka_cluster_address at, std::string environment);
  /// Ends the agent, its keeper and the jobs.
  ~running_agent();
  running_agent(const running_agent&) = delete;
  running_agent& operator=(const running_agent&) = delete;

  /// `NAME=VALUE` of `--set`; change before `start`.
  std::vector<std::string> settings{"stop_grace_ms=300"};

  void start();
  void signal(int number);
  /// Waits for its end; the exit status, or 128 + the signal that ended it.
  int wait();
  void kill();
  pid_t pid() const { return pid_; }
  /// 0 = there is none.
  pid_t keeper_pid() const;

  std::string folder() const { return folder_.path().string(); }
  /// What it said on stderr so far.
  std::string said() const;
  /// Waits for it; throws beyond a minute.
  void wait_until_said(const std::string& text) const;

private:
  kafka_cluster_address at_;
  std::string environment_;
  temporary_folder folder_;
  temporary_folder log_folder_;
  pid_t pid_ = -1;
};

/// Waits until it holds, at most a minute; false beyond. For what nobody tells.
bool comes_true(const std::function<bool()>& holds);

} // namespace berth
