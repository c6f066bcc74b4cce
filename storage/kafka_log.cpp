#include "storage/kafka_log.hpp"

#include "messages/assert.hpp"
#include "storage/delivery_gate.hpp"
#include "storage/kafka_end_looker.hpp"
#include "storage/kafka_producer.hpp"
#include "storage/kafka_source.hpp"
#include "storage/kafka_topic.hpp"
#include "storage/keyed_record.hpp"
#include "storage/log_messages.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace berth {

namespace {

/// Records given at once to a reading.
constexpr size_t batch_records_max = 10'000;
constexpr size_t batch_bytes_max = 1024 * 1024;
/// A reading that waits looks so often whether it was closed; destroying it
/// wakes it at once.
constexpr int wait_ms = 1000;
/// Between looks at the log's bounds while no broker answers.
constexpr std::chrono::milliseconds retry_pause{200};

class kafka_reading final : public log_reading {
public:
  kafka_reading(std::shared_ptr<const kafka_source> source, shard_id partition,
                log_offset from, records_callback on_records,
                std::function<void(storage_error)> failed)
      : shared_(std::make_shared<shared>()) {
    shared_->source = std::move(source);
    shared_->partition = partition;
    shared_->next = from;
    shared_->on_records = std::move(on_records);
    shared_->failed = std::move(failed);
    thread_ = std::thread{[s = shared_] { s->run(); }};
  }

  ~kafka_reading() override {
    shared_->close();
    // Its own callback may destroy a reading.
    if (thread_.get_id() == std::this_thread::get_id())
      thread_.detach();
    else
      thread_.join();
  }

private:
  struct shared {
    std::shared_ptr<const kafka_source> source;
    shard_id partition;
    log_offset next = 0;
    records_callback on_records;
    std::function<void(storage_error)> failed;
    delivery_gate gate;
    std::mutex mutex;
    std::condition_variable closed_now;
    bool closed = false;
    kafka_owned<rd_kafka_t> consumer;
    kafka_owned<rd_kafka_queue_t> queue;

    void close();
    bool is_closed() {
      std::lock_guard lock{mutex};
      return closed;
    }
    void fail(storage_error error) {
      gate.pass([&] { failed(std::move(error)); });
    }
    void run();
    bool begin();
    bool check_place();
    bool take(std::vector<log_record>& records, size_t& bytes, int patience);
    void read();
    /// Set by an error that ends the reading.
    storage_error end_error;
  };

