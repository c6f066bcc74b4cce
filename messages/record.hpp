// The records of `berth.log`: one envelope {format, [kind, body]}.
#pragma once

#include "messages/events.hpp"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// Raised when a reader of this version could misread; a newer one is refused.
constexpr uint32_t record_format = 1;

/// Rule Outbox: who sent a message. For an agent's, `number` is 0 where the
/// body carries numbers of its own.
struct message_record {
  static constexpr uint16_t number = 1;
  /// Set for a shard's message, not for an agent's.
  std::optional<shard_id> source;
  uint64_t message_number = 0;
  actor_message body;
  BERTH_FIELDS(source, message_number, body)
};

/// Rule Claim.
struct claim_record {
  static constexpr uint16_t number = 2;
  std::string node;
  std::string endpoint;
  /// 128 random bits, hexadecimal, fresh for each claim.
  std::string nonce;
  BERTH_FIELDS(node, endpoint, nonce)
};

/// Where an outbox message goes.
struct shard_destination {
  static constexpr uint16_t number = 1;
  shard_id shard;
  BERTH_FIELDS(shard)
};
struct agent_destination {
  static constexpr uint16_t number = 2;
  agent_id agent;
  session_id session;
  BERTH_FIELDS(agent, session)
};
using destination = std::variant<shard_destination, agent_destination>;
/// `shard:<n>` or `agent:<environment>:<name>:<start>.<lease>`; the same text
/// names a source.
std::string to_string(const destination& d);
std::string source_name(shard_id shard);
std::string source_name(const agent_id& agent, const session_id& session);

struct to_shard {
  static constexpr uint16_t number = 1;
  actor_message body;
  BERTH_FIELDS(body)
};
struct to_agent {
  static constexpr uint16_t number = 2;
  dispatch_body body;
  BERTH_FIELDS(body)
};
using outbox_body = std::variant<to_shard, to_agent>;

struct outbox_message {
  destination to;
  /// Without gaps per (shard, destination), from 1.
  uint64_t message_number = 0;
  outbox_body body;
  BERTH_FIELDS(to, message_number, body)
};

/// What the owner made of a run of inputs.
struct decision_record {
  static constexpr uint16_t number = 3;
  epoch at_epoch;
  std::string nonce;
  uint64_t seq = 0;
  /// Milliseconds since the epoch (rule Time).
  int64_t at_ms = 0;
  /// The last log message that this decision took, or that an earlier one did.
  log_offset through = -1;
  std::map<std::string, log_offset> cursors;
  std::vector<event> events;
  std::vector<outbox_message> outbox;
  BERTH_FIELDS(at_epoch, nonce, seq, at_ms, through, cursors, events, outbox)
};

struct record {
  uint32_t format = record_format;
  std::variant<message_record, claim_record, decision_record> body;
  BERTH_FIELDS(format, body)
};

} // namespace berth
