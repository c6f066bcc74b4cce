// Which nodes there are and who should own which shard, as one node sees it in
// the topic of heartbeats. Nodes may disagree for a while: claims make that
// safe (rule Claim).
//
// Shards are given by rendezvous hashing: per shard every member has a weight,
// the greatest owns, the second follows warm. So a node that comes or goes
// moves only its own shards.
#pragma once

#include "messages/heartbeats.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth {

struct membership_settings {
  /// This process, as its heartbeats name it.
  std::string node;
  std::string nonce;
  std::string endpoint;
  /// Silence after which a node is no member any more.
  int64_t timeout_ms = 5000;
};

/// Nodes that fold a shard: its owner and one that is warm when the owner is
/// lost.
constexpr size_t followed_ranks = 2;

/// Names beyond are not taken as members; their processes are never asked.
constexpr size_t members_max = 1000;

class membership {
public:
  explicit membership(membership_settings settings);

  // Inputs.

  /// CLOCK_BOOTTIME of this machine; comes before what happened at that time.
  void on_clock(int64_t boottime_ms);
  /// One read from the topic; `position` is its offset in its partition.
  void on_heartbeat(const node_heartbeat& h, int64_t position);
  /// Everything that was in the topic at the start, for at least the timeout
  /// back, has been given to `on_heartbeat`. (Or: the timeout has passed since
  /// reading began at the topic's end.)
  void on_read_to_end();

  /// This process's next heartbeat, without figures.
  node_heartbeat own_heartbeat(bool leaving, std::vector<shard_id> owned,
                               std::vector<shard_id> warm) const;

  // The view.

  /// It can be relied upon: the heartbeats were read to their end, this node's
  /// own come back, and for no longer than the timeout have they not.
  bool is_known() const;
  /// The endpoint of a later process with this node's name: this one must stop
  /// (exit with a message that names the other).
  const std::optional<std::string>& replaced_by() const { return replaced_by_; }

  /// Members by name, also this node once its own heartbeat was read. A node
  /// that leaves is one until it falls silent.
  std::vector<node_heartbeat> members() const;
  /// Those that may own, best first.
  std::vector<std::string> ranking(shard_id shard) const;
  std::optional<std::string> owner(shard_id shard) const;
  std::optional<std::string> follower(shard_id shard) const;
  /// The member that said last that it owns the shard.
  std::optional<node_heartbeat> holder(shard_id shard) const;
  /// Whether this node should claim the shard, or keep it: it ranks first, and
  /// is warm or nobody else holds it.
  bool should_own(shard_id shard, bool is_warm) const;
  /// Whether this node should fold the shard, as its owner or to take over from
  /// it: it ranks among the first `followed_ranks`, or it `follows` until all
  /// of those are warm. Shard 0 every node folds, for the catalog.
  bool should_follow(shard_id shard, bool follows) const;

  /// When the view changes by time alone, by CLOCK_BOOTTIME.
  std::optional<int64_t> next_due_boottime_ms() const;

private:
  struct member {
    node_heartbeat said;
    int64_t started = -1;
    int64_t heard_ms = 0;
    /// Orders what members said of their shards.
    uint64_t order = 0;
  };
  void forget_silent();
  bool own_is_silent() const;
  bool is_warm(const std::string& node, shard_id shard) const;

  membership_settings settings_;
  std::map<std::string, member> members_;
  std::optional<std::string> replaced_by_;
  std::optional<int64_t> own_started_;
  int64_t own_heard_ms_ = 0;
  int64_t boottime_ms_ = 0;
  uint64_t last_order_ = 0;
  bool read_to_end_ = false;
};

/// The weight by which members of a shard are ranked; the same for ever.
uint64_t member_weight(const std::string& node, shard_id shard);

} // namespace berth
