// A broker, some nodes in this process, and an agent that ends every attempt at
// once: everything between a submission and a finished job but processes.
#pragma once

#include "messages/dispatch.hpp"
#include "messages/gateway_interface.hpp"
#include "runtime/node.hpp"
#include "tests/kafka/kafka_cluster.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace berth::bench {

/// Reads the topic of dispatches and answers with reports in the log.
class idle_agent {
public:
  idle_agent(const kafka_cluster_address& at, agent_id name,
             shard_id environment_shard, int64_t vcpus);

  /// Called with each start, from a thread of its own.
  void on_start(std::function<void()> told) { on_start_ = std::move(told); }
  void take(const std::vector<log_record>& records);

private:
  void append(agent_reports reports);

  agent_id name_;
  session_id session_{1, 1};
  shard_id shard_;
  std::unique_ptr<log> log_;
  std::unique_ptr<log> dispatches_;
  uint64_t last_taken_ = 0;
  uint64_t last_number_ = 0;
  std::function<void()> on_start_;
  std::unique_ptr<log_reading> reading_;
};

class cluster_world {
public:
  /// Returns once the nodes own every shard, and a queue with an agent is
  /// there.
  cluster_world(kafka_cluster& brokers, const std::string& prefix,
                const std::string& folder, int nodes, int64_t vcpus);
  ~cluster_world();

  /// Through a node's gateway, each in turn.
  void submit(std::function<void()> accepted);
  /// Waits until so many jobs in all have ended.
  void await_ended(uint64_t count);
  idle_agent& agent() { return *agent_; }
  const kafka_cluster_address& kafka() const { return address_; }
  /// What the log of the queue's shard holds.
  std::vector<std::string> records();

private:
  result call(request what);
  /// What one node sees of the queue's shard, while it folds that.
  struct sight {
    node* of = nullptr;
    uint64_t listener = 0;
    uint64_t sequence = 0;
    change_cursor at;
    uint64_t ended = 0;
  };
  void look(sight& s);

  kafka_cluster_address address_;
  std::vector<std::unique_ptr<node>> nodes_;
  std::unique_ptr<idle_agent> agent_;
  std::atomic<uint64_t> submitted_ = 0;
  shard_id home_;
  std::deque<sight> sights_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t ended_ = 0;
};

/// Everything in a partition now.
std::vector<std::string> read_all(log& of, shard_id partition);
/// Appends them all, as many at once as the producer takes, and reads them
/// back. Seconds.
double append_and_read_back(log& to, shard_id partition,
                            const std::vector<std::string>& records);
/// Appends to an idle topic, one record after the other, and reads each back.
class round_trip {
public:
  round_trip(log& to, shard_id partition);
  /// Seconds from the append until a reader at the end has it.
  double once(const std::string& bytes);

private:
  log& to_;
  const shard_id partition_;
  std::mutex mutex_;
  std::condition_variable came_;
  size_t appended_ = 0;
  size_t seen_ = 0;
  std::unique_ptr<log_reading> reading_;
};

} // namespace berth::bench
