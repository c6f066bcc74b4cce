// The shard machine: rules 1 to 9 and 11 of the log as one state machine.
//
// It folds a partition of `berth.log`, claims it, and as its owner turns runs
// of inputs into decisions, one at a time, each on top of the one before. Under
// load it decides ahead: the next decision follows while earlier ones are on
// their way through the log. It knows no clock, thread, disk or log: its inputs
// are values, its outputs are effects that a host carries out, so that a whole
// cluster runs in one thread in a simulation.
//
// A host does, in any order and as things happen: give inputs (`on_*`); then
// call `prepare_decision` / `make_decision` and `prepare_answers` /
// `answer_questions` while they ask for it, fetching the rows they name; then
// carry out `take_effects()` in order.
#pragma once

#include "actors/draft.hpp"
#include "actors/sendings.hpp"
#include "actors/shard_state.hpp"
#include "messages/calls.hpp"
#include "messages/checkpoint.hpp"
#include "messages/dispatch.hpp"
#include "messages/record.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace berth {

class decision_run;

// Effects.

/// Append a claim or a decision to this shard's partition, then tell
/// `on_appended` what came of it.
struct append_effect {
  std::string bytes;
};
/// Append to another shard's partition; tell `on_delivered` or
/// `on_delivery_failed`.
struct send_to_shard_effect {
  shard_id to;
  sending this_time;
  std::string bytes;
};
/// Bring to the agent; tell `on_delivered` or `on_delivery_failed` where it
/// goes through a log, or `on_taken` once the keeper has taken it, or refused
/// it for good. `start_attempt::spec` is to be filled in from the row
/// `job_table::body_key` of its job.
struct send_to_agent_effect {
  sending this_time;
  dispatch what;
};
struct answer_effect {
  call_token token = 0;
  result answer;
};
/// A valid decision was folded; for replicas, the public events, metrics.
struct folded_effect {
  log_offset offset = 0;
  std::shared_ptr<const decision_record> decision;
};
/// Ask the log for this partition's end, then call `on_end`.
struct look_at_end_effect {};
/// This machine is of no more use: make a new one from the store and the log.
struct reload_effect {
  std::string why;
};
/// A record cannot be read: a newer version wrote it, or it is damaged.
struct fatal_effect {
  std::string why;
};

using shard_effect =
    std::variant<append_effect, send_to_shard_effect, send_to_agent_effect,
                 answer_effect, folded_effect, look_at_end_effect,
                 reload_effect, fatal_effect>;

enum class shard_role : uint8_t {
  /// Folds what others decide.
  follower = 1,
  /// Has sent a claim and not read it back yet.
  claiming = 2,
  owner = 3,
  /// Waits to be made anew, or for the node to stop.
  broken = 4,
};
const char* to_string(shard_role r);

struct shard_counters {
  uint64_t decisions = 0;
  uint64_t events = 0;
  /// Rule Validity: decisions ignored for their epoch, or for their `seq`.
  uint64_t fenced = 0;
  uint64_t out_of_sequence = 0;
  uint64_t messages_taken = 0;
  /// Repeats and gaps (rule Outbox).
  uint64_t messages_passed_over = 0;
  uint64_t messages_refused = 0;
  uint64_t calls = 0;
  uint64_t calls_turned_away = 0;
};

/// One submission of a topic, resolved against the catalog by whoever read it.
struct topic_submission {
  /// `<topic>/<partition>`: names the cursor.
  std::string source;
  log_offset offset = -1;
  /// Its queue's shard; the one that reads passes it on.
  shard_id home;
  /// The job's id follows from source, offset and timestamp
  /// (`submission_job_id`). A refusal becomes a `message_refused` event.
  std::variant<submit_job_call, api_error> what;
};

struct shard_options {
  shard_state_options state;
  std::string cluster_id;
  /// This node, as its claims name it.
  std::string node;
  std::string endpoint;
  /// The newest format of records that it reads, and the one that it writes.
  /// Another one makes a node of a later version, for tests.
  uint32_t format = record_format;
};

class shard {
public:
  explicit shard(shard_options options);