  std::shared_ptr<shared> shared_;
  std::thread thread_;
};

void kafka_reading::shared::close() {
  {
    std::lock_guard lock{mutex};
    closed = true;
    if (queue)
      rd_kafka_queue_yield(queue.get());
  }
  closed_now.notify_all();
  gate.close();
}

void kafka_reading::shared::run() {
  if (begin())
    read();
  kafka_owned<rd_kafka_queue_t> unused_queue;
  kafka_owned<rd_kafka_t> unused;
  {
    std::lock_guard lock{mutex};
    unused_queue = std::move(queue);
    unused = std::move(consumer);
  }
  unused_queue.reset();
  // It is in no group: to close it would be to wait for a coordinator, who may
  // be gone, while whoever ends the reading waits too.
  if (unused)
    rd_kafka_destroy_flags(unused.release(),
                           RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/// Whether the log holds the place to read from; waits until a broker says.
bool kafka_reading::shared::check_place() {
  log_bounds seen;
  for (;;) {
    auto code = source->look(consumer.get(), partition, wait_ms, seen);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
      break;
    source->learn_leaders(consumer.get(), wait_ms);
    std::unique_lock lock{mutex};
    if (closed_now.wait_for(lock, retry_pause, [this] { return closed; }))
      return false;
  }
  if (next >= seen.begin && next <= seen.end)
    return true;
  fail(offset_not_held(partition, next, seen.begin, seen.end));
  return false;
}

bool kafka_reading::shared::begin() {
  kafka_owned<rd_kafka_t> made;
  if (auto error = source->consumer(made)) {
    fail(error);
    return false;
  }
  kafka_owned<rd_kafka_queue_t> its_queue{
      rd_kafka_queue_get_consumer(made.get())};
  {
    std::lock_guard lock{mutex};
    if (closed)
      return false;
    consumer = std::move(made);
    queue = std::move(its_queue);
  }
  if (!check_place())
    return false;
  kafka_owned<rd_kafka_topic_partition_list_t> place{
      rd_kafka_topic_partition_list_new(1)};
  rd_kafka_topic_partition_list_add(place.get(), source->options.topic.c_str(),
                                    static_cast<int32_t>(partition.value))
      ->offset = next;
  auto code = rd_kafka_assign(consumer.get(), place.get());
  BERTH_ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR,
               "an open consumer takes an assignment");
  return true;
}

/// One record, if one comes in time; false when the reading must end.
bool kafka_reading::shared::take(std::vector<log_record>& records,
                                 size_t& bytes, int patience) {
  kafka_owned<rd_kafka_message_t> message{
      rd_kafka_consume_queue(queue.get(), patience)};
  if (!message)
    return true;
  if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
      || message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
    return check_place();
  // Everything else mends itself or goes on being told.
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
    return true;
  if (message->offset < next)
    return true;
  auto text = [](const void* at, size_t length) {
    return at == nullptr
               ? std::string_view{}
               : std::string_view{static_cast<const char*>(at), length};
  };
  auto payload = text(message->payload, message->len);
  records.push_back(
      {message->offset, rd_kafka_message_timestamp(message.get(), nullptr),
       source->options.with_keys
           ? join_keyed(text(message->key, message->key_len), payload)
           : std::string{payload}});
  next = message->offset + 1;
  bytes += message->len;
  return true;
}

void kafka_reading::shared::read() {
  while (!is_closed()) {
    std::vector<log_record> records;
    size_t bytes = 0;
    auto goes_on = take(records, bytes, wait_ms);
    for (auto before = records.size();
         goes_on && before != 0 && before < batch_records_max
         && bytes < batch_bytes_max;
         before = records.size()) {
      goes_on = take(records, bytes, 0);
      if (records.size() == before)
        break;
    }
    if (!records.empty() && !gate.pass([&] { on_records(std::move(records)); }))
      return;
    if (!goes_on)
      return;
  }
}

class kafka_log final : public log {
public:
  kafka_log(std::shared_ptr<const kafka_source> source, std::string cluster_id)
      : source_(std::move(source)), cluster_id_(std::move(cluster_id)) {}

  storage_error open() {
    const auto& o = source_->options;
    if (auto error = kafka_producer::open(
            {o.connection, o.topic, o.pending_bytes_max, o.append_patience_ms},
            producer_))
      return error;
    return ends_.open(source_);
  }

  uint32_t partitions() const override { return source_->partitions; }
  std::string cluster_id() const override { return cluster_id_; }

  void append(shard_id partition, std::string bytes,
              append_callback done) override {
    BERTH_ASSERT(partition.value < partitions(),
                 "callers know how many partitions there are");
    producer_->append(partition, bytes, std::move(done));
  }

  std::unique_ptr<log_reading>
  read(shard_id partition, log_offset from, records_callback on_records,
       std::function<void(storage_error)> failed) override {
    return std::make_unique<kafka_reading>(
        source_, partition, from, std::move(on_records), std::move(failed));
  }

  void
  end_offset(shard_id partition,
             std::function<void(log_offset, storage_error)> done) override {
    ends_.ask(partition, std::move(done));
  }

  log_offset begin_offset(shard_id partition) override {
    log_bounds seen;
    return ends_.look_now(partition, seen) ? seen.begin : 0;
  }

private:
  std::shared_ptr<const kafka_source> source_;
  std::string cluster_id_;
  std::unique_ptr<kafka_producer> producer_;
  kafka_end_looker ends_;
};

} // namespace

kafka_log_result open_kafka_log(const kafka_log_options& options) {
  kafka_topic_wanted wanted;
  wanted.name = options.topic;
  wanted.partitions = options.partitions;
  wanted.replication = options.replication;
  wanted.settings = options.topic_settings;
  wanted.create_if_missing = options.create_if_missing;
  kafka_topic_found found;
  if (auto error = open_kafka_topic(options.connection, wanted,
                                    options.answer_patience_ms, found))
    return {nullptr, error};
  auto source = std::make_shared<kafka_source>();
  source->options = options;
  source->partitions = found.partitions;
  auto opened =
      std::make_unique<kafka_log>(std::move(source), found.cluster_id);
  if (auto error = opened->open())
    return {nullptr, error};
  return {std::move(opened), {}};
}

} // namespace berth
