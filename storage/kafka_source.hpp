// What a log on Kafka, its looks and its readings share: where the topic is,
// how consumers of it are made, and how its bounds are asked for.
#pragma once

#include "messages/ids.hpp"
#include "storage/kafka_log.hpp"

namespace berth {

/// First and next offset of a partition.
struct log_bounds {
  log_offset begin = 0;
  log_offset end = 0;
};

struct kafka_source {
  kafka_log_options options;
  uint32_t partitions = 0;

  /// Of no group: partitions are assigned by hand, and no position is stored at
  /// the broker.
  storage_error consumer(kafka_owned<rd_kafka_t>& made) const;

  /// Asks the partition's leader, for no longer than the patience, which may be
  /// spent twice.
  rd_kafka_resp_err_t look(rd_kafka_t* by, shard_id partition, int patience_ms,
                           log_bounds& seen) const;
  /// Its end alone.
  rd_kafka_resp_err_t look_at_end(rd_kafka_t* by, shard_id partition,
                                  int patience_ms, log_offset& end) const;

  /// Has the client learn who leads the partitions. A client that has the topic
  /// neither assigned nor open believes for ever what it learned first: it asks
  /// a former leader again and again.
  void learn_leaders(rd_kafka_t* by, int patience_ms) const;

private:
  rd_kafka_resp_err_t ask(rd_kafka_t* by, shard_id partition, int64_t which,
                          int patience_ms, log_offset& found) const;
};

} // namespace berth
