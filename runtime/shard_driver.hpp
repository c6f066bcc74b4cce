// Drives one shard machine: decides when it loads, reads, claims, answers,
// decides, cuts checkpoints and is made anew. Before it reads on from a
// checkpoint it looks whether the log still has the claim there that the rows
// go by: a topic that was made anew under the same name would be taken for the
// old one once it has grown. It has no thread and knows
// neither CAF nor a clock, so that the simulation drives shards by the same
// object as a node does.
#pragma once

#include "actors/shard.hpp"
#include "runtime/row_reader.hpp"
#include "storage/log.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace berth {

/// Where a shard is in the submissions of a source.
struct submissions_standing {
  bool owns = false;
  /// Offset of the last one that waits or was decided; -1 = none. Of an owner.
  log_offset taken = -1;
};

/// What a driver asks of its host. Nothing of it may call the driver back
/// before it has returned. `incarnation` names the machine that asks; the host
/// gives it back with the outcome.
class shard_port {
public:
  virtual ~shard_port() = default;

  virtual int64_t boottime_ms() = 0;
  /// 128 random bits, hexadecimal (rule Claim).
  virtual std::string fresh_nonce() = 0;

  /// Brings records from this offset on to `on_records`.
  virtual void start_reading(uint64_t incarnation, log_offset from) = 0;
  virtual void stop_reading() = 0;
  /// Then `on_end`.
  virtual void look_at_end(uint64_t incarnation) = 0;
  /// Appends to this shard's partition; then `on_append_failed`, unless it was
  /// appended: what was is read back.
  virtual void append(uint64_t incarnation, std::string bytes) = 0;
  /// Appends to another shard's; then `on_sent`.
  virtual void append_to(uint64_t incarnation, shard_id to, sending this_time,
                         const std::string& bytes) = 0;
  /// Brings it to the agent; then `on_sent`, or `on_taken` where agents say
  /// what they have.
  virtual void send(uint64_t incarnation, sending this_time, dispatch what) = 0;
  /// Writes to the store; then `on_written`.
  virtual void write(std::shared_ptr<const row_batch> rows,
                     const checkpoint& at) = 0;

  /// Calls `on_wake` at this CLOCK_BOOTTIME or soon after. One wake is
  /// outstanding at a time; an earlier one replaces it.
  virtual void wake_at(int64_t boottime_ms) = 0;
  /// Calls `on_restart` after a pause.
  virtual void restart_later() = 0;

  virtual void answer(std::vector<call_answer> answers) = 0;
  /// Each valid decision once it is folded, own or not.
  virtual void folded(log_offset at,
                      const std::shared_ptr<const decision_record>& d) = 0;
  /// Rows of the catalog, after each load; of shard 0 only.
  virtual void catalog_loaded(std::shared_ptr<std::vector<row>> rows) = 0;
  /// The shard is owned, and serves calls.
  virtual void owned() = 0;
  /// Another node owns it now.
  virtual void disowned() {}
  /// The shard is at rest here: nothing of it is read or known until it is
  /// followed again.
  virtual void resting() {}
  virtual void reloading(const std::string& why) = 0;
  /// Going on would be wrong: stop the node with the message.
  virtual void fatal(const std::string& why) = 0;
};

struct shard_driver_options {
  shard_options shard;
  std::shared_ptr<store> store_;
  /// Whether it claims the shard; otherwise it follows (see `set_candidate`).
  bool candidate = true;
  /// Whether it folds the shard at all (see `set_followed`).
  bool followed = true;
};

class shard_driver {
public:
  /// `port` outlives the driver.
  shard_driver(shard_driver_options options, shard_port& port);

  /// Loads the store's rows and starts to read, if the shard is followed. Once.
  void start();

  /// Whether this node is the one that should own the shard. A candidate claims
  /// once it has folded to near the log's end; who is none any more goes on
  /// until another one's claim fences it. Who was fenced is no candidate until
  /// it is told so anew.
  void set_candidate(bool candidate);
  /// Whether this node folds the shard. One that is not followed is at rest
  /// once another node owns it: its state leaves memory, its rows stay, and
  /// folding goes on from them when it is followed again. A candidate follows.
  void set_followed(bool followed);
  bool is_followed() const { return options_.followed; }
  /// At rest the store may be taken away (nothing), to be renewed, and must be
  /// there again before the shard is followed.
  void set_store(std::shared_ptr<store> rows);
  bool is_at_rest() const { return at_rest_; }

