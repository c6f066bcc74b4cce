// One shard machine around a log in memory, driven step by step: tests decide
// when an append lands, what comes of it, and what is read back.
#pragma once

#include "actors/shard.hpp"
#include "messages/codec.hpp"
#include "messages/dispatch.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth::test {

struct landed_record {
  std::string bytes;
  int64_t append_ms = 0;
};

/// The log's partition, shared by the machines of a test.
struct partition {
  std::vector<landed_record> records;
  int64_t now_ms = 1'700'000'000'000;

  log_offset append(std::string bytes) {
    records.push_back({std::move(bytes), now_ms});
    return static_cast<log_offset>(records.size()) - 1;
  }
};

class shard_fixture {
public:
  explicit shard_fixture(std::shared_ptr<partition> log, shard_id self = {0},
                         uint32_t shard_count = 1, std::string node = "n1");

  /// Claims with this nonce and reads until owner.
  void own(const std::string& nonce);

  /// Hands the machine all it has not read yet.
  void read();
  /// Lets the machine decide and answer as far as it will without reading.
  void decide();
  /// Appends what waits to be appended; the machine has not read it yet.
  void land();
  /// decide, land, read until nothing is left to do.
  void run();

  /// Brings a call and runs; gives the answer.
  result call(shard_call what);
  call_token start_call(shard_call what);
  std::optional<result> answer_to(call_token token);

  /// Writes a checkpoint into `rows` and `at`, as the store would hold it.
  bool write_checkpoint();
  /// A fresh machine from the rows and the log.
  void restart();

  shard& machine() { return *machine_; }
  const shard_state& state() const { return machine_->state(); }

  std::shared_ptr<partition> log;
  std::vector<std::string> to_append;
  std::vector<send_to_shard_effect> sent_to_shards;
  std::vector<dispatch> dispatches;
  std::vector<folded_effect> folded;
  std::vector<std::string> reloads;
  std::vector<std::string> fatals;
  size_t looks_at_end = 0;
  /// Looks at the end are answered at once unless a test holds them.
  bool answers_looks = true;
  int64_t boottime_ms = 1000;
  std::map<std::string, std::string> rows;
  std::optional<checkpoint> at;
  /// Called for each dispatch that leaves.
  std::function<void(const dispatch&)> on_dispatch;
  /// Records up to here were read by the present machine.
  size_t read_up_to = 0;

private:
  void take_effects();
  fetched_rows fetch(const needed_rows& needs) const;
  shard_options options() const;

  shard_id self_;
  uint32_t shard_count_;
  std::string node_;
  std::unique_ptr<shard> machine_;
  call_token last_token_ = 0;
  std::map<call_token, result> answers_;
};

// What most tests start from.

account_region test_owner();
caller test_caller(const std::string& invocation = {});
create_environment_request environment_of(const std::string& name,
                                          int64_t vcpus);
create_queue_request queue_of(const std::string& name, int32_t priority,
                              const std::vector<std::string>& environments);
submit_job_call submission(const shard_state& state, const std::string& queue,
                           uint64_t number, const job_spec& spec = {});
job_spec small_job(int64_t vcpu_milli = 1000);

/// An agent that takes every dispatch at once and ends each attempt with exit
/// code 0; its reports go to the log when `report` is called.
class instant_agent {
public:
  instant_agent(shard_fixture& fixture, environment_uid environment,
                int64_t vcpus, uint64_t keeper_start = 1);

  void join();
  void take(const dispatch& d);
  /// Appends a message with the reports made so far; false when there are none.
  bool report();

  std::vector<attempt_id> started;
  std::vector<attempt_id> stopped;
  bool ends_attempts = true;
  agent_id id;
  session_id session;
  /// Ends an attempt that `ends_attempts` left running.
  void end(const attempt_id& attempt, int32_t exit_code);

private:
  void add(attempt_report r);

  shard_fixture& fixture_;
  int64_t vcpus_;
  uint64_t last_taken_ = 0;
  uint64_t last_number_ = 0;
  std::vector<numbered_report> waiting_;
};

} // namespace berth::test
