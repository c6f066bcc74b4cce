// Appends to one topic with Kafka's idempotent producer.
#pragma once

#include "storage/kafka_connection.hpp"
#include "storage/log.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace berth {

struct kafka_producer_options {
  kafka_connection connection;
  std::string topic;
  size_t pending_bytes_max = log_pending_bytes_max;
  /// 0 = without end: then later appends never overtake an earlier one.
  int append_patience_ms = 10'000;
};

/// Thread-safe. One thread of its own serves the answers. Destroying it answers
/// what is outstanding with `unknown`.
class kafka_producer {
public:
  /// `fatal` when the client cannot be made.
  static storage_error open(kafka_producer_options options,
                            std::unique_ptr<kafka_producer>& opened);
  ~kafka_producer();
  kafka_producer(const kafka_producer&) = delete;
  kafka_producer& operator=(const kafka_producer&) = delete;

  /// As `log::append`. An idempotent producer that has lost its place (Kafka's
  /// fatal client errors, KIP-360) is made anew; its outstanding appends are
  /// `unknown`.
  void append(shard_id partition, const std::string& bytes,
              append_callback done) {
    append(partition, {}, bytes, std::move(done));
  }
  /// `key`: of the record; empty = none.
  void append(shard_id partition, const std::string& key,
              const std::string& bytes, append_callback done);

private:
  struct pending_append;

  explicit kafka_producer(kafka_producer_options options);
  storage_error make_handle(kafka_owned<rd_kafka_t>& made);
  void serve_until_closed();
  void renew_if_broken();
  static void purge(rd_kafka_t* handle);
  static void on_answer(rd_kafka_t* handle, const rd_kafka_message_t* message,
                        void* opaque);

  kafka_producer_options options_;
  /// Guards the handle's replacement against appends.
  std::mutex mutex_;
  std::shared_ptr<rd_kafka_t> handle_;
  std::atomic<size_t> pending_bytes_ = 0;
  std::atomic<bool> closing_ = false;
  std::thread thread_;
};

} // namespace berth
