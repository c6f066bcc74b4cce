// `berth agent`: the agent of one environment on this machine. It needs only
// the topics of its cluster, and its data folder, where the keeper is.
#pragma once

#include "messages/ids.hpp"
#include "messages/job.hpp"
#include "messages/keeper_protocol.hpp"
#include "storage/kafka_topics.hpp"
#include "storage/log.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace berth {

struct agent_logs {
  std::unique_ptr<log> log_;
  std::unique_ptr<log> heartbeats;
  std::unique_ptr<log> dispatches;
  std::unique_ptr<log> output;
};

/// Opens the topics of a cluster that is there; makes none.
storage_error open_agent_logs(const kafka_cluster_address& at,
                              agent_logs& opened);

/// What is in the folder belongs to the cluster that it was used with first:
/// uids and reading positions mean nothing to another one. Notes it at the
/// first time (`DIR/cluster`), and is `fatal` when it is another one.
storage_error require_cluster(const std::string& data_folder,
                              const std::string& cluster_id);

struct agent_process_options {
  /// Must exist; nobody else works with it.
  std::string data_folder;
  /// `berth keeper --data DIR ...`
  std::vector<std::string> keeper_command;
  account_region owner;
  std::string environment;
  /// Unique in the environment.
  std::string name;
  resources capacity;
  int64_t lease_ms = 600'000;
  int64_t heartbeat_interval_ms = 1000;
  int64_t stop_grace_ms = 30'000;
  std::vector<key_value> node_environment;

  // Called from any thread.

  /// What it waits for or has come to, for people.
  std::function<void(std::string)> say;
  std::function<void(const keeper_hello&)> on_keeper;
  /// Going on would be wrong; the process shall print the message and end.
  std::function<void(std::string)> on_fatal;
};

class agent_process {
public:
  agent_process(agent_logs logs, agent_process_options options);
  /// Leaves the keeper and the jobs at work.
  ~agent_process();

  /// Attempts that the keeper has at hand.
  size_t attempts() const;
  /// Takes no more work. Once what it has has ended, does as `end_jobs` does.
  void drain(std::function<void()> done);
  /// Ends all jobs; calls `done`, from any thread, once they have ended and the
  /// log has their reports.
  void end_jobs(std::function<void()> done);

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace berth
