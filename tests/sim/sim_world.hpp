// What all parts of the simulated cluster share.
#pragma once

#include "tests/sim/log_history.hpp"
#include "tests/sim/parameters.hpp"
#include "tests/sim/public_topics_world.hpp"
#include "tests/sim/recorder.hpp"
#include "tests/sim/simulated_network.hpp"
#include "tests/sim/simulated_topic.hpp"
#include "tests/sim/timeline.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace berth::sim {

constexpr char cluster_id_of_runs[] = "73696d00-0000-4000-8000-000000000001";

struct sim_world {
  sim_world(const parameters& p, std::vector<std::unique_ptr<checker>> checkers,
            recorder::watcher watch);
  sim_world(const sim_world&) = delete;
  sim_world& operator=(const sim_world&) = delete;

  const parameters with;
  timeline time;
  random_source random;
  recorder history;
  simulated_network network;
  log_history log_watch;
  simulated_topic log;
  /// A partition per machine, and one; where leases may lapse.
  simulated_topic dispatches;
  simulated_topic heartbeats;
  /// Nothing where submissions come by calls alone.
  std::unique_ptr<public_topics_world> public_topics;
  /// By the job's name.
  std::map<std::string, job_script> scripts;
  /// Chances and bad luck; until faults stop.
  bool faults_on = true;

  /// Leases lapse, and what goes to agents goes through topics; otherwise nodes
  /// and agents are as those of one process.
  bool has_leases() const { return with.cluster.lease_ms > 0; }
  const cluster_parameters& cluster() const { return with.cluster; }
  const fault_parameters& faults() const { return with.faults; }
  sim_time now() const { return time.now(); }
};

} // namespace berth::sim
