// The agent's logic: it joins its environment with the keeper's session, hands
// dispatches to the keeper, and brings the keeper's reports into the log. It
// keeps nothing that the keeper does not hold, so a restarted agent goes on.
// Pure: a host moves the frames and appends the records.
#pragma once

#include "messages/actor_messages.hpp"
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
/// that the shard sent to the session.
struct dispatch_delivered_effect {
  shard_id source;
  agent_id agent;
  session_id session;
  uint64_t up_to = 0;
};

/// The keeper has a session at hand and has taken this much of it: whatever the
/// shards sent beyond is to be sent again.
struct session_attached_effect {
  agent_id agent;
  session_id session;
  std::map<uint32_t, uint64_t> last_taken;
};

using agent_effect =
    std::variant<to_keeper_effect, append_message_effect,
                 dispatch_delivered_effect, session_attached_effect>;

/// One agent of one environment.
struct agent_offer {
  agent_id agent;
  shard_id environment_shard;
  resources capacity;
  BERTH_FIELDS(agent, environment_shard, capacity)
};

/// All agents that share a keeper.
class agent_machine {
public:
  /// The agent shall exist, with this capacity; said again changes it for its
  /// next session only.
  void offer(agent_offer o);
  /// Its environment is gone: no new session will be opened.
  void withdraw(environment_uid environment);

  /// The connection to the keeper is there (again): sessions are asked for and
  /// whatever was not answered is asked again.
  void on_keeper_attached();
  void on_keeper_event(const keeper_event& e);
  void on_dispatch(const dispatch& d);
  /// The append is in the log for good, or has to be made again.
  void on_appended(uint64_t token, bool appended);

  std::vector<agent_effect> take_effects();
  /// All offered agents have joined with the keeper's present session.
  bool all_joined() const;
  size_t agent_count() const { return agents_.size(); }

private:
  struct agent_state {
    agent_offer offer;
    std::optional<session_id> session;
    bool joined = false;
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

  void open_session(const agent_offer& o);
  void join(agent_state& a);
  void on_reports(const keeper_reports& r);
  void send_reports(const std::string& lane, shard_id to);
  uint64_t append(pending_append p);

  std::map<agent_id, agent_state> agents_;
  std::map<std::string, report_lane> lanes_;
  std::map<uint64_t, pending_append> appends_;
  uint64_t last_token_ = 0;
  bool attached_ = false;
  std::vector<agent_effect> effects_;
};

} // namespace berth
