// A node: shards, gateway and, in `berth dev`, the local agents, around one
// data folder and the embedded log.
#pragma once

#include "actors/shard.hpp"
#include "messages/gateway_interface.hpp"
#include "messages/keeper_protocol.hpp"
#include "messages/public_events.hpp"
#include "runtime/cluster_options.hpp"
#include "runtime/job_transitions.hpp"
#include "runtime/public_topics.hpp"
#include "runtime/whole_log_hold.hpp"
#include "storage/data_folder.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth {

struct node_options {
  /// How this node's claims name it.
  std::string name = "dev";
  /// 1 to 4096, fixed when the log is made; 0 takes what is there, or 1.
  uint32_t shards = 0;
  job_table_options jobs;
  environment_defaults environments;
  int64_t checkpoint_interval_ms = 1000;
  /// The dialect's; see `gateway_options`.
  std::function<std::string(const std::string&, const std::string&)>
      merge_details;
  /// Makes it one of many on Kafka, in whose log the shards are then.
  std::optional<cluster_options> cluster;
  /// Of its public topics; without it the node serves none.
  std::optional<public_dialect> dialect;
  /// Going on would be wrong. Called at most once, from any thread; the process
  /// shall print the message and end.
  std::function<void(std::string)> on_fatal;
};

struct local_agents_options {
  /// What each environment's agent offers; the environment takes at most its
  /// maxvCpus of it.
  resources machine;
  /// `berth keeper --data DIR ...`
  std::vector<std::string> keeper_command;
  std::vector<key_value> node_environment;
};

struct shard_status {
  shard_id id;
  /// This node does not fold it, and knows nothing of it.
  bool is_at_rest = false;
  shard_role role = shard_role::follower;
  int64_t epoch = -1;
  log_offset folded_offset = -1;
  uint64_t seq = 0;
  size_t live_jobs = 0;
  size_t runnable_jobs = 0;
  size_t waiting_calls = 0;
  shard_counters counters;
  uint64_t state_hash = 0;
};

class node;
struct node_result {
  std::unique_ptr<node> started;
  storage_error error;
};

class node {
public:
  /// Opens log and stores in the folder, folds, claims every shard, and returns
  /// once all are owned; in a cluster once it has joined, which shards it owns
  /// follows from the membership. A damaged store is set aside and rebuilt.
  static node_result start(std::unique_ptr<data_folder> folder,
                           node_options options);
  ~node();

  /// Starts the local agents, and the keeper where none answers; returns once
  /// the keeper has.
  keeper_hello start_agents(local_agents_options options);

  gateway_interface& gateway();
  job_transitions& transitions();
  /// For audits.
  log& event_log();
  const data_folder& folder() const;
  uint32_t shard_count() const;
  /// Looked up on the shards' own threads; waits for them. `with_hash` walks
  /// the whole state, between two decisions.
  std::vector<shard_status> status(bool with_hash) const;

  // In a cluster.

  /// Where other nodes reach it.
  std::string endpoint() const;
  const kafka_cluster_address& kafka() const;
  cluster_view view() const;
  /// See `whole_log::hold`.
  void hold_whole_log(whole_log_ready then);
  /// Nothing where it serves no public topics.
  std::optional<public_topics_counts> public_counts() const;
  /// Hands its shards to other nodes; returns once it has none, or the time is
  /// over.
  void leave(int64_t patience_ms);

  /// Ends all jobs of the keeper, waits until they have ended and the log holds
  /// their reports.
  void end_jobs();

private:
  class impl;
  explicit node(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace berth
