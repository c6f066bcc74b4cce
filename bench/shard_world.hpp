// A shard machine, a log in memory and agents that end every attempt at once:
// everything between a submission and a finished job but the operating system.
#pragma once

#include "actors/shard.hpp"
#include "messages/job.hpp"
#include "storage/store.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace berth::bench {

class shard_world {
public:
  /// `rows`: where checkpoints go and bodies are read from; nothing = nowhere,
  /// and no checkpoint is cut.
  explicit shard_world(std::shared_ptr<store> rows = nullptr);

  /// Sets up one environment of `vcpus`, a queue, and its agent.
  void open(int64_t vcpus);
  /// Brings a submission to the owner, with a name and body of its own.
  void submit(uint64_t number, uint32_t array_size = 0);
  /// Until nothing moves any more.
  void run();
  /// One round: decide, append, read back, agents.
  bool step();
  /// Whether the agent takes attempts; without it jobs only queue.
  void let_agents_work(bool works);
  /// Lets exactly this many attempts end, then stops the agent again.
  void finish_jobs(uint64_t count);
  void write_checkpoint();
  /// Describes a job and says whether it is known with its body.
  bool describe(uint64_t number);

  uint64_t ended() const { return ended_; }
  const std::vector<std::string>& records() const { return records_; }
  const shard& machine() const { return *machine_; }
  /// A machine of its own that folds what is in the log.
  static std::unique_ptr<shard> make_machine();
  void keep_records(bool keep) { keeps_records_ = keep; }

private:
  void take_effects();
  void take(const dispatch& d);
  void report();
  void append(std::string bytes);
  fetched_rows fetch(const needed_rows& needs) const;
  job_id id_of(uint64_t number) const;

  std::shared_ptr<store> rows_;
  std::unique_ptr<shard> machine_;
  bool keeps_records_ = true;
  std::vector<std::string> records_;
  std::deque<std::string> unread_;
  log_offset next_offset_ = 0;
  int64_t boottime_ms_ = 1;
  queue_uid queue_;
  agent_id agent_;
  session_id session_{1, 1};
  bool agents_work_ = true;
  uint64_t ended_ = 0;
  uint64_t allowed_ = UINT64_MAX;
  std::vector<attempt_id> held_;
  uint64_t last_taken_ = 0;
  uint64_t last_number_ = 0;
  std::vector<numbered_report> reports_;
  call_token last_token_ = 0;
  std::optional<result> last_answer_;
};

} // namespace berth::bench
