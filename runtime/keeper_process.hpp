// How a keeper becomes the only one of its data folder and process 1 of its
// PID namespace.
#pragma once

#include "runtime/file_descriptor.hpp"
#include "runtime/keeper.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <sys/types.h>

namespace berth {

/// What the process that becomes the keeper knows.
struct keeper_birth {
  uint64_t start_number = 0;
  /// As seen from outside of the namespace.
  pid_t outside_pid = 0;
  bool own_pid_namespace = false;
  /// Where it says, by one byte, that it answers; or, by text, why not.
  file_descriptor ready;
};

/// Name of this data folder's cgroups.
std::string keeper_cgroup_name(const std::string& data_folder);

/// Locks the folder, waits for the last keeper's processes to be gone, takes
/// the next start number, makes the child process and runs `body` in it, whose
/// result is the child's exit status. Returns as `run_keeper` does.
int give_birth(const keeper_options& options,
               const std::function<int(keeper_birth)>& body);

} // namespace berth
