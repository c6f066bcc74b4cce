// Enforces what a job asked for. Where the machine allows, attempts run in
// cgroups: memory is a hard limit (swap included), CPU a weight of 1024 per
// vCPU as on ECS (or a hard limit, if so configured), and the cgroup names
// every process of the attempt, whatever these did to hide. Cgroups are dear to
// make, so they are reused; a slot is one of each controller.
//
// Where no cgroup can be made, memory is limited by RLIMIT_DATA: private
// writable memory per process. (RLIMIT_AS counts address space that is only
// reserved, of which JVMs, Go and sanitizers take terabytes.) An attempt that
// exceeds it sees failing allocations, so its end is its own exit code and not
// `out_of_memory`; CPU is not limited.
#pragma once

#include "messages/resources.hpp"
#include "runtime/file_descriptor.hpp"
#include "runtime/process_spawner.hpp"

#include <memory>
#include <string>
#include <vector>

namespace berth {

inline constexpr const char* keeper_cgroup_prefix = "berth-keeper-";

struct cgroup_settings {
  /// Unique per data folder; names the cgroups: `berth-keeper-<name>`. Their
  /// keeper holds a lock on them while it lives.
  std::string name;
  /// Also limit CPU time when the machine is idle (CFS quota).
  bool hard_cpu_limit = false;
  /// Do not use cgroups even where they work.
  bool rlimits_only = false;
};

/// One attempt's cgroups.
class limit_slot {
public:
  /// What the child writes "0" to.
  const std::vector<int>& entry_fds() const { return entry_fds_; }
  bool is_empty() const;
  /// Sends the signal to every process inside; returns how many there were.
  size_t signal_all(int signal) const;
  /// SIGKILL to all, while none of them can fork.
  void kill_all() const;
  /// Whether the kernel killed a process inside for memory since the last call
  /// or `acquire`.
  bool take_out_of_memory();

private:
  friend class resource_limits;
  std::vector<std::string> folders_;
  std::vector<file_descriptor> files_;
  std::vector<int> entry_fds_;
  /// Empty without the controller; v2 has all in one.
  std::string memory_;
  std::string cpu_;
  std::string pids_;
  bool is_v2_ = false;
  file_descriptor count_file_;
  file_descriptor oom_file_;
  file_descriptor usage_file_;
  int64_t oom_kills_ = 0;
  resources set_for_;
  bool is_set_ = false;
};

class resource_limits {
public:
  enum class kind { cgroup_v1, cgroup_v2, rlimits };

  /// Finds out what works here; a process is started to try it.
  explicit resource_limits(cgroup_settings settings);
  ~resource_limits();
  resource_limits(const resource_limits&) = delete;
  resource_limits& operator=(const resource_limits&) = delete;

  kind by() const { return kind_; }
  /// For people: `cgroup v1 (memory, cpu, pids)`, `rlimits`.
  std::string description() const;

  /// A slot with these limits set, or nothing and `error`. Never with rlimits.
  std::unique_ptr<limit_slot> acquire(const resources& needs,
                                      std::string& error);
  /// Gives a slot back. One in which processes are left is not used again.
  void release(std::unique_ptr<limit_slot> slot, bool is_empty);
  /// The rlimits of an attempt (none with cgroups).
  std::vector<process_limit> rlimits(const resources& needs) const;

  /// Ends what another keeper of the same name left behind, so that it cannot
  /// run beside a new session; call before the first `acquire`, outside of any
  /// new PID namespace. False when processes would not die.
  static bool end_leftovers(const cgroup_settings& settings);
  /// Removes the empty cgroups of other keepers that are gone for sure: nobody
  /// holds the lock and no process is left inside.
  static void remove_orphans(const cgroup_settings& settings);

private:
  bool find_v1();
  bool find_v2();
  bool make_own(const std::string& folder);
  std::unique_ptr<limit_slot> make_slot(std::string& error);
  int set_limits(limit_slot& slot, const resources& needs) const;
  bool has_leftovers(const limit_slot& slot) const;
  void remove(const limit_slot& slot);
  bool works();

  cgroup_settings settings_;
  kind kind_ = kind::rlimits;
  /// `berth-keeper-<name>` folders, by controller; v2: one.
  std::string memory_;
  std::string cpu_;
  std::string pids_;
  std::vector<file_descriptor> locks_;
  uint64_t slots_made_ = 0;
  std::vector<std::unique_ptr<limit_slot>> free_;
};

} // namespace berth
