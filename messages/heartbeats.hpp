// What nodes and agents append to the topic `berth.heartbeats`: signs of life,
// volatile, read by nodes. They are no part of the log: only an agent's joining
// and its loss become decisions.
#pragma once

#include "messages/ids.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// Raised when a reader of this version could misread; a newer one is skipped.
constexpr uint32_t heartbeat_format = 1;

/// How it is with a shard, by its owner.
struct owned_shard_figures {
  shard_id shard;
  epoch at_epoch;
  log_offset folded_offset = -1;
  uint64_t seq = 0;
  uint64_t live_jobs = 0;
  uint64_t runnable_jobs = 0;
  BERTH_FIELDS(shard, at_epoch, folded_offset, seq, live_jobs, runnable_jobs)
};

/// A node's, keyed by its name, so that all of one name are in one partition.
struct node_heartbeat {
  static constexpr uint16_t number = 1;
  std::string node;
  /// Of this process: 128 random bits, hexadecimal.
  std::string nonce;
  /// Where other nodes reach it.
  std::string endpoint;
  /// Position of this process's first heartbeat; -1 until it was read back.
  /// Of two processes with one name the greater one came later.
  int64_t started = -1;
  /// It wants no shard any more, and stops once it has handed over its own.
  bool leaving = false;
  std::vector<shard_id> owned;
  /// Folded to near the log's end: a claim would not wait for a replay.
  std::vector<shard_id> warm;
  /// Of the shards in `owned`; an older node does not say.
  std::vector<owned_shard_figures> figures;
  BERTH_FIELDS(node, nonce, endpoint, started, leaving, owned, warm, figures)
};

/// An agent's session, keyed by the agent.
struct agent_heartbeat {
  static constexpr uint16_t number = 2;
  agent_id agent;
  session_id session;
  shard_id environment_shard;
  /// How long processes may live on the strength of this heartbeat from its
  /// sending: lease and stop grace. 0 = none lives, nor will in this session.
  int64_t lives_for_ms = 0;
  BERTH_FIELDS(agent, session, environment_shard, lives_for_ms)
};

struct heartbeat {
  uint32_t format = heartbeat_format;
  std::variant<node_heartbeat, agent_heartbeat> body;
  BERTH_FIELDS(format, body)
};

} // namespace berth
