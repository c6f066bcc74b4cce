// A simulated topic as one process sees it: behind the interfaces that the
// product reads and writes topics by.
#pragma once

#include "runtime/batch_credit.hpp"
#include "storage/log.hpp"
#include "storage/topic_writer.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/simulated_topic.hpp"

#include <deque>
#include <map>
#include <memory>
#include <string>

namespace berth::sim {

class held_reading;

/// The credits of one process. Nobody can wait here: where there is no credit,
/// the reading keeps its batches until there is.
class simulated_credits {
public:
  std::shared_ptr<batch_credit> make(size_t batches_max);

private:
  friend class held_reading;
  friend class simulated_credit;
  /// The one that brings a batch right now: a credit that is taken meanwhile is
  /// its own.
  std::shared_ptr<held_reading> delivering_;
};

/// Reads a topic.
class node_topic final : public log {
public:
  /// All outlive it.
  node_topic(simulated_topic& topic, log_client by, simulated_credits& credits)
      : topic_(topic), by_(std::move(by)), credits_(credits) {}

  uint32_t partitions() const override { return topic_.partitions(); }
  std::string cluster_id() const override;
  void append(shard_id partition, std::string bytes,
              append_callback done) override;
  std::unique_ptr<log_reading>
  read(shard_id partition, log_offset from, records_callback on_records,
       std::function<void(storage_error)> failed) override;
  void end_offset(shard_id partition,
                  std::function<void(log_offset, storage_error)> done) override;
  /// Nothing is trimmed here.
  log_offset begin_offset(shard_id) override { return 0; }

private:
  simulated_topic& topic_;
  log_client by_;
  simulated_credits& credits_;
};

/// Writes one as Kafka's idempotent producer does: in order, and what does not
/// arrive is sent again for as long as it takes. Now and then the producer is
/// broken for good, and a new one takes its place: all that was not
/// acknowledged by then is answered with `unknown`.
class node_topic_writer final : public topic_writer {
public:
  node_topic_writer(simulated_topic& topic, log_client by,
                    random_source random);
  ~node_topic_writer() override;

  uint32_t partitions() const override { return topic_.partitions(); }
  void append(shard_id partition, const std::string& key,
              const std::string& bytes, append_callback done) override;

private:
  struct waiting {
    std::string bytes;
    append_callback done;
  };
  void send_first(shard_id partition);
  void break_producer();

  simulated_topic& topic_;
  log_client by_;
  random_source random_;
  std::map<shard_id, std::deque<waiting>> waiting_;
  /// Answers to an older producer are not heard.
  uint64_t producer_ = 1;
  std::shared_ptr<bool> is_there_ = std::make_shared<bool>(true);
};

} // namespace berth::sim
