// Everything that a run is made of, drawn from its seed before it begins, so
// that a smaller run can be had by lowering numbers.
#pragma once

#include "messages/fields.hpp"
#include "messages/simulation.hpp"
#include "tests/sim/timeline.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace berth::sim {

/// Chances are per opportunity; means are of an exponential distribution.
/// 0 = never.
struct fault_parameters {
  // Mean virtual milliseconds between two of a kind, cluster-wide.
  int64_t node_crash_mean_ms = 0;
  int64_t node_pause_mean_ms = 0;
  int64_t agent_crash_mean_ms = 0;
  int64_t keeper_crash_mean_ms = 0;
  int64_t machine_crash_mean_ms = 0;
  int64_t cut_mean_ms = 0;
  int64_t clock_jump_mean_ms = 0;
  int64_t takeover_mean_ms = 0;
  int64_t twin_node_mean_ms = 0;
  int64_t slow_log_mean_ms = 0;
  /// A machine is cut off, or sleeps, until about when its lease is over.
  int64_t lease_edge_mean_ms = 0;
  /// A decision of the present owner lands whose predecessor did not.
  int64_t stray_decision_mean_ms = 0;
  /// A node takes a shard whose owner reads the log late.
  int64_t deposed_owner_mean_ms = 0;
  // Chances.
  double append_unknown = 0;
  double append_lost = 0;
  double append_late = 0;
  double append_duplicated = 0;
  double call_lost = 0;
  double call_answer_lost = 0;
  double call_slow = 0;
  double store_lost_at_restart = 0;
  double store_rolled_back_at_restart = 0;
  double client_repeats = 0;
  /// Per place of `rarely` that this run takes at all.
  double rare_place = 0;
  int64_t clock_drift_ppm_max = 0;
  /// A node's disk is full for a while.
  int64_t store_full_mean_ms = 0;
  /// Nodes are brought to a newer version, one after the other.
  int64_t upgrade_mean_ms = 0;
  /// An agent takes no more work for a while.
  int64_t drain_mean_ms = 0;
  BERTH_FIELDS(node_crash_mean_ms, node_pause_mean_ms, agent_crash_mean_ms,
               keeper_crash_mean_ms, machine_crash_mean_ms, cut_mean_ms,
               clock_jump_mean_ms, takeover_mean_ms, twin_node_mean_ms,
               slow_log_mean_ms, lease_edge_mean_ms, stray_decision_mean_ms,
               deposed_owner_mean_ms, append_unknown, append_lost, append_late,
               append_duplicated, call_lost, call_answer_lost, call_slow,
               store_lost_at_restart, store_rolled_back_at_restart,
               client_repeats, rare_place, clock_drift_ppm_max,
               store_full_mean_ms, upgrade_mean_ms, drain_mean_ms)
};

struct workload_parameters {
  uint32_t environments = 1;
  uint32_t queues = 1;
  uint32_t clients = 1;
  /// Submissions in all, arrays counting once.
  uint32_t jobs = 20;
  double array = 0;
  double n_to_n = 0;
  double sequential = 0;
  double dependency = 0;
  double retries = 0;
  double timeout = 0;
  double cancel = 0;
  double terminate = 0;
  double fails = 0;
  double hangs = 0;
  double ignores_sigterm = 0;
  double describe = 0;
  /// Queues and environments created, reordered, disabled, deleted, made anew.
  double catalog_change = 0;
  /// All jobs go to one queue; or to as many as there are.
  bool one_hot_queue = false;
  int64_t run_mean_ms = 500;
  /// Mean between two submissions of one client.
  int64_t think_mean_ms = 100;
  /// Of submissions: they come by the public topic. Above 0 nodes read it and
  /// publish state changes.
  double by_topic = 0;
  /// Jobs whose processes fork others that stay behind.
  double forks = 0;
  BERTH_FIELDS(environments, queues, clients, jobs, array, n_to_n, sequential,
               dependency, retries, timeout, cancel, terminate, fails, hangs,
               ignores_sigterm, describe, catalog_change, one_hot_queue,
               run_mean_ms, think_mean_ms, by_topic, forks)
};

struct cluster_parameters {
  uint32_t nodes = 1;
  uint32_t shards = 1;
  /// Machines with an agent per environment each.
  uint32_t machines = 1;
  int64_t vcpus_per_machine = 4;
  int64_t append_mean_us = 1000;
  int64_t call_mean_us = 300;
  /// From a dispatch to its process.
  int64_t start_mean_us = 500;
  /// Until an agent has read what its keeper says.
  int64_t frame_mean_us = 50;
  int64_t checkpoint_interval_ms = 1000;
  int64_t heartbeat_interval_ms = 1000;
  int64_t membership_timeout_ms = 5000;
  /// Lease and what follows from it; 0 = leases never lapse (one node, with its
  /// agents in its own process).
  int64_t lease_ms = 30'000;
  int64_t stop_grace_ms = 2000;
  int64_t head_wait_ms = 60'000;
  BERTH_FIELDS(nodes, shards, machines, vcpus_per_machine, append_mean_us,
               call_mean_us, start_mean_us, frame_mean_us,
               checkpoint_interval_ms, heartbeat_interval_ms,
               membership_timeout_ms, lease_ms, stop_grace_ms, head_wait_ms)
};

struct parameters {
  uint64_t seed = 0;
  cluster_parameters cluster;
  workload_parameters workload;
  fault_parameters faults;
  /// Faults stop at this time; then everything must drain.
  int64_t faults_stop_ms = 30'000;
  /// What has not drained so long after is stuck. Arrays whose children come
  /// one after the other, each in its time, on one vCPU, need most of it.
  int64_t drain_ms = 3'000'000;
  std::optional<breakage> with_breakage;
};

/// Whether anything goes wrong at all.
bool has_faults(const fault_parameters& f);
/// The same seed draws the same parameters.
parameters draw(uint64_t seed);
/// One `name value` a line, without what is 0.
std::string to_text(const parameters& p);

} // namespace berth::sim
