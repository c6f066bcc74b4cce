// Tells the history of `berth.log` what truly happened to it, and counts the
// rare situations that can be seen there.
#pragma once

#include "messages/record.hpp"
#include "tests/sim/recorder.hpp"
#include "tests/sim/simulated_topic.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::sim {

class log_history final : public topic_watcher {
public:
  log_history(recorder& history, uint32_t shards)
      : history_(history), shards_(shards) {}

  void landed(const landed_append& a) override;
  void visible(shard_id partition, log_offset offset) override;
  void lost() override;

  const record& decoded(shard_id of, log_offset at) const {
    return *shards_.at(of.value).records.at(static_cast<size_t>(at));
  }

  /// The last valid decision; nothing before the first.
  const decision_record* last_valid(shard_id of) const {
    const auto& last = shards_.at(of.value).last_valid;
    return last ? std::get_if<decision_record>(&last->body) : nullptr;
  }
  /// -1 = nothing.
  log_offset last_valid_at(shard_id of) const {
    return shards_.at(of.value).last_valid_at;
  }
  /// Records of the topic of submissions that became jobs or were refused.
  uint64_t submissions_settled() const { return submissions_settled_; }
  /// Whether the last claim is that of the last valid decision.
  bool is_of_present_owner(shard_id of, const decision_record& d) const {
    return d.at_epoch.value == shards_.at(of.value).claim;
  }

  /// Jobs that valid decisions ended, an array counting as one.
  uint64_t jobs_finished() const { return jobs_finished_; }

private:
  /// The records of a shard, and what validity says of them so far.
  struct shard_log {
    std::vector<std::shared_ptr<const record>> records;
    log_offset claim = -1;
    std::string nonce;
    uint64_t seq = 0;
    std::shared_ptr<const record> last_valid;
    log_offset last_valid_at = -1;
    /// By whom: the last of their appends that landed.
    std::map<std::string, uint64_t> last_landed;
  };
  void judge(shard_log& log, const landed_append& a);
  void count_finished(const decision_record& d);
  void count_submissions(const decision_record& d);

  recorder& history_;
  std::vector<shard_log> shards_;
  uint64_t jobs_finished_ = 0;
  uint64_t submissions_settled_ = 0;
};

} // namespace berth::sim
