// The agent's logic: it joins its environment with the keeper's session, hands
// dispatches to the keeper, and brings the keeper's reports into the log. It
// keeps nothing that the keeper does not hold, so a restarted agent goes on.
// Pure: a host moves the frames and appends the records.
//
// With the embedded log a lease is for ever and shards hand dispatches over
// themselves. With a broker the agent reads them from a topic, and the lease
// lives by heartbeats: it counts from the sending of the last one that all
// replicas acknowledged, the first one from the sending of the join. (An owner
// counts from no earlier, so it never gives up an agent whose lease holds.)
#pragma once

#include "messages/actor_messages.hpp"
#include "messages/heartbeats.hpp"
#include "messages/keeper_protocol.hpp"
#include "messages/record.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// To be given to the keeper.
struct to_keeper_effect {
  keeper_request what;
};
/// To be appended to a shard's partition; tell `on_appended` its token.
struct append_message_effect {
  shard_id to;
  uint64_t token = 0;
  message_record what;
};
/// The keeper has taken, or refused for good, everything up to this number
/// that the shard sent to the session. Not with a dispatch topic, where a
/// dispatch is delivered once its append is acknowledged.
struct dispatch_delivered_effect {
  shard_id source;
  agent_id agent;
  session_id session;
  uint64_t up_to = 0;
};

/// The keeper has a session at hand and has taken this much of it: whatever the
/// shards sent beyond is to be sent again. Not with a dispatch topic.
struct session_attached_effect {
  agent_id agent;
  session_id session;
  std::map<uint32_t, uint64_t> last_taken;
};

/// Look where the agent's partition of the dispatch topic ends now; tell
/// `on_dispatch_end`. A look that fails is made again.
struct look_at_dispatch_end_effect {
  agent_id agent;
  session_id session;
};
/// Give `on_dispatch` what the agent's partition of the dispatch topic holds
/// from this position on, in order; replaces what was asked for the agent
/// before, also where that has been read further.
struct read_dispatches_effect {
  agent_id agent;
  session_id session;
  int64_t from = 0;
};
/// Append to the topic of heartbeats at once, acknowledged by all replicas;
/// tell `on_heartbeat_appended` its token. Never sent again: an append whose
/// outcome is unknown has failed.
struct heartbeat_effect {
  uint64_t token = 0;
  agent_heartbeat what;
};

using agent_effect =
    std::variant<to_keeper_effect, append_message_effect,
                 dispatch_delivered_effect, session_attached_effect,
                 look_at_dispatch_end_effect, read_dispatches_effect,
                 heartbeat_effect>;

struct agent_machine_settings {
  /// Dispatches come from a topic, with their positions.
  bool dispatch_topic = false;
  /// Between two heartbeats of agents with a lease.
  int64_t heartbeat_interval_ms = 5000;
  /// The keeper's, which heartbeats tell, unless it says another one itself.
  int64_t stop_grace_ms = 30'000;
};

/// Heartbeats of one agent that are not acknowledged yet; the next ones wait.
constexpr size_t heartbeats_in_flight_max = 8;

/// An agent of which its shard has shown no knowledge joins again after so many
/// heartbeats, then ever more seldom.
constexpr uint32_t join_pause_first = 4;
constexpr uint32_t join_pause_max = 1024;

/// Until what was dispatched before an environment knew that its agent drains
/// has surely come; what comes later is placed anew when the agent has left.
constexpr int64_t drain_settle_ms = 5000;

/// One agent of one environment.
struct agent_offer {
  agent_id agent;
  shard_id environment_shard;
  resources capacity;
  /// 0 = for ever (embedded log).
  int64_t lease_ms = 0;
  BERTH_FIELDS(agent, environment_shard, capacity, lease_ms)
};

/// All agents that share a keeper.
class agent_machine {
public:
  explicit agent_machine(agent_machine_settings settings = {});

  /// The agent shall exist, with this capacity; said again changes it for its
  /// next session only.
  void offer(agent_offer o);
  /// Takes no more work: tells every environment so, again and again. What was
  /// dispatched before still comes and runs. A machine made anew takes work.
  void drain();
  /// The environments were told `drain_settle_ms` ago.
  bool is_drained() const;
  /// Its environment is gone: no new session will be opened.
  void withdraw(environment_uid environment);

