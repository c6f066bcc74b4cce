#include "storage/local_log.hpp"

#include "messages/assert.hpp"
#include "storage/delivery_gate.hpp"
#include "storage/log_database.hpp"
#include "storage/log_messages.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace berth {

namespace {

/// Most bytes written with one sync; more make the first of them wait.
constexpr size_t group_bytes_max = 4 * 1024 * 1024;
/// Most bytes given at once to a reading that is behind.
constexpr size_t catch_up_bytes_max = 1024 * 1024;

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct pending_append {
  shard_id partition;
  std::string bytes;
  append_callback done;
  /// Counted from `append` to its answer.
  size_t charge = bytes.size() + sizeof(pending_append);
};

struct reading_state {
  shard_id partition;
  log_offset next = 0;
  /// Whether the writer gives it new records; else a thread of its own does.
  bool at_tail = false;
  records_callback on_records;
  std::function<void(storage_error)> on_failure;
  delivery_gate gate;
};

using shared_reading = std::shared_ptr<reading_state>;

struct partition_state {
  /// What readings may see.
  partition_bounds bounds;
  /// The same with what the writer has in hand; the writer's alone.
  partition_bounds placed;
  std::vector<shared_reading> readings;
};

/// Records of one partition that were just written, and who waits for them.
struct tail_delivery {
  std::vector<shared_reading> readings;
  std::vector<log_record> records;
};

/// What the log, its threads and its readings share.
struct core {
  std::unique_ptr<log_database> database;
  local_log_options options;

  std::mutex mutex;
  std::condition_variable work_came;
  std::condition_variable catch_up_ended;
  std::vector<partition_state> partitions;
  std::vector<pending_append> waiting;
  size_t pending_bytes = 0;
  size_t catch_up_threads = 0;
  bool closing = false;
  /// Why nothing more is taken.
  storage_error broken;

  partition_state& at(shard_id partition) {
    BERTH_ASSERT(partition.value < partitions.size(),
                 "callers know how many partitions there are");
    return partitions[partition.value];
  }

  std::optional<storage_error> accept(pending_append& append);
  void write_until_closed();
  void write_group(pending_append* first, pending_append* last);
  log_group place(pending_append* first, pending_append* last);
  std::vector<tail_delivery> publish(log_group group);
  void answer(pending_append* first, pending_append* last,
              append_outcome outcome, const storage_error& error);
  void catch_up(const shared_reading& reading);
  bool catch_up_to(const shared_reading& reading, log_offset from,
                   log_offset to);
  void close(std::thread& writer);
};

/// Nothing when the append was taken, else why it is refused.
std::optional<storage_error> core::accept(pending_append& append) {
  if (append.bytes.size() > log_record_bytes_max)
    return storage_error{storage_errc::none,
                         record_too_long(append.bytes.size())};
  std::lock_guard lock{mutex};
  if (broken)
    return broken;
  if (closing)
    return log_closed(storage_errc::none);
  auto charge = append.charge;
  if (pending_bytes + charge > options.pending_bytes_max)
    return storage_error{storage_errc::none,
                         too_much_pending(options.pending_bytes_max)};
  at(append.partition);
  pending_bytes += charge;
  waiting.push_back(std::move(append));
  if (waiting.size() == 1)
    work_came.notify_one();
  return std::nullopt;
}

void core::write_until_closed() {
  std::vector<pending_append> taken;
  for (;;) {
    {
      std::unique_lock lock{mutex};
      work_came.wait(lock, [this] { return closing || !waiting.empty(); });
      if (closing)
        return;
      taken.swap(waiting);
    }
    auto* const end = taken.data() + taken.size();
    for (auto* first = taken.data(); first != end;) {
      auto* last = first;
      size_t bytes = 0;
      do
        bytes += (last++)->charge;
      while (last != end && bytes + last->charge <= group_bytes_max);
      write_group(first, last);
      first = last;
    }
    taken.clear();
  }
}

void core::write_group(pending_append* first, pending_append* last) {
  if (broken)
    return answer(first, last, append_outcome::refused, broken);
  if (database->free_bytes() < options.free_bytes_min)
    return answer(
        first, last, append_outcome::refused,
        {storage_errc::none, "the disk of " + options.folder.string()
                                 + " is nearly full; free some space"});
  auto group = place(first, last);
  if (auto error = database->write(group)) {
    {
      std::lock_guard lock{mutex};
      broken = error;
    }
    return answer(first, last, append_outcome::unknown, error);
  }
  for (auto& [readings, records] : publish(std::move(group))) {
    for (size_t i = 0; i + 1 < readings.size(); ++i)
      readings[i]->gate.pass([&] { readings[i]->on_records(records); });
    readings.back()->gate.pass(
        [&] { readings.back()->on_records(std::move(records)); });
  }
  answer(first, last, append_outcome::appended, {});
}

/// Gives each append its offset and time.
log_group core::place(pending_append* first, pending_append* last) {
  auto now = options.now_ms();
  log_group group;
  for (auto* append = first; append != last; ++append) {
    auto& placed = partitions[append->partition.value].placed;
    placed.last_append_ms = std::max(placed.last_append_ms, now);
    group[append->partition].push_back(
        {placed.end++, placed.last_append_ms, std::move(append->bytes)});
  }
  return group;
}

/// Lets the records be seen; returns those that readings at the end wait for.
std::vector<tail_delivery> core::publish(log_group group) {
  std::vector<tail_delivery> deliveries;
  std::lock_guard lock{mutex};
  for (auto& [partition, records] : group) {
    auto& state = partitions[partition.value];
    state.bounds = state.placed;
    tail_delivery delivery;
    for (const auto& reading : state.readings) {
      if (!reading->at_tail)
        continue;
      reading->next = state.bounds.end;
      delivery.readings.push_back(reading);
    }
    if (delivery.readings.empty())
      continue;
    delivery.records = std::move(records);
    deliveries.push_back(std::move(delivery));
  }
  return deliveries;
}

void core::answer(pending_append* first, pending_append* last,
                  append_outcome outcome, const storage_error& error) {
  size_t answered = 0;
  for (auto* append = first; append != last; ++append) {
    append->done(outcome, error);
    answered += append->charge;
  }
  std::lock_guard lock{mutex};
  pending_bytes -= answered;
}

/// Body of the thread of a reading that is behind.
void core::catch_up(const shared_reading& reading) {
  for (;;) {
    log_offset from = 0;
    partition_bounds bounds;
    {
      std::lock_guard lock{mutex};
      from = reading->next;
      bounds = at(reading->partition).bounds;
      if (closing || from == bounds.end) {
        reading->at_tail = true;
        break;
      }
    }
    if (from < bounds.begin || from > bounds.end) {
      auto error =
          offset_not_held(reading->partition, from, bounds.begin, bounds.end);
      reading->gate.pass([&] { reading->on_failure(error); });
      break;
    }
    if (!catch_up_to(reading, from, bounds.end))
      break;
  }
  std::lock_guard lock{mutex};
  --catch_up_threads;
  catch_up_ended.notify_all();
}

/// False when the reading is over.
bool core::catch_up_to(const shared_reading& reading, log_offset from,
                       log_offset to) {
  log_database::cursor cursor{*database, reading->partition, from, to};
  while (!cursor.at_end()) {
    std::vector<log_record> records;
    if (auto error = cursor.next(catch_up_bytes_max, records)) {
      reading->gate.pass([&] { reading->on_failure(error); });
      return false;
    }
    auto next = records.back().offset + 1;
    if (!reading->gate.pass([&] { reading->on_records(std::move(records)); }))
      return false;
    std::lock_guard lock{mutex};
    reading->next = next;
    if (closing)
      return false;
  }
  return true;
}

void core::close(std::thread& writer) {
  {
    std::lock_guard lock{mutex};
    closing = true;
  }
  work_came.notify_all();
  if (writer.joinable())
    writer.join();
  std::vector<pending_append> unanswered;
  {
    std::unique_lock lock{mutex};
    catch_up_ended.wait(lock, [this] { return catch_up_threads == 0; });
    for (auto& partition : partitions)
      partition.readings.clear();
    unanswered.swap(waiting);
  }
  answer(unanswered.data(), unanswered.data() + unanswered.size(),
         append_outcome::unknown, log_closed(storage_errc::none));
  database.reset();
}

class local_reading final : public log_reading {
public:
  local_reading(std::shared_ptr<core> owner, shared_reading state)
      : owner_(std::move(owner)), state_(std::move(state)) {}

