// Where this process's control groups are, and the few file operations on them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace berth {

/// The folder of this process's own cgroup in the hierarchy of a v1 controller
/// (`memory`, `cpu`, `pids` ...), as seen through its mount. Nothing when it is
/// not mounted.
std::optional<std::string> own_cgroup_v1(const std::string& controller);
/// Folders of the v2 hierarchy under which cgroups might be made, best first:
/// the root of the mount, this process's own, the latter's parents.
std::vector<std::string> cgroup_v2_candidates();

/// Writes a value to a control file. 0, or the error number.
int write_control(const std::string& path, const std::string& value);
/// All of a small control file; empty when it cannot be read.
std::string read_control(const std::string& path);
/// The number after `key` and a space in a file of `key number` lines.
std::optional<int64_t> control_entry(const std::string& content,
                                     const std::string& key);
/// The processes of a cgroup that this PID namespace can name.
std::vector<pid_t> processes_in(const std::string& cgroup);

} // namespace berth
