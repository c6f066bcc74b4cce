// Brings the bad luck of a run: what its parameters say happens every so often,
// and what mends it again. Chances of single messages are drawn where they are
// sent.
#pragma once

#include "tests/sim/cluster.hpp"

#include <functional>
#include <map>
#include <string>

namespace berth::sim {

class fault_driver {
public:
  fault_driver(sim_world& world, cluster& all);

  void start();
  /// Heals, resumes and restarts everything; nothing happens any more.
  void stop();

private:
  void every(int64_t mean_ms, void (fault_driver::*what)());
  void every(int64_t mean_ms, void (fault_driver::*what)(),
             random_source& random);
  /// Once, after about that long, while faults go on.
  void later(double mean_us, std::function<void()> what);
  /// Once, then, while faults go on.
  void in(sim_time delay, std::function<void()> what);

  void crash_node();
  void pause_node();
  void crash_agent();
  void drain_agent();
  void crash_keeper();
  void crash_machine();
  void cut();
  void jump_clock();
  void take_over();
  void start_twin();
  void slow_log();
  void come_near_the_lease();
  void land_stray_decision();
  void depose_owner();
  void fill_disk();
  void upgrade_node();

  void restart_node(uint32_t index);
  void set_full(sim_node& node, bool is_full);
  void upgrade(sim_node& node);
  void damage_stores(sim_node& node);
  /// One that serves and owns the shard, or does not.
  sim_node* serving_node(shard_id shard, bool is_owner);
  place some_place();
  /// Of a pause or a sleep.
  sim_time draw_pause();
  void sleep(sim_machine& machine, sim_time from, sim_time to);
  void cut_for(sim_time time, place from, place to);
  void heal_all();

  sim_world& world_;
  cluster& all_;
  random_source random_;
  /// Of what came later.
  random_source disks_random_;
  random_source upgrades_random_;
  random_source drains_random_;
  std::map<uint64_t, std::pair<place, place>> cuts_;
  uint64_t last_cut_ = 0;
  /// By machine: no further lapse before.
  std::map<uint32_t, sim_time> near_lease_until_;
  /// Some node is of the next version.
  bool is_upgrading_ = false;
  /// Of whoever appended what nobody knows of any more.
  process_life stranger_;
};

} // namespace berth::sim
