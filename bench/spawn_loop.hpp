// The machine's own limit for short jobs: a loop that starts /bin/true with
// nothing between it and the kernel.
#pragma once

#include <cstddef>
#include <string>

namespace berth {

enum class spawn_loop_kind {
  /// posix_spawn, and nothing else.
  bare,
  /// Each child gets what the keeper gives a job: a pipe that is read to its
  /// end, a fresh folder that is removed, a session, and (where cgroup v1 is
  /// mounted) memory, CPU and process cgroups, which are reused.
  as_keeper,
};

/// Children per second, two in flight. `folder` must exist.
double run_spawn_loop(spawn_loop_kind kind, size_t children,
                      const std::string& folder);

} // namespace berth
