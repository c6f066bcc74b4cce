// The public state changes of jobs, taken from decisions as they are folded,
// for whoever follows them. Keeps the latest; who fell behind is told so and
// reads the log.
#pragma once

#include "messages/job.hpp"
#include "messages/record.hpp"
#include "runtime/change_position.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace berth {

/// Transitions kept for followers that come late or are slow.
constexpr size_t job_transitions_kept = 100'000;

struct job_transition {
  /// Grows by one per transition while the node runs.
  uint64_t sequence = 0;
  /// Where the log says so.
  shard_id shard;
  log_offset offset = 0;
  /// Among those of its decision, from 1.
  size_t number = 0;
  job_key job;
  job_status status = job_status::submitted;
  int64_t at_ms = 0;
};

/// The changes of single jobs and children in one decision, in order; ranges of
/// an array's children are given child by child.
std::vector<job_transition> transitions_of(shard_id shard, log_offset offset,
                                           const decision_record& decision);

/// Thread-safe.
class job_transitions {
public:
  using listener = std::function<void()>;

  void add(std::vector<job_transition> transitions);
  /// Those after `sequence`, at most `limit`. `missed`: some are gone already.
  std::vector<job_transition> after(uint64_t sequence, size_t limit,
                                    bool& missed) const;
  uint64_t last_sequence() const;

  /// The last sequence, and how far it is in each shard.
  struct heads {
    uint64_t sequence = 0;
    std::vector<change_cursor> cursors;
  };
  heads now() const;
  /// Where a shard is that has had no transition yet: at its owner's claim.
  void start_at(shard_id shard, log_offset claim);

  /// `on_more` is called after each `add`, on the thread that adds; it must not
  /// block. No call is made once `unlisten` has returned.
  uint64_t listen(listener on_more);
  void unlisten(uint64_t id);

private:
  /// With `mutex_` held.
  change_cursor& cursor_of(shard_id shard);

  mutable std::mutex mutex_;
  std::mutex listeners_mutex_;
  std::deque<job_transition> kept_;
  /// By shard.
  std::vector<change_cursor> cursors_;
  uint64_t last_sequence_ = 0;
  uint64_t last_listener_ = 0;
  std::map<uint64_t, listener> listeners_;
};

} // namespace berth
