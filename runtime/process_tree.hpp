// Finds an attempt's processes by /proc, where no cgroup names them.
//
// A process belongs to an attempt when it descends from its main process, is in
// the session that the main process leads, or started with the attempt's
// AWS_BATCH_JOB_ID and AWS_BATCH_JOB_ATTEMPT in its environment. One that left
// all three (a second setsid, its parent gone, the environment cleared) is
// found by `children_of_keeper` when no attempt is alive any more.
#pragma once

#include "messages/ids.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace berth {

/// `main` leads a session; it may be reaped already, the session's number lives
/// on while a process is in it.
std::vector<pid_t> processes_of_attempt(pid_t main, const attempt_id& attempt);
/// All living children of this process, which adopts orphans.
std::vector<pid_t> children_of_keeper();
void signal_each(const std::vector<pid_t>& processes, int signal);

} // namespace berth
