// The keeper: a small process, one per data folder, that starts jobs, captures
// their output, waits for them and outlives the agent that started it. What it
// decides is in `actors/keeper_machine`; this is the loop around it.
//
// In the data folder (all owned by the keeper while it lives):
//   keeper.sock        where the agent connects
//   (`messages/keeper_protocol.hpp`) keeper.pid         its process, as seen
//   from outside; locked while it lives keeper.log         its stderr
//   keeper/session     how often a keeper was started here; synced before use
//   keeper/process     whom a later keeper waits for: pid, start time, boot
//   keeper/reports     reports not acknowledged (`runtime/report_journal.hpp`)
//   keeper/discarded/  working folders being removed
//   work/, output/     see `runtime/attempt_files.hpp`
//
// The keeper is process 1 of a PID namespace of its own where the machine
// allows (root, or unprivileged user namespaces): when it dies, the kernel
// kills every process of every job before anything else can happen. Where not,
// the promise is weaker: the main processes get SIGKILL when the keeper dies;
// what they started and let go is ended by the next keeper if cgroups are in
// use, else not at all.
#pragma once

#include <cstdint>
#include <string>

namespace berth {

struct keeper_options {
  /// Must exist and be writable.
  std::string data_folder;
  /// From SIGTERM to SIGKILL when an attempt is stopped or timed out.
  int64_t stop_grace_ms = 30'000;
  /// Of each attempt's output file; what is printed beyond is dropped.
  int64_t output_bytes_max = 16 * 1024 * 1024;
  /// Limit CPU time to the vCPUs asked for, also on an idle machine.
  bool hard_cpu_limit = false;
  /// Do without cgroups, or without a PID namespace, where they would work.
  bool rlimits_only = false;
  bool shared_pid_namespace = false;
};

/// Exit status of a keeper that found another one at work in the data folder.
constexpr int keeper_exit_busy = 3;
/// Exit status when the keeper was killed before it answered; another may be
/// started.
constexpr int keeper_exit_died = 4;

/// Starts a keeper and returns once it answers on its socket: 0, or, with a
/// message on stderr, `keeper_exit_busy` or 1. The keeper itself is a child
/// process that never returns from here. Requires a process with one thread;
/// closes all its descriptors but stdio.
int run_keeper(const keeper_options& options);

} // namespace berth
