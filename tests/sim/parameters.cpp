// Swarm testing (Groce, Zhang, Eide, Chen, Regehr: Swarm testing, 2012): each
// seed leaves most features and faults out, so that those it has are not
// drowned by the others.
#include "tests/sim/parameters.hpp"

#include "tests/sim/parameter_fields.hpp"
#include "tests/sim/random.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace berth::sim {

namespace {

/// Small and large are equally likely.
int64_t between_sizes(random_source& random, int64_t low, int64_t high) {
  auto span =
      std::log(static_cast<double>(high)) - std::log(static_cast<double>(low));
  auto drawn =
      std::exp(std::log(static_cast<double>(low)) + random.unit() * span);
  return std::clamp(static_cast<int64_t>(std::llround(drawn)), low, high);
}

class drawing {
public:
  drawing(random_source random, double on) : random_(random), on_(on) {}

  /// Leaves it out, or gives it a chance up to `most`.
  void chance(double& of, double most) {
    auto drawn = random_.unit();
    auto is_on = random_.chance(on_);
    of = is_on ? std::max(most / 50, drawn * drawn * most) : 0;
  }
  void mean(int64_t& of, int64_t low, int64_t high) {
    auto drawn = between_sizes(random_, low, high);
    of = random_.chance(on_) ? drawn : 0;
  }
  random_source& random() { return random_; }

private:
  random_source random_;
  double on_;
};

cluster_parameters draw_cluster(random_source random) {
  cluster_parameters c;
  c.nodes =
      random.chance(0.35) ? 1 : static_cast<uint32_t>(random.between(2, 4));
  c.shards =
      random.chance(0.4) ? 1 : static_cast<uint32_t>(random.between(2, 4));
  c.machines = static_cast<uint32_t>(random.between(1, 3));
  c.vcpus_per_machine = random.between(1, 6);
  c.append_mean_us = between_sizes(random, 100, 20'000);
  c.call_mean_us = between_sizes(random, 50, 5'000);
  c.checkpoint_interval_ms = between_sizes(random, 50, 5'000);
  c.heartbeat_interval_ms = between_sizes(random, 200, 2'000);
  c.membership_timeout_ms = c.heartbeat_interval_ms * random.between(3, 8);
  c.lease_ms = c.nodes == 1 ? 0 : between_sizes(random, 3'000, 30'000);
  c.stop_grace_ms = between_sizes(random, 100, 5'000);
  c.head_wait_ms = random.chance(0.2) ? 0 : between_sizes(random, 500, 60'000);
  return c;
}

workload_parameters draw_workload(random_source random) {
  workload_parameters w;
  w.environments = static_cast<uint32_t>(random.between(1, 3));
  w.queues = static_cast<uint32_t>(random.between(1, 5));
  w.clients = static_cast<uint32_t>(random.between(1, 4));
  w.jobs = static_cast<uint32_t>(between_sizes(random, 4, 60));
  w.one_hot_queue = random.chance(0.2);
  w.run_mean_ms = between_sizes(random, 20, 5'000);
  w.think_mean_ms = between_sizes(random, 5, 1'000);
  drawing d{random.fork("features"), 0.45};
  d.chance(w.array, 0.5);
  d.chance(w.n_to_n, 0.8);
  d.chance(w.sequential, 0.5);
  d.chance(w.dependency, 0.8);
  d.chance(w.retries, 0.8);
  d.chance(w.timeout, 0.5);
  d.chance(w.cancel, 0.4);
  d.chance(w.terminate, 0.4);
  d.chance(w.fails, 0.5);
  d.chance(w.hangs, 0.2);
  d.chance(w.ignores_sigterm, 0.3);
  d.chance(w.describe, 0.6);
  d.chance(w.catalog_change, 0.3);
  return w;
}

fault_parameters draw_faults(random_source random, bool many_nodes) {
  fault_parameters f;
  // Some runs without any: what goes wrong there is no fault's doing.
  if (random.chance(0.1))
    return f;
  drawing d{random.fork("faults"), random.chance(0.5) ? 0.2 : 0.5};
  d.mean(f.node_crash_mean_ms, 500, 20'000);
  d.mean(f.node_pause_mean_ms, 500, 20'000);
  d.mean(f.agent_crash_mean_ms, 500, 20'000);
  d.mean(f.keeper_crash_mean_ms, 1'000, 20'000);
  d.mean(f.machine_crash_mean_ms, 2'000, 20'000);
  d.mean(f.cut_mean_ms, 1'000, 20'000);
  d.mean(f.clock_jump_mean_ms, 500, 20'000);
  d.mean(f.takeover_mean_ms, 500, 20'000);
  d.mean(f.twin_node_mean_ms, 2'000, 20'000);
  d.mean(f.slow_log_mean_ms, 1'000, 20'000);
  if (!many_nodes)
    f.takeover_mean_ms = f.twin_node_mean_ms = 0;
  d.chance(f.append_unknown, 0.1);
  d.chance(f.append_lost, 0.1);
  d.chance(f.append_late, 0.1);
  d.chance(f.call_lost, 0.2);
  d.chance(f.call_answer_lost, 0.2);
  d.chance(f.call_slow, 0.3);
  d.chance(f.store_lost_at_restart, 0.5);
  d.chance(f.store_rolled_back_at_restart, 0.8);
  d.chance(f.client_repeats, 0.5);
  d.chance(f.rare_place, 0.6);
  f.clock_drift_ppm_max =
      random.chance(0.5) ? between_sizes(random, 10, 20'000) : 0;
  return f;
}

// Some runs are about one thing, with what leads there drawn often enough.

/// Other faults would mostly be in the way.
void leave_out_most(random_source& random, fault_parameters& f,
                    double of_runs) {
  if (random.chance(of_runs))
    f = {};
}

/// Leases that lapse while jobs run.
void draw_about_leases(random_source& random, parameters& p) {
  auto& c = p.cluster;
  c.nodes = static_cast<uint32_t>(random.between(1, 3));
  c.machines = static_cast<uint32_t>(random.between(2, 3));
  c.lease_ms = random.between(2'000, 8'000);
  c.stop_grace_ms = between_sizes(random, 50, 5'000);
  c.heartbeat_interval_ms = random.between(200, 800);
  c.membership_timeout_ms = c.heartbeat_interval_ms * random.between(3, 30);
  auto& w = p.workload;
  w.jobs = static_cast<uint32_t>(random.between(10, 40));
  w.run_mean_ms = random.between(1'000, 8'000);
  w.think_mean_ms = random.between(100, 1'000);
  w.retries = 0.8;
  w.hangs = random.chance(0.5) ? 0.2 : 0;
  w.ignores_sigterm = random.chance(0.7) ? 0.5 : 0;
  auto& f = p.faults;
  leave_out_most(random, f, 0.8);
  f.lease_edge_mean_ms = random.between(500, 3'000);
  if (random.chance(0.5))
    f.node_pause_mean_ms = random.between(4'000, 12'000);
  p.faults_stop_ms = random.between(20'000, 60'000);
  if (random.chance(0.6))
    c.frame_mean_us = between_sizes(random, 10'000, 300'000);
}

/// Owners that change while something is in flight.
void draw_about_claims(random_source& random, parameters& p) {
  p.cluster.nodes = static_cast<uint32_t>(random.between(2, 4));
  if (p.cluster.lease_ms == 0)
    p.cluster.lease_ms = 30'000;
  auto& f = p.faults;
  leave_out_most(random, f, 0.5);
  f.takeover_mean_ms = between_sizes(random, 50, 1'000);
  if (random.chance(0.7))
    f.twin_node_mean_ms = random.between(500, 3'000);
  f.append_late = random.chance(0.5) ? 0.03 : 0;
  f.append_lost = random.chance(0.5) ? 0.03 : 0;
  f.append_unknown = random.chance(0.5) ? 0.03 : 0;
  if (random.chance(0.7))
    f.cut_mean_ms = random.between(300, 2'000);
  p.workload.clients = static_cast<uint32_t>(random.between(2, 4));
  p.workload.jobs = static_cast<uint32_t>(random.between(20, 60));
  p.workload.describe = random.chance(0.7) ? 0.8 : 0.1;
  p.workload.think_mean_ms = between_sizes(random, 5, 200);
  if (random.chance(0.5))
    f.deposed_owner_mean_ms = random.between(1'000, 5'000);
}

/// Ways that are rare otherwise, most of them, with appends that get lost.
void draw_about_rare_ways(random_source& random, parameters& p) {
  p.faults.rare_place = 0.4 + random.unit() * 0.6;
  p.faults.append_lost = random.chance(0.7) ? 0.05 : 0;
  if (random.chance(0.5))
    p.faults.node_crash_mean_ms = random.between(500, 3'000);
  p.workload.array = 0.4;
  p.workload.dependency = 0.4;
  p.workload.terminate = random.chance(0.5) ? 0.3 : 0;
  p.workload.catalog_change = random.chance(0.5) ? 0.1 : 0;
}

/// Queues and environments that come and go across shards.
void draw_about_changes(random_source& random, parameters& p) {
  p.cluster.shards = static_cast<uint32_t>(random.between(2, 4));
  p.cluster.append_mean_us = between_sizes(random, 1'000, 50'000);
  leave_out_most(random, p.faults, 0.5);
  if (random.chance(0.5))
    p.faults.slow_log_mean_ms = between_sizes(random, 500, 5'000);
  auto& w = p.workload;
  w.environments = static_cast<uint32_t>(random.between(2, 3));
  w.queues = static_cast<uint32_t>(random.between(2, 5));
  w.clients = static_cast<uint32_t>(random.between(2, 4));
  w.jobs = static_cast<uint32_t>(random.between(30, 80));
  w.catalog_change = 0.1 + random.unit() * 0.4;
  w.think_mean_ms = between_sizes(random, 5, 100);
}

/// More jobs than there is room for, long after faults have stopped.
void draw_about_backlogs(random_source& random, parameters& p) {
  auto& w = p.workload;
  w.environments = static_cast<uint32_t>(random.between(2, 3));
  w.jobs = static_cast<uint32_t>(random.between(40, 100));
  w.run_mean_ms = random.between(2'000, 6'000);
  w.think_mean_ms = random.between(5, 50);
  w.describe = 0;
  p.cluster.vcpus_per_machine = random.between(1, 3);
  if (random.chance(0.5))
    p.faults = {};
}

void draw_theme(random_source random, parameters& p) {
  if (p.cluster.nodes == 1 && random.chance(0.4))
    p.cluster.lease_ms = between_sizes(random, 3'000, 30'000);
  p.cluster.start_mean_us = between_sizes(random, 100, 100'000);
  auto is_calm = !has_faults(p.faults);
  auto theme = random.below(20);
  if (theme < 3)
    draw_about_leases(random, p);
  else if (theme < 5)
    draw_about_claims(random, p);
  else if (theme < 7)
    draw_about_rare_ways(random, p);
  else if (theme < 9)
    draw_about_changes(random, p);
  else if (theme < 10)
    draw_about_backlogs(random, p);
  if (p.cluster.nodes == 1)
    p.faults.takeover_mean_ms = p.faults.twin_node_mean_ms = 0;
  if (is_calm)
    return;
  if (random.chance(0.15))
    p.faults.stray_decision_mean_ms = between_sizes(random, 500, 10'000);
  if (random.chance(0.15))
    p.faults.append_duplicated = std::max(0.005, random.unit() * 0.1);
  if (p.cluster.nodes > 1 && random.chance(0.1))
    p.faults.deposed_owner_mean_ms = between_sizes(random, 1'000, 10'000);
  if (random.chance(0.1))
    p.cluster.frame_mean_us = between_sizes(random, 100, 300'000);
}

/// Submissions by the public topic.
void draw_by_topic(random_source random, parameters& p) {
  if (random.chance(0.12))
    p.workload.by_topic = random.chance(0.5) ? 0.9 : 0.1 + random.unit() * 0.5;
}

void draw_forks(random_source random, parameters& p) {
  if (random.chance(0.12))
    p.workload.forks = 0.2 + random.unit() * 0.8;
}

/// None where nothing else goes wrong.
void draw_full_stores(random_source random, parameters& p) {
  if (has_faults(p.faults) && random.chance(0.12))
    p.faults.store_full_mean_ms = between_sizes(random, 1'000, 10'000);
}

void draw_upgrades(random_source random, parameters& p) {
  if (has_faults(p.faults) && random.chance(0.12))
    p.faults.upgrade_mean_ms = between_sizes(random, 1'000, 8'000);
}

/// Agents of the node's own process do not drain.
void draw_drains(random_source random, parameters& p) {
  if (has_faults(p.faults) && p.cluster.lease_ms > 0 && random.chance(0.12))
    p.faults.drain_mean_ms = between_sizes(random, 1'000, 15'000);
}

} // namespace

bool has_faults(const fault_parameters& f) {
  auto any = false;
  each_field(f, [&](std::string_view, const auto& value) {
    any = any || value != std::decay_t<decltype(value)>{};
  });
  return any;
}

parameters draw(uint64_t seed) {
  random_source random{seed};
  parameters p;
  p.seed = seed;
  p.cluster = draw_cluster(random.fork("cluster"));
  p.workload = draw_workload(random.fork("workload"));
  p.faults = draw_faults(random.fork("faults"), p.cluster.nodes > 1);
  p.faults_stop_ms = between_sizes(random, 5'000, 30'000);
  draw_theme(random.fork("theme"), p);
  draw_by_topic(own_stream(seed, "by_topic"), p);
  draw_forks(own_stream(seed, "forks"), p);
  draw_full_stores(own_stream(seed, "store_full_mean_ms"), p);
  draw_upgrades(own_stream(seed, "upgrade_mean_ms"), p);
  draw_drains(own_stream(seed, "drain_mean_ms"), p);
  return p;
}

std::string to_text(const parameters& p) {
  std::ostringstream text;
  auto line = [&](std::string_view name, const auto& value) {
    if (value != std::decay_t<decltype(value)>{})
      text << std::left << std::setw(30) << name << ' ' << value << '\n';
  };
  line("seed", p.seed);
  each_field(p.cluster, line);
  each_field(p.workload, line);
  each_field(p.faults, line);
  line("faults_stop_ms", p.faults_stop_ms);
  line("drain_ms", p.drain_ms);
  return text.str();
}

} // namespace berth::sim
