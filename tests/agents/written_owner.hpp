// A shard's owner, written by hand: it appends what a node would, without
// deciding anything, and reads what agents say.
#pragma once

#include "messages/actor_messages.hpp"
#include "messages/dispatch.hpp"
#include "messages/heartbeats.hpp"
#include "messages/record.hpp"
#include "storage/kafka_topics.hpp"
#include "storage/log.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// Longer than anything takes on a busy machine.
constexpr std::chrono::seconds owner_patience{60};

class written_owner {
public:
  /// Makes the topics.
  explicit written_owner(kafka_cluster_address at);

  log& events() { return *log_; }
  log& output() { return *output_; }

  /// Claims shard 0 and creates the environment in shard 1.
  environment_uid create_environment(const std::string& name);
  void delete_environment(environment_uid uid);

  /// All of these wait, and fail the test beyond `owner_patience`.
  agent_joins wait_for_join(const std::function<bool(const agent_joins&)>& is);
  agent_joins wait_for_join() {
    return wait_for_join([](const agent_joins&) { return true; });
  }
  attempt_started_report wait_for_start(const attempt_id& attempt);
  attempt_ended_report wait_for_end(const attempt_id& attempt);
  /// The session's heartbeat that tells that nothing of it lives.
  agent_heartbeat wait_for_leave(const agent_joins& who);

  /// Every report that is in the log, also said again.
  std::vector<numbered_report> reports();

  /// Dispatches the next job, which runs the script by /bin/sh.
  attempt_id start(const agent_joins& to, const std::string& script);
  void stop(const agent_joins& to, const attempt_id& attempt);
  /// Appends to the agent's partition of the dispatch topic.
  void append_dispatch(const agent_id& to, std::string bytes);

private:
  void append(log& to, shard_id partition, std::string bytes);
  void decide(std::vector<event> events);
  void dispatch_to(const agent_joins& to, dispatch_body body);
  void take(const std::vector<log_record>& records);
  void take_heartbeats(const std::vector<log_record>& records);
  template <class T>
  T wait_for(const std::string& what, std::function<std::optional<T>()> find);

  kafka_cluster_address at_;
  std::unique_ptr<log> log_;
  std::unique_ptr<log> heartbeats_;
  std::unique_ptr<log> dispatches_;
  std::unique_ptr<log> output_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<agent_joins> joins_;
  std::vector<agent_reports> reports_;
  std::vector<agent_heartbeat> leaves_;

  epoch epoch_{-1};
  uint64_t seq_ = 0;
  uint64_t last_uid_ = 0;
  std::map<std::pair<agent_id, session_id>, uint64_t> dispatched_;
  uint32_t jobs_ = 0;
  std::unique_ptr<log_reading> reading_;
  std::unique_ptr<log_reading> heartbeats_reading_;
};

} // namespace berth
