// Which decisions of the log count, judged from outside: rule Validity written
// a second time, sharing nothing with `actors/shard`.
#pragma once

#include "tests/sim/history.hpp"

#include <map>
#include <optional>
#include <vector>

namespace berth::sim {

enum class verdict : uint8_t {
  claim = 1,
  message = 2,
  /// A decision under the latest claim, and the next in sequence.
  valid = 3,
  fenced = 4,
  out_of_sequence = 5,
};

class log_judge {
public:
  struct judged {
    verdict what = verdict::message;
    sim_time at = 0;
    std::optional<sim_time> visible_at;
    /// Of the shard, once this record counts.
    uint64_t seq = 0;
    log_offset claim = -1;
    log_offset through = -1;
    /// Kept for valid decisions and messages.
    std::shared_ptr<const record> what_it_says;
  };

  /// Takes what the log is about; the same entry may be shown by several.
  void take(const history_entry& e);

  /// Nothing when there is no such record.
  const judged* find(shard_id shard, log_offset offset) const;
  const std::vector<judged>& all(shard_id shard) const;
  const std::map<shard_id, std::vector<judged>>& shards() const {
    return shards_;
  }
  /// Of the latest claim; empty before the first.
  const std::string& nonce(shard_id shard) const;

private:
  judged judge(shard_id shard, const record_in_log& r, sim_time at);

  /// By offset.
  std::map<shard_id, std::vector<judged>> shards_;
  std::map<shard_id, std::string> nonces_;
};

} // namespace berth::sim
