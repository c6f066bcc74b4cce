// Agent <-> keeper, over a Unix socket in the data folder. Frames are a 4-byte
// little-endian length and the encoding of one `keeper_request` or
// `keeper_event`; the first frame each way is a hello.
#pragma once

#include "messages/dispatch.hpp"

#include <map>
#include <variant>

namespace berth {

/// Raised when a frame changes its meaning; both sides refuse another one.
constexpr uint32_t keeper_protocol_version = 2;
constexpr size_t keeper_frame_bytes_max = 1024 * 1024;

// Agent to keeper.

struct keeper_attach {
  static constexpr uint16_t number = 1;
  uint32_t version = keeper_protocol_version;
  BERTH_FIELDS(version)
};

/// Makes sure that the agent has a session and answers `keeper_session`. A new
/// one begins only when there is none, or the last one is over and settled.
struct keeper_open_session {
  static constexpr uint16_t number = 2;
  agent_id agent;
  BERTH_FIELDS(agent)
};

/// Takes a dispatch, if it is the next one of its source and session.
struct keeper_dispatch {
  static constexpr uint16_t number = 3;
  dispatch what;
  /// Offset in the agent's partition of the dispatch topic; -1 = it came from
  /// the shard itself (embedded log).
  int64_t position = -1;
  BERTH_FIELDS(what, position)
};

/// Reports up to this number are in the log; the keeper forgets them.
struct keeper_reports_acknowledged {
  static constexpr uint16_t number = 4;
  agent_id agent;
  session_id session;
  shard_id destination;
  uint64_t up_to = 0;
  BERTH_FIELDS(agent, session, destination, up_to)
};

/// The agent may start and keep attempts until this CLOCK_BOOTTIME; 0 = for
/// ever (embedded log). Attempts of a session that was never given a lease wait
/// for one.
struct keeper_lease {
  static constexpr uint16_t number = 5;
  agent_id agent;
  session_id session;
  int64_t until_boottime_ms = 0;
  BERTH_FIELDS(agent, session, until_boottime_ms)
};

/// Ends all jobs (SIGTERM, grace, SIGKILL); the keeper exits once every report
/// is acknowledged and no job is left, or when told so twice.
struct keeper_shut_down {
  static constexpr uint16_t number = 6;
  BERTH_FIELDS()
};

/// Variables that attempts started from now on get unless their job sets them:
/// the endpoint, region and keys with which a job reaches its scheduler.
struct keeper_node_environment {
  static constexpr uint16_t number = 7;
  std::vector<key_value> variables;
  BERTH_FIELDS(variables)
};

/// Everything before this position of the dispatch topic was handed over, or is
/// older than the session, whose first one is noted before it joins.
struct keeper_reading_position {
  static constexpr uint16_t number = 8;
  agent_id agent;
  session_id session;
  int64_t position = 0;
  /// To be answered by `keeper_session`, which shows that it was noted.
  bool asks = false;
  BERTH_FIELDS(agent, session, position, asks)
};

/// Answered by `keeper_alive`: an agent sends heartbeats only while its keeper
/// answers.
struct keeper_check {
  static constexpr uint16_t number = 9;
  uint64_t check = 0;
  BERTH_FIELDS(check)
};

using keeper_request =
    std::variant<keeper_attach, keeper_open_session, keeper_dispatch,
                 keeper_reports_acknowledged, keeper_lease, keeper_shut_down,
                 keeper_node_environment, keeper_reading_position,
                 keeper_check>;

// Keeper to agent.

struct keeper_hello {
  static constexpr uint16_t number = 1;
  uint32_t version = keeper_protocol_version;
  uint64_t keeper_start = 0;
  int64_t pid = 0;
  /// `cgroup v1`, `cgroup v2` or `rlimits`: how limits are enforced here.
  std::string limits_by;
  /// Whether the keeper is process 1 of a PID namespace.
  bool own_pid_namespace = false;
  /// How long it gives attempts that it stops, whatever the agent that started
  /// it was told since; -1 = an older keeper does not say.
  int64_t stop_grace_ms = -1;
  /// How many times an agent has attached to it, this time included: orders
  /// what the agent's processes say in a session; 0 = an older keeper does not
  /// count.
  uint64_t attachments = 0;
  BERTH_FIELDS(version, keeper_start, pid, limits_by, own_pid_namespace,
               stop_grace_ms, attachments)
};

struct keeper_session {
  static constexpr uint16_t number = 2;
  agent_id agent;
  session_id session;
  /// The last dispatch taken, by source shard.
  std::map<uint32_t, uint64_t> last_taken;
  /// Attempts of this session that are alive now.
  std::vector<attempt_id> alive;
  /// Where to go on reading the dispatch topic; -1 = none was noted.
  int64_t read_from = -1;
  /// It was given a lease: what goes on with it is settled by heartbeats.
  bool leased = false;
  BERTH_FIELDS(agent, session, last_taken, alive, read_from, leased)
};

/// Everything up to this number has been taken from the source.
struct keeper_dispatch_taken {
  static constexpr uint16_t number = 3;
  agent_id agent;
  session_id session;
  shard_id source;
  uint64_t up_to = 0;
  /// What came after was not taken for want of room, and there is room now: it
  /// is to be handed over again, in the dispatch topic from here on (-1 with
  /// the embedded log).
  bool send_again = false;
  int64_t read_from = -1;
  BERTH_FIELDS(agent, session, source, up_to, send_again, read_from)
};

/// The dispatch names a session that is not the agent's.
struct keeper_dispatch_refused {
  static constexpr uint16_t number = 4;
  agent_id agent;
  session_id session;
  shard_id source;
  uint64_t at = 0;
  BERTH_FIELDS(agent, session, source, at)
};

/// Reports not acknowledged yet, in order, without gaps; sent as they arise
/// and all again after `keeper_attach`. Reports of an earlier session that is
/// over come before those of the present one.
struct keeper_reports {
  static constexpr uint16_t number = 5;
  agent_id agent;
  session_id session;
  shard_id destination;
  std::vector<numbered_report> reports;
  BERTH_FIELDS(agent, session, destination, reports)
};

/// The keeper cannot do what was asked; `message` says what to do.
struct keeper_failure {
  static constexpr uint16_t number = 6;
  std::string message;
  BERTH_FIELDS(message)
};

/// The session's lease has lapsed: its attempts are being ended and it starts
/// nothing more. `keeper_open_session` is answered with a new session once they
/// are gone and their reports acknowledged.
struct keeper_session_over {
  static constexpr uint16_t number = 7;
  agent_id agent;
  session_id session;
  BERTH_FIELDS(agent, session)
};

struct keeper_alive {
  static constexpr uint16_t number = 8;
  uint64_t check = 0;
  BERTH_FIELDS(check)
};

using keeper_event =
    std::variant<keeper_hello, keeper_session, keeper_dispatch_taken,
                 keeper_dispatch_refused, keeper_reports, keeper_failure,
                 keeper_session_over, keeper_alive>;

/// What `keeper/reports` in the data folder holds, framed as on the socket: the
/// reports that a keeper made and what was acknowledged of them.
struct keeper_journal_record {
  std::variant<keeper_reports, keeper_reports_acknowledged> body;
  BERTH_FIELDS(body)
};

/// What a frame holds: the variants need a struct around them for the codec.
struct keeper_request_frame {
  keeper_request body;
  BERTH_FIELDS(body)
};
struct keeper_event_frame {
  keeper_event body;
  BERTH_FIELDS(body)
};

} // namespace berth