  // Starting: rows of the store in the order of `shard_state::live_ranges`,
  // then where they stand. Without a checkpoint the log is read from its start.
  void load_row(std::string_view key, std::string_view bytes);
  void finish_load(const std::optional<checkpoint>& at);
  /// Where to read the log from (rule Checkpoint).
  log_offset resume_offset() const;
  /// Where the log has the claim that the loaded rows go by; nothing if they go
  /// by none.
  std::optional<log_offset> claim_offset() const;
  /// Whether this record is that claim. A log that has another one there is
  /// not the log that the rows were made from.
  bool is_claim_of_rows(std::string_view bytes) const;

  // Inputs.

  /// Records in offset order, from `resume_offset` on.
  void on_record(log_offset offset, int64_t append_ms, std::string_view bytes);
  /// CLOCK_BOOTTIME of this machine, in milliseconds (rule Time).
  void on_clock(int64_t boottime_ms);
  /// Becomes a claimant with a fresh random nonce (rule Claim). Call it when
  /// the log has been folded to near its end.
  void claim(std::string nonce);
  /// What became of the outstanding `append_effect`.
  enum class appended : uint8_t { yes = 1, unknown = 2, no = 3 };
  /// `why` is what an operator reads of it.
  void on_appended(appended outcome, const std::string& why = {});
  void on_call(call_token token, shard_call call);
  /// Submissions of a source in the order of its offsets. Each is taken exactly
  /// once into the log: its decision carries the cursor. False = not taken:
  /// this is no owner, or it is full; read again from behind
  /// `submissions_taken` once it owns, and has room.
  bool on_submission(topic_submission s);
  /// Offset of the last submission of a source that waits or was decided, as
  /// the cursor has it; -1 = none.
  log_offset submissions_taken(const std::string& source) const;
  /// The outbox message has reached its destination. Where it overtook an
  /// earlier one, it is sent again once that is there.
  void on_delivered(const sending& what);
  /// The destination may have missed it: it and all behind it are sent again,
  /// once, after a pause.
  void on_delivery_failed(const sending& what);
  /// The destination says that it has taken all up to this one.
  void on_taken(const std::string& to, uint64_t up_to);
  /// It says that it has been sent nothing else: all behind is sent again.
  void on_taken_no_more(const std::string& to, uint64_t up_to);
  void on_end(log_offset end);

  // Deciding.

  /// Fixes the inputs of the next decision and names the rows it needs;
  /// nothing when none is to be made now.
  std::optional<needed_rows> prepare_decision();
  /// Follows `prepare_decision`.
  void make_decision(const fetched_rows& rows);

  /// Fixes the questions that can be answered now; nothing when there are none.
  std::optional<needed_rows> prepare_answers();
  void answer_questions(const fetched_rows& rows);

  std::vector<shard_effect> take_effects();
  /// When `on_clock` should be called next at the latest; nothing = any time.
  std::optional<int64_t> next_due_boottime_ms() const;

  /// A row that the last checkpoint's rows do not hold yet; outer nothing = ask
  /// the store, inner nothing = there is none.
  std::optional<std::optional<std::string>>
  pending_row(const std::string& key) const {
    return state_->pending_row(key);
  }
  /// Rule Checkpoint: nothing while a decision is in flight, or when nothing
  /// was folded since the last one. Who wants one makes no decision until those
  /// in flight have landed.
  struct cut {
    std::map<std::string, std::optional<std::string>> rows;
    checkpoint at;
    /// The bodies in the rows, decoded.
    job_bodies bodies;
  };
  std::optional<cut> cut_checkpoint();
  /// Stored rows of expired jobs: each one found in the range is handed to
  /// `forget_expired`, so that the next checkpoint deletes it. Nothing when
  /// none has expired.
  std::optional<row_range> expired_range(size_t limit) const {
    return state_->expired_range(limit);
  }
  void forget_expired(const std::string& key, std::string_view bytes) {
    state_->forget_expired(key, bytes);
  }

  shard_role role() const { return role_; }
  /// It has claimed, and the latest claim is another node's.
  bool is_fenced() const {
    return role_ != shard_role::claiming && !own_nonce_.empty()
           && at_.nonce != own_nonce_;
  }
  /// The last record folded; -1 before the first.
  log_offset folded_offset() const { return at_.folded_offset; }
  epoch current_epoch() const { return at_.at_epoch; }
  /// The latest claim that was read since this machine was made; nothing when
  /// the claim that counts came before its checkpoint.
  const std::optional<claim_record>& claim_read() const { return claim_read_; }
  uint64_t seq() const { return at_.seq; }
  const shard_state& state() const { return *state_; }
  const shard_counters& counters() const { return counters_; }
  bool decision_in_flight() const { return !in_flight_.empty(); }
  size_t waiting_calls() const {
    return calls_.size() + questions_.size() + submissions_.size();
  }

private:
  friend class decision_run;

