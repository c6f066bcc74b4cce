// A machine that runs jobs: an agent process with an agent per environment, and
// the keeper, as `runtime/agent_host` puts them together.
#pragma once

#include "actors/agent_machine.hpp"
#include "messages/dispatch.hpp"
#include "messages/keeper_protocol.hpp"
#include "runtime/shard_driver.hpp"
#include "tests/sim/process_life.hpp"
#include "tests/sim/sim_keeper.hpp"
#include "tests/sim/sim_world.hpp"
#include "tests/sim/simulated_clock.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace berth::sim {

class cluster;

class sim_machine {
public:
  sim_machine(sim_world& world, cluster& all, uint32_t index);

  /// The machine, and both processes.
  void start();
  void start_agent();
  void crash_agent();
  void crash_keeper();
  void crash();
  void pause();
  /// Its agent finishes what it has and takes no more, until it is started
  /// again.
  void drain_agent();
  bool agent_drains() const { return agent_drains_; }
  /// As its keeper speaks next: the agent reads that when it goes on.
  void pause_at_next_frame() { pauses_at_frame_ = true; }
  void resume();

  uint32_t index() const { return index_; }
  place at() const { return machine_place(index_); }
  process_life& agent_life() { return agent_life_; }
  bool is_alive() const { return os_.is_alive(); }
  bool is_paused() const { return os_.is_paused(); }
  bool has_keeper() const { return keeper_.is_alive(); }
  simulated_clock& clock() { return clock_; }
  bool is_quiet() const;

  /// Brought by a shard itself.
  void take_dispatch(uint32_t from_node, shard_id from, const dispatch& what);
  /// The environments that there are now.
  void offer(const std::vector<environment_object>& environments);

private:
  void connect();
  void attach();
  void hear(std::string bytes);
  void take_next_frame();
  void take_event(const std::string& bytes);
  void lose_keeper();
  void send_to_keeper(const keeper_request& what);
  void carry_out();
  void carry_out(const append_message_effect& e);
  void carry_out(const dispatch_delivered_effect& e);
  void carry_out(const session_attached_effect& e);
  void carry_out(const look_at_dispatch_end_effect& e);
  void carry_out(const read_dispatches_effect& e);
  void carry_out(const heartbeat_effect& e);
  void carry_out(const to_keeper_effect& e) { send_to_keeper(e.what); }
  void look_at_clock_when_due();
  void note_reattachment(const keeper_event& e);
  log_client log_client_of_agent();
  void tell_owner(uint32_t node, shard_id shard, const std::string& destination,
                  uint64_t up_to, bool and_no_more);

  sim_world& world_;
  cluster& all_;
  uint32_t index_;
  random_source random_;
  simulated_clock clock_;
  /// Lives while the machine does, and carries its jobs.
  process_life os_;
  process_life agent_life_;
  sim_keeper keeper_;

  // Of the present agent process.
  std::unique_ptr<agent_machine> agent_;
  /// Raised with each connection to a keeper; 0 = none.
  uint64_t connection_ = 0;
  uint64_t last_connection_ = 0;
  /// What the keeper has said and the agent has not read.
  std::deque<std::string> frames_;
  bool pauses_at_frame_ = false;
  bool agent_drains_ = false;
  std::set<environment_uid> offered_;
  std::map<agent_id, uint64_t> dispatch_readings_;
  /// From which node a shard's dispatches came last.
  std::map<shard_id, uint32_t> senders_;
  uint64_t wake_ = 0;
};

} // namespace berth::sim
