// The processes of one machine's jobs: each does what the script of its job
// says, and answers signals, or does not.
#pragma once

#include "actors/keeper_machine.hpp"
#include "tests/sim/process_life.hpp"
#include "tests/sim/sim_world.hpp"

#include <cstdint>
#include <functional>
#include <map>

namespace berth::sim {

class simulated_processes {
public:
  /// `os` lives while the machine runs. `on_end` is told of main processes that
  /// were reaped.
  simulated_processes(
      sim_world& world, uint32_t machine, process_life& os,
      std::function<void(const attempt_id&, const process_end&)> on_end);

  void start(const start_attempt& what, const agent_id& agent,
             const session_id& session);
  void signal(const attempt_id& attempt, bool kill);
  /// Nothing of the attempt is left.
  bool is_gone(const attempt_id& attempt) const;
  /// Their keeper is gone, or all of the machine: nobody reaps them.
  void kill_all();
  size_t alive() const { return processes_.size(); }

private:
  struct process {
    attempt_id attempt;
    bool ignores_sigterm = false;
    /// Not the main one.
    bool is_child = false;
    bool is_dying = false;
    sim_time dies_after = 0;
  };
  void fork(uint64_t parent, const job_script& script);
  void exit_after(uint64_t pid, sim_time delay, int32_t exit_code, bool killed);
  void exited(uint64_t pid, int32_t exit_code, bool killed);

  sim_world& world_;
  uint32_t machine_;
  process_life& os_;
  std::function<void(const attempt_id&, const process_end&)> on_end_;
  uint64_t last_pid_ = 0;
  std::map<uint64_t, process> processes_;
};

} // namespace berth::sim
