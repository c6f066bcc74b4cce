// The topics of one cluster on Apache Kafka: their names, their settings, and
// the connection that they share (see docs/kafka.md).
#pragma once

#include "storage/kafka_connection.hpp"
#include "storage/kafka_log.hpp"
#include "storage/log.hpp"
#include "storage/topic_writer.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace berth {

/// What a node or an agent has to know to find its cluster.
struct kafka_cluster_address {
  kafka_connection connection;
  /// Topics are named `<prefix>.log` and so on: two clusters may share brokers.
  std::string prefix = "berth";
  /// Of a new log, and of the topics beside it.
  uint32_t partitions = 8;
  /// Of new topics; 0 = three, or as many as there are brokers.
  int replication = 0;
};

enum class topic : uint8_t {
  /// The truth, kept for ever; its partitions are the shards.
  log = 1,
  /// Public: what people submit. Partition i is read by shard i modulo shards.
  submissions = 2,
  /// Public: submissions that were refused.
  rejections = 3,
  /// Starts and stops, to agents (`dispatch_partition` of
  /// actors/stable_hash.hpp says which partition an agent reads).
  dispatch = 4,
  /// Of nodes and agents; one partition.
  heartbeats = 5,
  /// Public: state changes of jobs, keyed by job id.
  job_state_changes = 6,
  /// What attempts print.
  output = 7,
  /// How far the publishers of the shards have come; one partition, compacted.
  publisher_cursors = 8,
};

std::string topic_name(const std::string& prefix, topic t);

/// Exact settings that the topic is made with and checked for at each start.
std::map<std::string, std::string> topic_settings(topic t);

/// Opens a topic, or makes it when `create_if_missing`. Submissions are read
/// with their keys (`storage/keyed_record.hpp`). `fatal` as
/// `open_kafka_log` says.
kafka_log_result open_topic(const kafka_cluster_address& at, topic t,
                            bool create_if_missing);

struct topic_writer_result {
  std::unique_ptr<topic_writer> opened;
  storage_error error;
};
/// The same topic for appending alone, in order for as long as it takes.
topic_writer_result open_topic_writer(const kafka_cluster_address& at, topic t,
                                      bool create_if_missing);

} // namespace berth