  /// CLOCK_BOOTTIME of this machine; comes before what happened at that time.
  /// Not needed where no agent has a lease.
  void on_clock(int64_t boottime_ms);
  /// The connection to the keeper is there (again): sessions are asked for and
  /// whatever was not answered is asked again.
  void on_keeper_attached();
  /// Nothing is known of the keeper until it is attached again.
  void on_keeper_detached();
  /// The keeper has ended, as it was asked to, and with it every process: says
  /// so by a last heartbeat of each session that has a lease, so that nobody
  /// waits for the lease to lapse. Detached from then on.
  void on_keeper_ended();
  void on_keeper_event(const keeper_event& e);
  /// `position`: its offset in the dispatch topic. A dispatch for others is
  /// passed over.
  void on_dispatch(const dispatch& d, int64_t position = -1);
  /// Everything before this was read for the agent, whether it held dispatches
  /// for it or not. May be left out; spares a restarted agent some reading.
  void on_dispatches_read(const agent_id& agent, int64_t up_to);
  void on_dispatch_end(const agent_id& agent, const session_id& session,
                       int64_t end);
  /// The append is in the log for good, or has to be made again.
  void on_appended(uint64_t token, bool appended);
  void on_heartbeat_appended(uint64_t token, bool appended);

  std::vector<agent_effect> take_effects();
  /// When `on_clock` is due next.
  std::optional<int64_t> next_due_boottime_ms() const;
  /// All offered agents have joined with the keeper's present session.
  bool all_joined() const;
  size_t agent_count() const { return agents_.size(); }

private:
  struct agent_state {
    agent_offer offer;
    std::optional<session_id> session;
    /// Everything before this in the dispatch topic was handed over; -1 = it is
    /// not known where reading begins, or there is no topic.
    int64_t read_up_to = -1;
    /// As far as the keeper knows.
    int64_t told_read_up_to = -1;
    /// The session's lease began: it lives by heartbeats.
    bool leased = false;
    bool reading = false;
    bool joined = false;
    /// Its shard has taken the join: it has dispatched something.
    bool is_known = false;
    /// Heartbeats from one join to the next, and until that.
    uint32_t join_pause = join_pause_first;
    uint32_t heartbeats_to_join = join_pause_first;
    /// When the log had the join that says that it drains.
    std::optional<int64_t> drain_told_ms;
    size_t heartbeats_in_flight = 0;
  };
  /// Reports on their way to one shard; one append at a time, so that their
  /// order is the log's.
  struct report_lane {
    agent_reports waiting;
    std::optional<uint64_t> in_flight;
    agent_reports sent;
  };
  struct pending_append {
    std::optional<agent_id> joining;
    std::string lane;
    message_record what;
    shard_id to;
  };

  struct sent_heartbeat {
    agent_id agent;
    session_id session;
    int64_t sent_ms = 0;
  };

  void open_session(const agent_offer& o);
  void on_session(const keeper_session& s);
  void on_session_over(const keeper_session_over& over);
  void on_taken(const keeper_dispatch_taken& taken);
  void on_alive(const keeper_alive& alive);
  void begin_reading(agent_state& a, bool was_leased);
  void begin_lease(agent_state& a, bool was_leased);
  void join(agent_state& a);
  void join_again(agent_state& a);
  void tell_lease(const agent_state& a, int64_t until_ms);
  void send_heartbeat(agent_state& a);
  void tell_reading_position(agent_state& a, bool asks);
  void drop_session(agent_state& a);
  bool has_leases() const;
  agent_state* find(const agent_id& agent, const session_id& session);
  void on_reports(const keeper_reports& r);
  void send_reports(const std::string& lane, shard_id to);
  uint64_t join_order() const;
  uint64_t append(pending_append p);

  agent_machine_settings settings_;
  int64_t boottime_ms_ = 0;
  /// When the keeper is asked next whether it is there; heartbeats follow its
  /// answer.
  int64_t next_check_ms_ = 0;
  uint64_t last_check_ = 0;
  bool check_open_ = false;
  std::map<uint64_t, sent_heartbeat> heartbeats_;
  std::map<agent_id, agent_state> agents_;
  std::map<std::string, report_lane> lanes_;
  std::map<uint64_t, pending_append> appends_;
  uint64_t last_token_ = 0;
  bool attached_ = false;
  /// The keeper's count of them, this one included; 0 = it does not count.
  uint64_t attachments_ = 0;
  bool draining_ = false;
  std::vector<agent_effect> effects_;
};

} // namespace berth
