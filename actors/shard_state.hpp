// The state of a shard: the fold of its valid decisions and of nothing else
// (rule Fold). Live, replay and follower use this one class.
#pragma once

#include "actors/catalog_actor.hpp"
#include "actors/compute_environment_actor.hpp"
#include "actors/job_table.hpp"
#include "actors/queue_actor.hpp"
#include "messages/record.hpp"

#include <deque>
#include <map>
#include <set>
#include <string>

namespace berth {

struct shard_state_options {
  shard_id self;
  catalog_options catalog;
  job_table_options jobs;
  environment_defaults environments;
};

/// What has been sent to one destination (rule Outbox).
struct outbox {
  destination to;
  uint64_t last_number = 0;
  /// Not recorded as delivered yet, in order, without gaps.
  std::deque<outbox_message> unrecorded;
};

class shard_state {
public:
  explicit shard_state(shard_state_options options);
  shard_state(const shard_state&) = delete;
  shard_state& operator=(const shard_state&) = delete;

  /// Total: any event of any valid decision, in log order.
  void apply(const event& e);
  /// The message is numbered already.
  void apply(const outbox_message& m);

  shard_id self() const { return options_.self; }
  const catalog_actor& catalog() const { return catalog_; }
  const job_table& jobs() const { return *jobs_; }
  const queue_actor* find_queue(queue_uid uid) const;
  const compute_environment_actor* find_environment(environment_uid uid) const;
  const std::map<queue_uid, queue_actor>& queues() const { return queues_; }
  /// Jobs and children that wait for resources, in all queues.
  size_t runnable_count() const;
  const std::map<environment_uid, compute_environment_actor>&
  environments() const {
    return environments_;
  }
  const std::map<std::string, outbox>& outboxes() const { return outboxes_; }
  /// Number of the last message taken from a source; 0 before the first.
  uint64_t last_taken(const std::string& source) const;
  /// Number of the last message sent to a destination; 0 before the first.
  uint64_t last_sent(const std::string& to) const;

  /// Queues and environments whose picture changed since they were last
  /// settled; transient, no part of the state. After a load: all of them.
  std::set<queue_uid> take_unsettled_queues();
  std::set<environment_uid> take_unsettled_environments();
  bool is_settled() const;
  /// An environment's pass is due by time alone.
  void mark_unsettled(environment_uid uid);

  /// The earliest time at which something is due without any input.
  std::optional<int64_t> next_due_ms() const;

  /// Rule Checkpoint: moves all changed rows into `rows`. See
  /// `job_table::cut_checkpoint`.
  job_bodies
  cut_checkpoint(std::map<std::string, std::optional<std::string>>& rows);
  /// See `job_table::expired_range` and `job_table::forget_expired`.
  std::optional<row_range> expired_range(size_t limit) const {
    return jobs_->expired_range(limit);
  }
  void forget_expired(const std::string& key, std::string_view bytes) {
    jobs_->forget_expired(key, bytes);
  }
  /// A row that the store does not have yet; see `job_table::pending_row`.
  std::optional<std::optional<std::string>>
  pending_row(const std::string& key) const;
  /// The ranges of rows to load at start, in this order.
  static std::vector<row_range> live_ranges();
  /// Takes one row; rows come in the order of `live_ranges`.
  void load_row(std::string_view key, std::string_view bytes);

  /// Walks every table both ways; aborts on a violation.
  void check_invariants() const;
  /// Equal on every node that folded the same log (rule Fold).
  uint64_t hash() const;

private:
  template <class Event>
  void apply_one(const Event& e);
  template <class Event>
  void apply_to_environment(const Event& e);
  template <class Event>
  void apply_to_queue(const Event& e);

  shard_state_options options_;
  catalog_actor catalog_;
  std::map<queue_uid, queue_actor> queues_;
  std::map<environment_uid, compute_environment_actor> environments_;
  std::unique_ptr<job_table> jobs_;
  std::map<std::string, outbox> outboxes_;
  std::map<std::string, uint64_t> inboxes_;

  std::set<queue_uid> unsettled_queues_;
  std::set<environment_uid> unsettled_environments_;

  std::set<queue_uid> changed_queues_;
  std::set<environment_uid> changed_environments_;
  std::set<std::string> changed_outboxes_;
  std::set<std::string> changed_inboxes_;
};

} // namespace berth
