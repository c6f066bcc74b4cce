// What really happened in a run, told from outside of the code under test: by
// the simulated clients, log, machines and faults. Checkers judge by it alone.
#pragma once

#include "messages/calls.hpp"
#include "messages/checkpoint.hpp"
#include "messages/dispatch.hpp"
#include "messages/record.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"
#include "tests/sim/timeline.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace berth::sim {

/// What a job is to do, known to the workload and to the simulated processes;
/// found by the job's name.
struct job_script {
  std::string name;
  int64_t run_ms = 0;
  /// Exit code of attempt 1, 2, ...; the last one of all further.
  std::vector<int32_t> exit_codes{0};
  bool hangs = false;
  bool ignores_sigterm = false;
  /// How long a process that it forks lives; -1 = until it is killed, 0 = none
  /// is forked.
  int64_t child_ms = 0;
  /// From SIGKILL to the child's end.
  int64_t child_dies_ms = 0;
};

// Clients. A call is one operation of a client; all its tries carry the same
// invocation id.
struct call_sent {
  uint64_t call = 0;
  uint32_t client = 0;
  uint32_t node = 0;
  uint32_t try_number = 1;
  std::shared_ptr<const request> what;
};
struct call_answered {
  uint64_t call = 0;
  uint32_t try_number = 1;
  std::shared_ptr<const result> answer;
};
/// A gateway answers a change of the catalog now.
struct change_spread_over {
  std::string invocation_id;
  /// Nodes that were not waited for, for a reason.
  std::set<uint32_t> excused;
};
/// No answer in time, or a retryable error: the client may try again.
struct call_given_up {
  uint64_t call = 0;
  uint32_t try_number = 1;
};

// The log, as it truly is.
struct record_in_log {
  shard_id shard;
  log_offset offset = 0;
  /// Who appended it: `node 2`, `agent 1`.
  std::string by;
  std::shared_ptr<const record> what;
  size_t bytes = 0;
};
/// Visible to readers from now on.
struct record_visible {
  shard_id shard;
  log_offset offset = 0;
};

// Nodes.
/// Without a hash: the node folded this decision. With one: its state after
/// this record, whatever that is.
struct decision_folded {
  uint32_t node = 0;
  shard_id shard;
  log_offset offset = 0;
  /// `shard_state::hash()`.
  std::optional<uint64_t> state_hash;
};
struct shard_owned {
  uint32_t node = 0;
  shard_id shard;
  epoch at_epoch;
  /// Of the claim that the node sent last.
  std::string nonce;
};
struct shard_reloaded {
  uint32_t node = 0;
  shard_id shard;
  std::string why;
};
struct checkpoint_written {
  uint32_t node = 0;
  shard_id shard;
  checkpoint at;
};
struct node_failed {
  uint32_t node = 0;
  std::string why;
};
/// A dispatch left the owner.
struct dispatch_sent {
  uint32_t node = 0;
  std::shared_ptr<const dispatch> what;
};

/// The store took nothing.
struct store_refused {
  uint32_t node = 0;
  shard_id shard;
  std::string why;
};
/// A process that reads records up to this format and writes it; told only in
/// runs with upgrades.
struct node_started {
  uint32_t node = 0;
  uint32_t format = 0;
};

// Machines.
struct agent_offered {
  uint32_t machine = 0;
  agent_id agent;
  resources capacity;
};
struct process_started {
  uint64_t pid = 0;
  uint32_t machine = 0;
  agent_id agent;
  session_id session;
  attempt_id attempt;
  std::string job_name;
  resources needs;
};
struct process_ended {
  uint64_t pid = 0;
  attempt_id attempt;
  /// 128 + signal when a signal ended it.
  int32_t exit_code = 0;
  /// Not by its own script.
  bool killed = false;
};

/// A process that an attempt's own has forked.
struct child_started {
  uint64_t pid = 0;
  uint32_t machine = 0;
  attempt_id attempt;
};
struct child_ended {
  uint64_t pid = 0;
  attempt_id attempt;
};

// The public topics.
/// A record that somebody submitted.
struct submission_landed {
  shard_id partition;
  log_offset offset = 0;
  int64_t append_ms = 0;
  /// Its `jobName`; empty when it makes no sense.
  std::string name;
  std::string key;
  std::shared_ptr<const std::string> text;
};
struct published_change {
  shard_id shard;
  log_offset offset = 0;
  uint64_t number = 0;
  std::string id;
  /// `uuid`, or of a child `uuid:index`.
  std::string job;
  std::string name;
  std::string status;
  uint32_t array_size = 0;
};
struct change_landed {
  shard_id partition;
  log_offset offset = 0;
  std::string by;
  std::string key;
  published_change what;
};
struct published_rejection {
  std::string reason;
  std::string topic;
  uint32_t partition = 0;
  log_offset offset = 0;
  /// As text, or, where it was none, as bytes.
  std::optional<std::string> original;
  std::optional<std::string> original_base64;
};
struct rejection_landed {
  log_offset offset = 0;
  std::string key;
  published_rejection what;
};

struct fault_happened {
  std::string what;
};
struct faults_ended {};

using history_event =
    std::variant<call_sent, call_answered, call_given_up, record_in_log,
                 record_visible, decision_folded, shard_owned, shard_reloaded,
                 checkpoint_written, node_failed, dispatch_sent, agent_offered,
                 process_started, process_ended, fault_happened, faults_ended,
                 submission_landed, change_landed, rejection_landed,
                 store_refused, node_started, child_started, child_ended,
                 change_spread_over>;

struct history_entry {
  sim_time at = 0;
  history_event what;
};

/// One line, for the story.
std::string to_text(const history_entry& e);
/// The job it is about, if it is about one (`--job`).
bool concerns(const history_entry& e, const job_id& job);

} // namespace berth::sim
