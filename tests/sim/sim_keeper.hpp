// The keeper of one machine: the machine that keepers run, and what
// `runtime/keeper` does around it. Its journal and the number of its starts
// outlive it.
#pragma once

#include "actors/keeper_machine.hpp"
#include "runtime/attempt_endings.hpp"
#include "tests/sim/process_life.hpp"
#include "tests/sim/simulated_clock.hpp"
#include "tests/sim/simulated_processes.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::sim {

class sim_keeper : private attempt_processes {
public:
  /// `on_event`: a frame for the agent that is connected.
  sim_keeper(sim_world& world, uint32_t machine, simulated_clock& clock,
             process_life& os, std::function<void(std::string)> on_event);

  void start();
  /// Its jobs die with it.
  void crash();
  /// With the machine: of the journal, what was not synced may be gone.
  void crash_with_machine(random_source& random);
  bool is_alive() const { return life_.is_alive(); }
  process_life& life() { return life_; }

  // The socket.
  void connected();
  void disconnected();
  void take_frame(const std::string& bytes);

  /// No attempt, and no report that is owed.
  bool is_quiet() const;

private:
  bool is_tree_gone(const attempt_id& attempt) const override;
  void kill_tree(const attempt_id& attempt) override;
  void tree_ended(const attempt_id& attempt, bool is_gone) override;

  keeper_clock now() const;
  void reaped(const attempt_id& attempt, const process_end& end);
  void settle();
  void turn();
  void start_attempts();
  void start_one();
  void finish_turn();
  void act();
  void look_at_clock_when_due();
  std::vector<keeper_reports> read_journal() const;

  sim_world& world_;
  simulated_clock& clock_;
  process_life life_;
  simulated_processes processes_;
  std::function<void(std::string)> on_event_;
  uint64_t start_number_ = 0;
  std::vector<std::string> journal_;
  std::unique_ptr<keeper_machine> machine_;
  /// Where its dispatches said that an attempt was placed.
  std::map<attempt_id, std::pair<agent_id, session_id>> placed_;
  /// What is left of attempts whose main process was reaped, and how that
  /// ended.
  attempt_endings endings_;
  std::map<attempt_id, process_end> ends_;
  bool is_settling_ = false;
  uint64_t wake_ = 0;
  bool is_starting_ = false;
};

} // namespace berth::sim
