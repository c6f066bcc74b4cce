#include "tests/sim/simulated_processes.hpp"

#include "tests/sim/draws.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace berth::sim {

namespace {

constexpr double signal_mean_us = 3.0 * millisecond;
/// What a job without a script does.
constexpr int64_t default_run_ms = 10;
/// Process ids are unique in the world.
constexpr uint64_t pids_per_machine = 1'000'000;

} // namespace

simulated_processes::simulated_processes(
    sim_world& world, uint32_t machine, process_life& os,
    std::function<void(const attempt_id&, const process_end&)> on_end)
    : world_(world), machine_(machine), os_(os), on_end_(std::move(on_end)),
      last_pid_(machine * pids_per_machine) {}

void simulated_processes::start(const start_attempt& what,
                                const agent_id& agent,
                                const session_id& session) {
  auto pid = ++last_pid_;
  job_script script;
  script.run_ms = default_run_ms;
  if (auto found = world_.scripts.find(what.spec->name);
      found != world_.scripts.end())
    script = found->second;
  processes_[pid] = {what.attempt, script.ignores_sigterm, false, false, 0};
  world_.history.add(process_started{pid, machine_, agent, session,
                                     what.attempt, what.spec->name,
                                     what.spec->container.needs});
  if (script.child_ms != 0)
    os_.after(script.run_ms * millisecond / 2,
              [this, pid, script] { fork(pid, script); });
  if (script.hangs)
    return;
  auto which = std::min<size_t>(what.attempt.number, script.exit_codes.size());
  auto code = which == 0 ? 0 : script.exit_codes[which - 1];
  exit_after(pid, script.run_ms * millisecond, code, false);
}

void simulated_processes::fork(uint64_t parent, const job_script& script) {
  auto found = processes_.find(parent);
  if (found == processes_.end())
    return;
  auto attempt = found->second.attempt;
  auto pid = ++last_pid_;
  processes_[pid] = {attempt, script.ignores_sigterm, true, false,
                     script.child_dies_ms * millisecond};
  world_.history.add(child_started{pid, machine_, attempt});
  if (script.child_ms > 0)
    exit_after(pid, script.child_ms * millisecond, 0, false);
}

bool simulated_processes::is_gone(const attempt_id& attempt) const {
  return std::none_of(
      processes_.begin(), processes_.end(),
      [&](const auto& one) { return one.second.attempt == attempt; });
}

void simulated_processes::exit_after(uint64_t pid, sim_time delay,
                                     int32_t exit_code, bool killed) {
  os_.after(delay,
            [this, pid, exit_code, killed] { exited(pid, exit_code, killed); });
}

void simulated_processes::exited(uint64_t pid, int32_t exit_code, bool killed) {
  auto found = processes_.find(pid);
  if (found == processes_.end())
    return;
  auto attempt = found->second.attempt;
  auto is_child = found->second.is_child;
  processes_.erase(found);
  if (is_child) {
    world_.history.add(child_ended{pid, attempt});
    return;
  }
  world_.history.add(process_ended{pid, attempt, exit_code, killed});
  on_end_(attempt, {exit_code, false});
}

void simulated_processes::signal(const attempt_id& attempt, bool kill) {
  for (auto& [pid, p] : processes_) {
    if (p.attempt != attempt || (p.ignores_sigterm && !kill)
        || (p.is_child && kill && std::exchange(p.is_dying, true)))
      continue;
    exit_after(pid,
               (kill ? p.dies_after : 0)
                   + exponential(world_.random, signal_mean_us),
               128 + (kill ? SIGKILL : SIGTERM), true);
  }
}

void simulated_processes::kill_all() {
  for (const auto& [pid, p] : std::exchange(processes_, {}))
    if (p.is_child)
      world_.history.add(child_ended{pid, p.attempt});
    else
      world_.history.add(process_ended{pid, p.attempt, 128 + SIGKILL, true});
}

} // namespace berth::sim
