// Work in processes of its own, so that a task that aborts or never ends costs
// only itself, and several run at once.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace berth::sim {

struct task_end {
  /// Nothing when the process died of the task.
  std::optional<std::string> answer;
  /// Why it died, and what it wrote to stderr last.
  std::string last_words;
};

struct forked_work {
  unsigned processes = 1;
  /// Of real time for one task; then its process is killed.
  unsigned seconds_per_task = 60;
  /// The next task; nothing = none at the moment. Asked again whenever a task
  /// has ended.
  std::function<std::optional<std::string>()> next;
  /// In a child process.
  std::function<std::string(const std::string& task)> work;
  std::function<void(const std::string& task, const task_end& end)> on_end;
};

/// Returns when no task is left and none runs. A process serves one task after
/// the other; who died is replaced. Aborts when processes cannot be made.
void run(const forked_work& w);

} // namespace berth::sim
