// Rare situations that can be told from a run's history alone; the others are
// counted where they happen.
#pragma once

#include "tests/sim/history.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace berth::sim {

class rare_moments {
public:
  static const std::vector<std::string>& names();

  /// Entries in the order of time.
  void on(const history_entry& e);
  /// By name; those that were not met are left out.
  const std::map<std::string, uint64_t>& met() const { return met_; }

private:
  void meet(std::string_view name) { ++met_[std::string(name)]; }
  void on_decision(sim_time at, const decision_record& d);
  void on_message(const message_record& m);

  std::map<std::string, uint64_t> met_;
  /// Placed, and not said to have started.
  std::set<job_key> starting_;
  std::set<queue_uid> dropped_queues_;
  std::set<std::string> deleted_names_;
  std::map<queue_uid, std::string> queue_names_;
  std::map<attempt_id, sim_time> ended_at_;
};

} // namespace berth::sim
