// The settings of a topic on which Berth's promises rest: made so at creation,
// checked at each start.
#pragma once

#include "storage/kafka_connection.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace berth {

struct kafka_topic_wanted {
  std::string name;
  /// For a new topic; an old one has at least one, and keeps what it has.
  uint32_t partitions = 8;
  /// 0 = three, or as many as there are brokers.
  int replication = 0;
  /// Exact values; `min.insync.replicas` comes by itself.
  std::map<std::string, std::string> settings;
  bool create_if_missing = true;
};

/// What `berth.log` must be set to: kept for ever, timed by the broker, never
/// compacted, never led by a replica that lacks acknowledged records.
std::map<std::string, std::string> kafka_log_settings();

struct kafka_topic_found {
  uint32_t partitions = 0;
  int replication = 0;
  /// Identifies the Kafka cluster and the topic's name; a lower-case UUID.
  std::string cluster_id;
};

/// Makes the topic if it is not there, and checks its settings. `fatal` when no
/// broker answers within `patience_ms`, when it is missing and shall not be
/// made, or when a setting is wrong: then the message has the setting, its
/// value, the right one, and the command that mends it.
storage_error open_kafka_topic(const kafka_connection& to,
                               const kafka_topic_wanted& wanted,
                               int patience_ms, kafka_topic_found& found);

} // namespace berth
