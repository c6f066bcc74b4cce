// What a keeper decides: which dispatches it takes, when an attempt may start,
// when it is stopped, and which reports it still owes (rules Outbox, Sessions).
// Pure: processes, clocks, the socket and the folder belong to the host, which
// feeds this machine and does what it says.
//
// One attempt's path: taken -> waiting -> starting -> running -> [stopping]
// -> ended. A waiting attempt that is stopped, or whose lease has lapsed, never
// starts. The owner learns of each by reports, numbered without gaps per
// (session, destination shard) and kept until acknowledged.
#pragma once

#include "actors/report_outbox.hpp"
#include "messages/keeper_protocol.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace berth {

/// Both clocks in milliseconds. Everything is timed by `boottime_ms`, which
/// never goes back; `wall_ms` is only told to people.
struct keeper_clock {
  int64_t boottime_ms = 0;
  int64_t wall_ms = 0;
};

struct keeper_settings {
  /// This start of the keeper; grows, synced before use.
  uint64_t keeper_start = 0;
  /// From SIGTERM to SIGKILL.
  int64_t stop_grace_ms = 30'000;
  keeper_hello hello;
};

/// Reports that wait for their acknowledgement; beyond, starts wait.
constexpr size_t keeper_reports_max = 100'000;
/// Attempts of one keeper; dispatches beyond are not taken yet. All their ids
/// fit a frame.
constexpr size_t keeper_attempts_max = 20'000;
constexpr size_t keeper_reason_bytes_max = 1024;

/// How a main process ended.
struct process_end {
  /// 128 + signal when a signal ended it.
  int32_t exit_code = 0;
  bool out_of_memory = false;
};

/// SIGTERM, or SIGKILL, to every process of the attempt.
struct signal_attempt {
  attempt_id attempt;
  bool kill = false;
  BERTH_FIELDS(attempt, kill)
};
struct send_to_agent {
  keeper_event event;
  BERTH_FIELDS(event)
};
/// Append to the journal; comes before the frames that tell of it.
struct keep_record {
  keeper_journal_record record;
  BERTH_FIELDS(record)
};
/// The agent speaks another version: close the connection.
struct drop_agent {
  BERTH_FIELDS()
};
/// Nothing is left to do: the keeper ends.
struct end_keeper {
  BERTH_FIELDS()
};

using keeper_action = std::variant<signal_attempt, send_to_agent, keep_record,
                                   drop_agent, end_keeper>;

class keeper_machine {
public:
  /// `earlier`: reports of this folder's dead keepers, unacknowledged, in the
  /// order of the journal.
  keeper_machine(keeper_settings settings,
                 const std::vector<keeper_reports>& earlier);

  /// A connection replaces the one before; it speaks after `keeper_attach`.
  void connected();
  void disconnected();
  void handle(const keeper_request& request, const keeper_clock& now);

  /// As `keeper_shut_down`.
  void shut_down(const keeper_clock& now);

  /// The next attempt to start, if its lease allows at `now`. The host starts
  /// it at once and says `started` or `failed_to_start` before asking again.
  std::optional<start_attempt> next_start(const keeper_clock& now);
  void started(const attempt_id& attempt, const keeper_clock& now);
  void failed_to_start(const attempt_id& attempt, const std::string& reason,
                       const keeper_clock& now);
  /// The main process was reaped: what else is left of the attempt is killed by
  /// the host, and no timeout and no stop changes any more how it has ended.
  void exited(const attempt_id& attempt);
  /// The main process was reaped, its tree is gone, its output is complete.
  void ended(const attempt_id& attempt, const process_end& end,
             const keeper_clock& now);

  /// Does what is due: leases, timeouts, ends of grace.
  void look_at_clock(const keeper_clock& now);
  /// When `look_at_clock` is due next, by CLOCK_BOOTTIME.
  std::optional<int64_t> next_deadline_ms() const;

  /// What to do, in this order. Reports and receipts since the last call come
  /// as one frame each.
  std::vector<keeper_action> take_actions();

