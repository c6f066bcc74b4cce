// The attempts whose processes exist: their pipes, cgroups, folders and ends.
#pragma once

#include "actors/keeper_machine.hpp"
#include "runtime/attempt_endings.hpp"
#include "runtime/file_descriptor.hpp"
#include "runtime/keeper.hpp"
#include "runtime/output_capture.hpp"
#include "runtime/process_spawner.hpp"
#include "runtime/resource_limits.hpp"
#include "runtime/working_folders.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace berth {

/// A job that prints part of a line and then nothing for so long has it
/// written.
constexpr int64_t partial_line_ms_max = 1'000;

class running_attempts {
public:
  /// Output pipes are registered with `epoll`, with tags from `first_tag` on.
  running_attempts(const keeper_options& options, resource_limits& limits,
                   working_folders& folders, int epoll, uint64_t first_tag,
                   bool own_pid_namespace);

  /// Starts the main process. Empty, or the reason why not.
  std::string start(const start_attempt& what,
                    const std::vector<key_value>& node_environment);
  /// Something can be read from the pipe with this tag.
  void read_output(uint64_t tag, const keeper_clock& now);
  /// Writes the parts of lines that have waited long enough.
  void write_partial_lines(const keeper_clock& now);
  /// When that is due next, by CLOCK_BOOTTIME.
  std::optional<int64_t> next_partial_line_ms() const;
  /// A child of this process was reaped; it may be a main process, or an orphan
  /// of one. The attempt whose main process it was.
  std::optional<attempt_id> reaped(pid_t pid, int wait_status,
                                   const keeper_clock& now);
  void signal(const attempt_id& attempt, bool kill);

  using on_end = std::function<void(const attempt_id&, const process_end&)>;
  /// Ends the trees of reaped main processes and tells of those that are gone.
  void settle(const keeper_clock& now, const on_end& tell);
  /// Whether `settle` has to be called again though nothing may happen.
  bool is_settling() const { return endings_.is_settling(); }

private:
  struct attempt {
    attempt_id id;
    uint64_t tag = 0;
    pid_t pid = -1;
    std::unique_ptr<limit_slot> slot;
    /// Of its own, to be removed; empty when it runs where it was told to.
    std::string folder;
    file_descriptor pipe;
    std::unique_ptr<output_capture> output;
    int64_t read_boottime_ms = 0;
    /// Whether `partial_lines_` names it.
    bool is_partial = false;
    bool is_reaped = false;
    int32_t exit_code = 0;
  };

  struct launch;
  class settling;
  std::string prepare(const start_attempt& what, launch& plan,
                      const std::vector<key_value>& node_environment);
  std::string prepare_limits(const start_attempt& what, launch& plan);
  bool read_pipe(attempt& a, int64_t wall_ms, int reads_max);
  bool is_tree_gone(const attempt& a) const;
  void kill_tree(const attempt& a) const;
  std::vector<pid_t> tree_without_cgroup(const attempt& a) const;
  process_end finish(attempt& a, bool is_tree_gone, int64_t wall_ms);

  const keeper_options& options_;
  resource_limits& limits_;
  working_folders& folders_;
  int epoll_;
  uint64_t next_tag_;
  bool own_pid_namespace_;
  process_limit open_files_;
  file_descriptor null_;
  std::vector<char> buffer_;
  std::unordered_map<uint64_t, attempt> attempts_;
  std::map<attempt_id, uint64_t> tag_of_attempt_;
  std::unordered_map<pid_t, uint64_t> tag_of_process_;
  struct partial_line {
    int64_t due_ms = 0;
    uint64_t tag = 0;
  };
  /// In the order in which they were read; what is read meanwhile is looked at
  /// once more when its turn comes.
  std::deque<partial_line> partial_lines_;
  /// Reaped, but not told yet.
  attempt_endings endings_;
};

} // namespace berth