  // Inputs; those of an older incarnation are ignored.
  void on_records(uint64_t incarnation, const std::vector<log_record>& records);
  void on_append_failed(uint64_t incarnation, append_outcome outcome,
                        const storage_error& error);
  void on_end(uint64_t incarnation, log_offset end, const storage_error& error);
  void on_reading_failed(uint64_t incarnation, const storage_error& error);
  /// What became of one sending; `arrived` = it is in its log. Told once for
  /// each that goes through a log.
  void on_sent(uint64_t incarnation, const sending& what, bool arrived);
  /// The destination has taken all outbox messages up to this one; with
  /// `and_no_more`, all behind it are to be sent again.
  void on_taken(const std::string& destination, uint64_t up_to,
                bool and_no_more);
  void on_calls(const std::vector<std::pair<call_token, shard_call>>& calls);
  /// Submissions of a source, in order, the first that follow offset `after`;
  /// all, some or none are taken, as the standing says. None where `after` is
  /// not what was taken last, so that a shard that was loaded again since is
  /// not made to leave some out.
  submissions_standing
  on_submissions(const std::string& source, log_offset after,
                 const std::vector<topic_submission>& given);
  void on_written(const storage_error& error);
  /// An interval has passed: an owner writes a checkpoint (rule Checkpoint), a
  /// follower more seldom.
  void on_checkpoint_due();
  void on_wake();
  void on_restart();
  /// Runs `look` on the machine between two inputs; again after the next record
  /// while it answers false. On nothing, and once, when the shard is at rest.
  void inspect(std::function<bool(const shard*)> look);

  /// Nothing while the machine is being made anew, or at rest.
  const shard* machine() const { return machine_.get(); }
  uint64_t incarnation() const { return incarnation_; }

private:
  void begin();
  void load();
  void read_on();
  void prove_log(const log_record& first);
  void drive();
  bool carry_out_effects();
  bool waits_for_landing() const;
  void carry_out(shard_effect& effect, std::vector<call_answer>& answers);
  void send_to_agent(send_to_agent_effect& sent);
  void reload(const std::string& why);
  void restart();
  void rest_unless_followed();
  void rest();
  void run_looks();
  void write_checkpoint();
  void wake_when_due();
  void look_before_claim();
  void claim_when_due();
  /// Of many starts at once, which is quicker than one by one: of those in the
  /// effects from this one on. Returns the first effect that it has not seen
  /// to.
  size_t read_specs(const std::vector<shard_effect>& effects, size_t from);

  shard_driver_options options_;
  shard_port& port_;
  std::unique_ptr<shard> machine_;
  std::unique_ptr<row_reader> rows_;
  /// Raised with each new machine, and with each reading.
  uint64_t incarnation_ = 0;
  int64_t wake_at_ms_ = INT64_MAX;
  /// The log's end when it was last looked at: claim once it has been folded.
  std::optional<log_offset> claim_at_;
  /// Of the checkpoint that this incarnation began with.
  log_offset loaded_offset_ = -1;
  /// The rows were not shown yet to be of this log.
  bool proving_ = false;
  bool looking_before_claim_ = false;
  bool owner_told_ = false;
  bool checkpoint_wanted_ = false;
  int intervals_since_checkpoint_ = 0;
  /// Of records read, and so of what memory holds of them at most.
  size_t bytes_since_checkpoint_ = 0;
  bool writing_ = false;
  bool reload_after_write_ = false;
  bool at_rest_ = false;
  /// What the effects being carried out start, and what was started lately.
  job_bodies specs_;
  /// Of an owner's last checkpoint, until the next interval: most jobs that
  /// start were accepted a moment ago.
  job_bodies written_bodies_;
  std::vector<std::function<bool(const shard*)>> looks_;
};

} // namespace berth
