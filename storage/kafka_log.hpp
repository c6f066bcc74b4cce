// The log on Apache Kafka: one topic, whose partitions are the shards.
//
// Appends go through one idempotent producer that waits for all replicas in
// sync and never lingers; what gathers while a broker is busy becomes its next
// batch. Each reading has a consumer of its own that waits at the broker, so a
// new record comes without polling. librdkafka is 2.0 or later.
#pragma once

#include "storage/kafka_connection.hpp"
#include "storage/kafka_topic.hpp"
#include "storage/log.hpp"

#include <map>
#include <memory>
#include <string>

namespace berth {

struct kafka_log_options {
  kafka_connection connection;
  std::string topic = "berth.log";
  /// What the topic is made with, and checked for at each start.
  std::map<std::string, std::string> topic_settings = kafka_log_settings();
  /// Of a new log; an old one keeps what it has. 1 to `log_partitions_max`.
  uint32_t partitions = 8;
  /// Of a new log; 0 = three, or as many as there are brokers.
  int replication = 0;
  bool create_if_missing = true;
  /// Whether readings pass over what a transaction of its producer took back.
  bool read_committed = false;
  /// Whether records are read with their keys (`storage/keyed_record.hpp`).
  bool with_keys = false;
  size_t pending_bytes_max = log_pending_bytes_max;
  /// An append without an acknowledgement for so long is `unknown`.
  int append_patience_ms = 10'000;
  /// How long opening may take, and a look at the end.
  int answer_patience_ms = 15'000;
};

struct kafka_log_result {
  std::unique_ptr<log> opened;
  storage_error error;
};

/// Opens the log, or makes it with the settings that it needs. `fatal` as
/// `open_kafka_topic` says. Later a lost broker is no error: appends become
/// `unknown` one by one, readings wait. A reading whose place the log does not
/// hold any more (it was truncated, or lost its tail) is `fatal`.
kafka_log_result open_kafka_log(const kafka_log_options& options);

} // namespace berth
