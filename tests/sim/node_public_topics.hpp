// A node's readers of submissions and its publishers, put together as
// `runtime/public_topics` does.
#pragma once

#include "runtime/publisher.hpp"
#include "runtime/submission_reader.hpp"
#include "tests/sim/node_topic.hpp"
#include "tests/sim/public_topics_world.hpp"

#include <memory>
#include <vector>

namespace berth::sim {

class sim_node;

class node_public_topics {
public:
  explicit node_public_topics(sim_node& node);
  ~node_public_topics();
  node_public_topics(const node_public_topics&) = delete;
  node_public_topics& operator=(const node_public_topics&) = delete;

  void on_owned(shard_id shard);
  void on_disowned(shard_id shard);

private:
  template <class Ports>
  void use_node(Ports& p);
  std::shared_ptr<submission_reader> reader_of(shard_id shard);
  std::shared_ptr<publisher> publisher_of(shard_id shard);

  sim_node& node_;
  simulated_credits credits_;
  node_topic truth_;
  node_topic submissions_;
  node_topic cursors_;
  node_topic_writer changes_;
  node_topic_writer rejections_;
  node_topic_writer cursors_writer_;
  std::vector<std::shared_ptr<submission_reader>> readers_;
  std::vector<std::shared_ptr<publisher>> publishers_;
};

} // namespace berth::sim
