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
  void on_cursors(const decision_record& d);

  std::map<std::string, uint64_t> met_;
  /// Placed, and not said to have started.
  std::set<job_key> starting_;
  std::set<queue_uid> dropped_queues_;
  std::set<std::string> deleted_names_;
  std::map<queue_uid, std::string> queue_names_;
  std::map<attempt_id, sim_time> ended_at_;
  std::set<std::string> submissions_;
  /// By shard: of the last claim.
  std::map<shard_id, uint32_t> formats_;
  /// By shard: the last change that was published.
  std::map<shard_id, std::pair<log_offset, uint64_t>> changes_;
  /// By source: the last cursor, and under which claim it was moved.
  std::map<std::string, std::pair<log_offset, epoch>> cursors_;
};

} // namespace berth::sim