  const std::vector<key_value>& node_environment() const {
    return node_environment_;
  }
  size_t attempts_alive() const { return attempts_.size(); }
  size_t starts_waiting() const { return waiting_.size(); }
  size_t reports_unacknowledged() const { return reports_.size(); }
  /// All that a new journal has to hold.
  std::vector<keeper_journal_record> journal() const;

  /// Asserts what must hold between the tables; for tests and the host's own
  /// debugging.
  void check_invariants() const;

private:
  struct turned_away {
    int64_t position = -1;
    /// It was asked for since there is room again.
    bool asked = false;
  };

  struct session_state {
    session_id id;
    std::optional<int64_t> lease_until_ms;
    bool over = false;
    std::map<uint32_t, uint64_t> last_taken;
    /// Sources whose receipt is owed.
    std::set<uint32_t> receipts;
    /// Per source the next dispatch, where it had to wait for room.
    std::map<uint32_t, turned_away> waiting_outside;
    /// Everything before it in the dispatch topic was handed over; -1 = it was
    /// never noted.
    int64_t read_up_to = -1;
    size_t attempts = 0;

    /// Where an agent that starts again goes on reading.
    int64_t read_from() const;
  };

  struct agent_state {
    std::optional<session_state> present;
    bool open_asked = false;
  };

  enum class phase : uint8_t { waiting, starting, running };

  struct attempt_state {
    agent_id agent;
    session_id session;
    shard_id source;
    start_attempt start;
    phase at = phase::waiting;
    int64_t started_wall_ms = 0;
    /// Why it is being stopped; the first cause stays.
    std::optional<attempt_end> cause;
    /// The entry in `timers_`: the timeout, then the end of grace.
    std::optional<int64_t> timer_ms;
    bool killed = false;
  };

  void take(const keeper_open_session& request, const keeper_clock& now);
  void take(const keeper_dispatch& request, const keeper_clock& now);
  void take(const keeper_reports_acknowledged& request);
  void take(const keeper_lease& request);
  void take(const keeper_reading_position& request);
  void attach(const keeper_attach& request);

  bool takes_number(session_state& session, const keeper_dispatch& request);
  void take_start(agent_state& agent, const dispatch& what,
                  const start_attempt& start, const keeper_clock& now);
  void answer_open(const agent_id& id, agent_state& agent);
  void answer_open_when_settled(const agent_id& id, agent_state& agent);
  void tell_session(const agent_id& id, const session_state& session);

  void end_lapsed(const keeper_clock& now);
  void end_lapsed_at_use(const keeper_clock& now);
  void lapse(const agent_id& id, session_state& session,
             const keeper_clock& now);
  void stop(const attempt_id& id, attempt_state& attempt, attempt_end cause,
            int64_t kill_at_ms, const keeper_clock& now);
  void withdraw(const attempt_id& id, const std::string& reason,
                const keeper_clock& now);
  void kill(const attempt_id& id, attempt_state& attempt);
  void set_timer(const attempt_id& id, attempt_state& attempt,
                 std::optional<int64_t> at_ms);
  void report(const attempt_state& attempt, attempt_report body);
  void finish(const attempt_id& id, attempt_ended_report report);
  void settle_if_over(const agent_id& id);
  void ask_for_turned_away();

  void act(keeper_action action) { actions_.push_back(std::move(action)); }
  void tell(keeper_event event);
  void fail(std::string message);
  void flush_receipts();

  keeper_settings settings_;
  bool connected_ = false;
  bool attached_ = false;
  bool shutting_down_ = false;
  bool end_at_once_ = false;
  bool ended_ = false;
  uint64_t last_lease_number_ = 0;
  std::map<agent_id, agent_state> agents_;
  std::map<attempt_id, attempt_state> attempts_;
  /// Attempts in phase `waiting`, oldest first.
  std::deque<attempt_id> waiting_;
  std::set<std::pair<int64_t, attempt_id>> timers_;
  report_outbox reports_;
  std::vector<key_value> node_environment_;
  std::vector<keeper_action> actions_;
};

} // namespace berth
