#include "storage/memory_log.hpp"

#include "messages/assert.hpp"
#include "storage/delivery_gate.hpp"
#include "storage/log_messages.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace berth {

namespace {

/// Most records given to a reading in one call.
constexpr size_t delivery_records_max = 4096;

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct pending_append {
  std::string bytes;
  append_callback done;

  /// Counted from `append` to its answer.
  size_t charge() const { return bytes.size() + sizeof(pending_append); }
};

struct acknowledgement {
  size_t charge = 0;
  append_callback done;
};

struct partition_state {
  log_offset begin = 0;
  std::deque<log_record> records;
  std::deque<pending_append> pending;
  std::deque<acknowledgement> acknowledged;

  log_offset end() const {
    return begin + static_cast<log_offset>(records.size());
  }
};

struct reading_state {
  shard_id partition;
  log_offset next = 0;
  bool delivering = false;
  bool failed = false;
  records_callback on_records;
  std::function<void(storage_error)> on_failure;
  delivery_gate gate;
};

struct question {
  shard_id partition;
  std::function<void(log_offset, storage_error)> done;
};

} // namespace

struct memory_log::core {
  memory_log_options options;
  memory_log_mode mode = memory_log_mode::manual;

  mutable std::mutex mutex;
  std::condition_variable work_came;
  std::vector<partition_state> partitions;
  std::vector<std::shared_ptr<reading_state>> readings;
  std::deque<question> questions;
  size_t pending_bytes = 0;
  int64_t last_append_ms = 0;
  bool closing = false;
  std::thread thread;

  partition_state& at(shard_id partition) {
    BERTH_ASSERT(partition.value < partitions.size(),
                 "callers know how many partitions there are");
    return partitions[partition.value];
  }

  bool lacks_records(const reading_state& reading) const {
    return !reading.delivering && !reading.failed
           && reading.next != partitions[reading.partition.value].end();
  }

  size_t runnable() const {
    size_t steps = questions.empty() ? 0 : 1;
    for (const auto& p : partitions)
      steps += (p.pending.empty() ? 0 : 1) + (p.acknowledged.empty() ? 0 : 1);
    for (const auto& reading : readings)
      steps += lacks_records(*reading) ? 1 : 0;
    return steps;
  }

  bool run_once(size_t choice);
  void run();
  void append_next(partition_state& partition);
  void acknowledge_next(partition_state& partition,
                        std::unique_lock<std::mutex>& lock);
  void deliver_to(std::shared_ptr<reading_state> reading,
                  std::unique_lock<std::mutex>& lock);
  void answer_next(std::unique_lock<std::mutex>& lock);
  void close();
};

bool memory_log::core::run_once(size_t choice) {
  std::unique_lock lock{mutex};
  auto steps = runnable();
  if (steps == 0)
    return false;
  choice %= steps;
  auto chosen = [&choice](bool can_run) { return can_run && choice-- == 0; };
  for (auto& p : partitions) {
    if (chosen(!p.pending.empty())) {
      append_next(p);
      return true;
    }
  }
  for (auto& p : partitions) {
    if (chosen(!p.acknowledged.empty())) {
      acknowledge_next(p, lock);
      return true;
    }
  }
  for (auto& reading : readings) {
    if (chosen(lacks_records(*reading))) {
      deliver_to(reading, lock);
      return true;
    }
  }
  answer_next(lock);
  return true;
}

void memory_log::core::append_next(partition_state& partition) {
  auto next = std::move(partition.pending.front());
  partition.pending.pop_front();
  auto charge = next.charge();
  last_append_ms = std::max(last_append_ms, options.now_ms());
  partition.records.push_back(
      {partition.end(), last_append_ms, std::move(next.bytes)});
  partition.acknowledged.push_back({charge, std::move(next.done)});
}

void memory_log::core::acknowledge_next(partition_state& partition,
                                        std::unique_lock<std::mutex>& lock) {
  auto next = std::move(partition.acknowledged.front());
  partition.acknowledged.pop_front();
  pending_bytes -= next.charge;
  lock.unlock();
  next.done(append_outcome::appended, {});
}

void memory_log::core::deliver_to(std::shared_ptr<reading_state> reading,
                                  std::unique_lock<std::mutex>& lock) {
  auto& partition = at(reading->partition);
  if (reading->next < partition.begin || reading->next > partition.end()) {
    reading->failed = true;
    auto error = offset_not_held(reading->partition, reading->next,
                                 partition.begin, partition.end());
    lock.unlock();
    reading->gate.pass([&] { reading->on_failure(error); });
    return;
  }
  auto first = partition.records.begin() + (reading->next - partition.begin);
  auto count =
      std::min<size_t>(delivery_records_max,
                       static_cast<size_t>(partition.records.end() - first));
  std::vector<log_record> records(first,
                                  first + static_cast<std::ptrdiff_t>(count));
  reading->next += static_cast<log_offset>(count);
  reading->delivering = true;
  lock.unlock();
  reading->gate.pass([&] { reading->on_records(std::move(records)); });
  lock.lock();
  reading->delivering = false;
}

void memory_log::core::answer_next(std::unique_lock<std::mutex>& lock) {
  auto next = std::move(questions.front());
  questions.pop_front();
  auto end = at(next.partition).end();
  lock.unlock();
  next.done(end, {});
}

