// When an owner gives an agent up for lost: its view of the heartbeats of the
// agents of its shard. Volatile, no part of the fold: only what comes of it, an
// `agent_lost_call`, becomes a decision.
//
// An agent is lost after lease + stop grace + margin without a heartbeat, when
// by its own clock its last process is gone, and then only once the heartbeats
// were read to their end after that count had run out: any that was appended in
// time is seen, any later one renewed a lease that had lapsed. The count begins
// anew with the claim and with each outage of the broker, in which nobody's
// heartbeats could arrive.
#pragma once

#include "messages/calls.hpp"
#include "messages/heartbeats.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

namespace berth {

class shard_state;
struct decision_record;

struct agent_watch_settings {
  /// The longest lease and stop grace of any agent, until its heartbeats tell
  /// its own, which may be longer.
  int64_t lease_ms = 600'000;
  int64_t stop_grace_ms = 30'000;
  /// For clocks that run at different speeds, and a keeper that is slow to act.
  int64_t margin_ms = 10'000;
};

/// Look where the topic of heartbeats ends now, in every partition; when all
/// before that was given to `on_heartbeat`, tell `on_heartbeats_read` the same
/// number. A look that fails is made again.
struct look_at_heartbeats_end_effect {
  uint64_t look = 0;
};
/// To be given to the shard as a call of `no_caller`. Said again after the
/// margin while nothing came of it.
struct agent_lost_effect {
  agent_lost_call what;
};
using agent_watch_effect =
    std::variant<look_at_heartbeats_end_effect, agent_lost_effect>;

class agent_watch {
public:
  explicit agent_watch(agent_watch_settings settings);

  // Inputs.

  /// CLOCK_BOOTTIME of this machine; comes before what happened at that time.
  void on_clock(int64_t boottime_ms);
  /// This node's claim was read back: watches every agent that is present in
  /// the state, each counted from now.
  void on_claim(const shard_state& state);
  /// This node owns the shard no more, or reloads it.
  void on_stepped_down();
  /// A decision was folded (`folded_effect`): agents that joined or ended.
  void on_decision(const decision_record& decision);
  void on_heartbeat(const agent_heartbeat& h);
  void on_heartbeats_read(uint64_t look);
  /// The broker does not answer, or heartbeats cannot be read; until the other
  /// is said nobody is lost.
  void on_broker_lost();
  void on_broker_back();

  std::vector<agent_watch_effect> take_effects();
  /// When `on_clock` is due next.
  std::optional<int64_t> next_due_boottime_ms() const;
  size_t agents_watched() const { return agents_.size(); }

private:
  struct watched {
    session_id session;
    int64_t lives_for_ms = 0;
    /// When its count runs out, and its entry in `due_`.
    int64_t due_ms = 0;
    /// The look that comes after its count has run out; 0 = none yet.
    uint64_t look = 0;
  };
  void watch(const agent_id& agent, const session_id& session);
  void forget(const agent_id& agent, const session_id& session);
  void count_anew(const agent_id& agent, watched& w);
  void set_due(const agent_id& agent, watched& w, int64_t due_ms);
  void count_all_anew();
  void ask_for_look();
  void declare_lost(const agent_id& agent, watched& w);

  agent_watch_settings settings_;
  int64_t boottime_ms_ = 0;
  bool owns_ = false;
  bool broker_lost_ = false;
  std::map<agent_id, watched> agents_;
  /// Agents that no look covers yet, by when their counts run out.
  std::set<std::pair<int64_t, agent_id>> due_;
  /// Agents that wait for a look to be read to.
  std::set<agent_id> run_out_;
  uint64_t last_look_ = 0;
  /// The look that was asked for and is not read to yet; 0 = none.
  uint64_t open_look_ = 0;
  std::vector<agent_watch_effect> effects_;
};

} // namespace berth