  struct waiting_message {
    log_offset offset = 0;
    message_record what;
    /// Inputs that it holds: a batch of reports is many.
    size_t inputs = 1;
  };
  struct waiting_call {
    call_token token = 0;
    shard_call what;
  };
  struct waiting_question {
    call_token token = 0;
    shard_call what;
    /// Answered once everything before this was read.
    log_offset barrier = 0;
    /// Made already, by a run of inputs that came to nothing.
    std::optional<result> answer = std::nullopt;
  };
  /// A decision that was appended and not read back yet (rule One at a time).
  struct flight {
    std::shared_ptr<const decision_record> decision;
    std::string bytes;
    std::vector<call_answer> answers;
    /// Answers that wait for these deliveries too.
    std::vector<call_answer> answers_after_delivery;
  };
  struct held_answers {
    std::vector<call_answer> answers;
    std::set<std::pair<std::string, uint64_t>> deliveries;
  };

  void take_claim(log_offset offset, int64_t append_ms,
                  const claim_record& claim);
  void take_decision(log_offset offset, decision_record decision);
  void fold(log_offset offset,
            const std::shared_ptr<const decision_record>& decision);
  void note_folded(log_offset offset, const decision_record& decision);
  void confirm(log_offset offset);
  void release(flight& landed);
  void send(const outbox_message& message);
  void send_all_unrecorded();
  /// All to that destination from this number on.
  void send_again(const std::string& to, uint64_t from);
  void send_failed_again();
  /// The earliest unrecorded message; nothing when there is none.
  std::optional<uint64_t> first_unrecorded(const std::string& to) const;
  void take(const std::string& to, uint64_t up_to,
            const sendings::arrival& what);
  void break_down(std::string why);
  void turn_away_everything(const std::string& why);
  void look_at_end();
  result answer_one(const shard_call& call, const fetched_rows& rows) const;
  bool owns() const { return role_ == shard_role::owner; }
  int64_t now_ms() const;
  bool wants_decision() const;
  bool may_decide_ahead() const;
  const decision_record* last_in_flight() const;
  void take_messages(decision_run& run, decision_record& decision);
  void take_submissions(decision_run& run, decision_record& decision);
  template <class Effect>
  void put(Effect e) {
    effects_.push_back(std::move(e));
  }

  shard_options options_;
  std::unique_ptr<shard_state> state_;
  checkpoint at_;
  std::optional<claim_record> claim_read_;
  /// Claims and decisions up to here are in the loaded rows already.
  log_offset loaded_offset_ = -1;
  log_offset cut_offset_ = -1;
  shard_role role_ = shard_role::follower;
  std::string own_nonce_;
  /// In the order of their `seq`, which is that of the log.
  std::deque<flight> in_flight_;

  int64_t boottime_ms_ = 0;
  int64_t time_base_ms_ = 0;
  int64_t time_base_boottime_ms_ = 0;

  /// Those at the front are in the decisions in flight already.
  std::deque<waiting_message> messages_;
  size_t messages_decided_ = 0;
  /// What the others hold.
  size_t undecided_inputs_ = 0;
  std::deque<waiting_call> calls_;
  std::deque<topic_submission> submissions_;
  std::deque<waiting_question> questions_;
  /// How many at the front have their barrier, and how many wait for a look
  /// that was asked for or have it; never more than there are questions.
  size_t questions_with_barrier_ = 0;
  size_t questions_asked_ = 0;
  bool end_asked_ = false;
  size_t prepared_messages_ = 0;
  size_t prepared_calls_ = 0;
  size_t prepared_submissions_ = 0;
  size_t prepared_questions_ = 0;

  /// Arrivals are recorded with the next decision, or after
  /// `limits::delivery_record_delay_ms`.
  sendings sendings_;
  std::vector<held_answers> held_;

  std::vector<shard_effect> effects_;
  shard_counters counters_;
};

} // namespace berth