void memory_log::core::run() {
  // Rotating, so that no kind of step starves another.
  for (size_t choice = 0;; ++choice) {
    if (run_once(choice))
      continue;
    std::unique_lock lock{mutex};
    work_came.wait(lock, [this] { return closing || runnable() != 0; });
    if (closing)
      return;
  }
}

void memory_log::core::close() {
  {
    std::lock_guard lock{mutex};
    closing = true;
  }
  work_came.notify_all();
  if (thread.joinable())
    thread.join();
  std::vector<append_callback> unanswered;
  std::deque<question> unasked;
  {
    std::lock_guard lock{mutex};
    readings.clear();
    unasked.swap(questions);
    for (auto& p : partitions) {
      for (auto& answer : p.acknowledged)
        unanswered.push_back(std::move(answer.done));
      for (auto& append : p.pending)
        unanswered.push_back(std::move(append.done));
      p.acknowledged.clear();
      p.pending.clear();
    }
  }
  for (auto& done : unanswered)
    done(append_outcome::unknown, log_closed(storage_errc::none));
  for (auto& asked : unasked)
    asked.done(0, log_closed(storage_errc::fatal));
}

memory_log::memory_log(memory_log_mode mode, memory_log_options options)
    : core_(std::make_shared<core>()) {
  BERTH_ASSERT(options.partitions >= 1
                   && options.partitions <= log_partitions_max,
               "the number of partitions is checked with the configuration");
  core_->mode = mode;
  core_->partitions.resize(options.partitions);
  core_->options = std::move(options);
  if (!core_->options.now_ms)
    core_->options.now_ms = wall_clock_ms;
  if (mode == memory_log_mode::threaded)
    core_->thread = std::thread{[core = core_.get()] { core->run(); }};
}

memory_log::~memory_log() {
  core_->close();
}

uint32_t memory_log::partitions() const {
  return static_cast<uint32_t>(core_->partitions.size());
}

std::string memory_log::cluster_id() const {
  return core_->options.cluster_id;
}

void memory_log::append(shard_id partition, std::string bytes,
                        append_callback done) {
  auto refuse = [&done](std::string why) {
    done(append_outcome::refused, {storage_errc::none, std::move(why)});
  };
  if (bytes.size() > log_record_bytes_max)
    return refuse(record_too_long(bytes.size()));
  pending_append next{std::move(bytes), std::move(done)};
  {
    std::lock_guard lock{core_->mutex};
    auto max = core_->options.pending_bytes_max;
    if (core_->pending_bytes + next.charge() <= max) {
      core_->pending_bytes += next.charge();
      core_->at(partition).pending.push_back(std::move(next));
      core_->work_came.notify_all();
      return;
    }
  }
  done = std::move(next.done);
  refuse(too_much_pending(core_->options.pending_bytes_max));
}

std::unique_ptr<log_reading>
memory_log::read(shard_id partition, log_offset from,
                 records_callback on_records,
                 std::function<void(storage_error)> failed) {
  class reading final : public log_reading {
  public:
    reading(std::shared_ptr<core> owner, std::shared_ptr<reading_state> state)
        : owner_(std::move(owner)), state_(std::move(state)) {}
    ~reading() override {
      {
        std::lock_guard lock{owner_->mutex};
        std::erase(owner_->readings, state_);
      }
      state_->gate.close();
    }

  private:
    std::shared_ptr<core> owner_;
    std::shared_ptr<reading_state> state_;
  };

  auto state = std::make_shared<reading_state>();
  state->partition = partition;
  state->next = from;
  state->on_records = std::move(on_records);
  state->on_failure = std::move(failed);
  {
    std::lock_guard lock{core_->mutex};
    core_->at(partition);
    core_->readings.push_back(state);
  }
  core_->work_came.notify_all();
  return std::make_unique<reading>(core_, std::move(state));
}

void memory_log::end_offset(
    shard_id partition, std::function<void(log_offset, storage_error)> done) {
  {
    std::lock_guard lock{core_->mutex};
    core_->at(partition);
    core_->questions.push_back({partition, std::move(done)});
  }
  core_->work_came.notify_all();
}

log_offset memory_log::begin_offset(shard_id partition) {
  std::lock_guard lock{core_->mutex};
  return core_->at(partition).begin;
}

size_t memory_log::runnable() const {
  std::lock_guard lock{core_->mutex};
  return core_->runnable();
}

bool memory_log::run_once(size_t choice) {
  BERTH_ASSERT(core_->mode == memory_log_mode::manual,
               "a threaded log takes its steps itself");
  return core_->run_once(choice);
}

void memory_log::deliver() {
  while (run_once()) {
  }
}

std::vector<log_record> memory_log::records(shard_id partition) const {
  std::lock_guard lock{core_->mutex};
  const auto& records = core_->at(partition).records;
  return {records.begin(), records.end()};
}

void memory_log::trim(shard_id partition, log_offset from) {
  std::lock_guard lock{core_->mutex};
  auto& state = core_->at(partition);
  BERTH_ASSERT(from >= state.begin && from <= state.end(),
               "only what is there can be trimmed");
  state.records.erase(state.records.begin(),
                      state.records.begin() + (from - state.begin));
  state.begin = from;
}

} // namespace berth
