#include "tests/sim/node_topic.hpp"

#include "storage/keyed_record.hpp"
#include "tests/sim/sim_world.hpp"

#include <utility>

namespace berth::sim {

namespace {

/// Of a record that did not arrive, instead of being sent again.
constexpr double producer_breaks = 0.2;

} // namespace

class simulated_credit;

class held_reading : public std::enable_shared_from_this<held_reading> {
public:
  held_reading(simulated_topic& topic, process_life& life,
               simulated_credits& credits, records_callback on_records)
      : topic_(topic), life_(life), credits_(credits),
        on_records_(std::move(on_records)) {}

  void start(const log_client& by, shard_id partition, log_offset from) {
    reading_ = topic_.start_reading(
        by, partition, from,
        [weak = weak_from_this()](const std::vector<log_record>& records) {
          if (auto self = weak.lock()) {
            self->waiting_.push_back(records);
            self->deliver();
          }
        });
  }
  void stop() {
    topic_.stop_reading(reading_);
    waiting_.clear();
    is_over_ = true;
  }
  void deliver();
  /// Behind whatever gives the credit back.
  void deliver_later() {
    life_.after(0, [weak = weak_from_this()] {
      if (auto self = weak.lock())
        self->deliver();
    });
  }
  void set_credit(std::weak_ptr<simulated_credit> credit) {
    credit_ = std::move(credit);
  }

private:
  simulated_topic& topic_;
  process_life& life_;
  simulated_credits& credits_;
  const records_callback on_records_;
  uint64_t reading_ = 0;
  bool is_over_ = false;
  std::deque<std::vector<log_record>> waiting_;
  std::weak_ptr<simulated_credit> credit_;
};

class simulated_credit final
    : public batch_credit,
      public std::enable_shared_from_this<simulated_credit> {
public:
  simulated_credit(simulated_credits& all, size_t batches_max)
      : all_(all), left_(batches_max) {}

  void take() override {
    --left_;
    if (auto reading = all_.delivering_) {
      reading->set_credit(weak_from_this());
      reading_ = reading;
    }
  }
  void give_back() override {
    ++left_;
    if (auto reading = reading_.lock())
      reading->deliver_later();
  }
  void close() override { reading_.reset(); }
  bool is_left() const { return left_ > 0; }

private:
  simulated_credits& all_;
  size_t left_;
  std::weak_ptr<held_reading> reading_;
};

void held_reading::deliver() {
  while (!waiting_.empty() && !is_over_) {
    if (auto credit = credit_.lock(); credit && !credit->is_left())
      return;
    auto batch = std::move(waiting_.front());
    waiting_.pop_front();
    credits_.delivering_ = shared_from_this();
    on_records_(std::move(batch));
    credits_.delivering_.reset();
  }
}

std::shared_ptr<batch_credit> simulated_credits::make(size_t batches_max) {
  return std::make_shared<simulated_credit>(*this, batches_max);
}

namespace {

class topic_reading final : public log_reading {
public:
  explicit topic_reading(std::shared_ptr<held_reading> held)
      : held_(std::move(held)) {}
  ~topic_reading() override { held_->stop(); }

private:
  std::shared_ptr<held_reading> held_;
};

} // namespace

std::string node_topic::cluster_id() const {
  return cluster_id_of_runs;
}

void node_topic::append(shard_id partition, std::string bytes,
                        append_callback done) {
  topic_.append(
      by_, partition, std::move(bytes),
      [done = std::move(done)](append_outcome outcome) { done(outcome, {}); });
}

std::unique_ptr<log_reading>
node_topic::read(shard_id partition, log_offset from,
                 records_callback on_records,
                 std::function<void(storage_error)>) {
  auto held = std::make_shared<held_reading>(topic_, *by_.life, credits_,
                                             std::move(on_records));
  held->start(by_, partition, from);
  return std::make_unique<topic_reading>(std::move(held));
}

void node_topic::end_offset(
    shard_id partition, std::function<void(log_offset, storage_error)> done) {
  topic_.end_offset(by_, partition, [done = std::move(done)](log_offset end) {
    done(end, {});
  });
}

node_topic_writer::node_topic_writer(simulated_topic& topic, log_client by,
                                     random_source random)
    : topic_(topic), by_(std::move(by)), random_(random) {}

node_topic_writer::~node_topic_writer() {
  *is_there_ = false;
}

void node_topic_writer::append(shard_id partition, const std::string& key,
                               const std::string& bytes, append_callback done) {
  // A process that has crashed says no last word.
  if (!by_.life->is_alive())
    return;
  auto& queue = waiting_[partition];
  queue.push_back({join_keyed(key, bytes), std::move(done)});
  if (queue.size() == 1)
    send_first(partition);
}

void node_topic_writer::send_first(shard_id partition) {
  topic_.append(by_, partition, waiting_[partition].front().bytes,
                [this, partition, producer = producer_,
                 is_there = is_there_](append_outcome outcome) {
                  if (!*is_there || producer != producer_)
                    return;
                  if (outcome != append_outcome::appended) {
                    if (random_.chance(producer_breaks))
                      return break_producer();
                    return send_first(partition);
                  }
                  auto& queue = waiting_[partition];
                  auto done = std::move(queue.front().done);
                  queue.pop_front();
                  if (!queue.empty())
                    send_first(partition);
                  done(append_outcome::appended, {});
                });
}

void node_topic_writer::break_producer() {
  ++producer_;
  for (auto& [partition, queue] : std::exchange(waiting_, {}))
    for (auto& one : queue)
      one.done(append_outcome::unknown, {storage_errc::none, "broken"});
}

} // namespace berth::sim
