// Starts a job's main process: a vfork that shares the keeper's memory until
// the exec, so it costs the same however large the keeper is, and whatever goes
// wrong before the exec is known when the call returns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace berth {

/// Whom a job runs as; only root can become another user.
struct process_user {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

/// A limit for `setrlimit`; `RLIM_INFINITY` = none.
struct process_limit {
  int resource = 0;
  uint64_t soft = 0;
  uint64_t hard = 0;
  /// As people call it, for errors: `nofile`.
  std::string name;
};

struct spawn_request {
  std::vector<std::string> command;
  /// `NAME=value`; the command is looked up in this PATH.
  std::vector<std::string> environment;
  std::string folder;
  std::optional<process_user> user;
  std::vector<process_limit> limits;
  /// `cgroup.procs` files that the process enters before anything else.
  std::vector<int> cgroup_fds;
  /// /dev/null for stdin; stdout and stderr are both `output_fd`.
  int input_fd = -1;
  int output_fd = -1;
  /// Kill the process when its parent dies (where no PID namespace does).
  bool dies_with_parent = false;
};

struct spawn_outcome {
  /// Leader of a session and process group of its own; -1 = not started.
  pid_t pid = -1;
  /// Why not, worded as the ECS agent words it (AWS reference, section 15.3).
  std::string error;
};

/// Requires that every other descriptor of this process is close-on-exec.
spawn_outcome spawn_process(const spawn_request& request);

/// `CannotStartContainerError: ... caused "PROBLEM": unknown`, as a container
/// runtime says it: quotes in the problem are escaped.
std::string cannot_start(const std::string& problem);

/// Looks up `name`, `uid`, either with `:group` or `:gid`. Nothing and `error`
/// set when there is no such user or this process may not become it.
std::optional<process_user> find_user(const std::string& text,
                                      std::string& error);

/// The resource that ulimit calls `name` (`nofile`, `nproc` ...), or nothing.
std::optional<int> find_limit(const std::string& name);

} // namespace berth