  ~local_reading() override {
    {
      std::lock_guard lock{owner_->mutex};
      std::erase(owner_->at(state_->partition).readings, state_);
    }
    state_->gate.close();
  }

private:
  std::shared_ptr<core> owner_;
  shared_reading state_;
};

class local_log final : public log {
public:
  explicit local_log(std::shared_ptr<core> opened) : core_(std::move(opened)) {
    writer_ = std::thread{[core = core_.get()] { core->write_until_closed(); }};
  }

  ~local_log() override { core_->close(writer_); }

  local_log(const local_log&) = delete;
  local_log& operator=(const local_log&) = delete;

  uint32_t partitions() const override {
    return core_->database->description().partitions;
  }

  std::string cluster_id() const override {
    return core_->database->description().cluster_id;
  }

  void append(shard_id partition, std::string bytes,
              append_callback done) override {
    pending_append append{partition, std::move(bytes), std::move(done)};
    if (auto refusal = core_->accept(append))
      append.done(append_outcome::refused, std::move(*refusal));
  }

  std::unique_ptr<log_reading>
  read(shard_id partition, log_offset from, records_callback on_records,
       std::function<void(storage_error)> failed) override {
    auto state = std::make_shared<reading_state>();
    state->partition = partition;
    state->next = from;
    state->on_records = std::move(on_records);
    state->on_failure = std::move(failed);
    std::lock_guard lock{core_->mutex};
    auto& read = core_->at(partition);
    read.readings.push_back(state);
    state->at_tail = from == read.bounds.end;
    if (!state->at_tail) {
      ++core_->catch_up_threads;
      std::thread{[core = core_, state] { core->catch_up(state); }}.detach();
    }
    return std::make_unique<local_reading>(core_, std::move(state));
  }

  void
  end_offset(shard_id partition,
             std::function<void(log_offset, storage_error)> done) override {
    done(bounds(partition).end, {});
  }

  log_offset begin_offset(shard_id partition) override {
    return bounds(partition).begin;
  }

private:
  partition_bounds bounds(shard_id partition) {
    std::lock_guard lock{core_->mutex};
    return core_->at(partition).bounds;
  }

  std::shared_ptr<core> core_;
  std::thread writer_;
};

} // namespace

local_log_result open_local_log(const local_log_options& options) {
  auto [database, error] = log_database::open(options);
  if (error)
    return {nullptr, error};
  auto opened = std::make_shared<core>();
  opened->options = options;
  if (!opened->options.now_ms)
    opened->options.now_ms = wall_clock_ms;
  std::vector<partition_bounds> bounds;
  if (auto failure = database->bounds(bounds))
    return {nullptr, failure};
  for (const auto& b : bounds)
    opened->partitions.push_back({b, b, {}});
  if (options.read_only)
    opened->broken = {storage_errc::fatal,
                      "the log was opened for reading only"};
  opened->database = std::move(database);
  return {std::make_unique<local_log>(std::move(opened)), {}};
}

} // namespace berth
