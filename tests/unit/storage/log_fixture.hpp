// One log under test, whichever implementation, and what came out of it.
#pragma once

#include "storage/log.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace berth {

struct log_settings {
  uint32_t partitions = 1;
  size_t pending_bytes_max = log_pending_bytes_max;
  std::function<int64_t()> now_ms = {};
};

class log_fixture {
public:
  virtual ~log_fixture() = default;

  log& subject() { return *log_; }
  /// Destroys the log; what it stored is kept where it is persistent.
  void close() { log_.reset(); }
  /// Opens it again; only where `persistent`.
  virtual void reopen() = 0;
  virtual bool persistent() const = 0;
  /// Whether callbacks come from a thread of the log.
  virtual bool threaded() const { return true; }
  /// Lets a log without a thread do its work.
  virtual void pump() {}

protected:
  std::unique_ptr<log> log_;
};

/// Names of the implementations that this test program tries, for GENERATE.
std::vector<std::string> all_logs();
std::vector<std::string> persistent_logs();

std::unique_ptr<log_fixture> make_log(const std::string& name,
                                      log_settings settings = {});

constexpr std::chrono::seconds test_patience{120};

/// Values handed over by callbacks, in order; `wait` awaits a number of them.
template <class T>
class collector {
public:
  void add(T value) {
    std::lock_guard lock{mutex_};
    values_.push_back(std::move(value));
    came_.notify_all();
  }

  /// False when fewer than `count` came in time.
  bool wait(log_fixture& fixture, size_t count) {
    fixture.pump();
    return wait(count);
  }
  bool wait(size_t count) {
    std::unique_lock lock{mutex_};
    return came_.wait_for(lock, test_patience,
                          [&] { return values_.size() >= count; });
  }

  std::vector<T> values() const {
    std::lock_guard lock{mutex_};
    return values_;
  }

  size_t size() const {
    std::lock_guard lock{mutex_};
    return values_.size();
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<T> values_;
};

/// Reads from an offset and keeps what comes.
class recorder {
public:
  recorder(log& from, shard_id partition, log_offset offset) {
    reading_ = from.read(
        partition, offset,
        [this](std::vector<log_record> records) {
          if (records.empty())
            empty_deliveries_.add(true);
          for (auto& record : records)
            records_.add(std::move(record));
        },
        [this](storage_error error) { failures_.add(std::move(error)); });
  }

  void stop() { reading_.reset(); }

  bool wait(log_fixture& fixture, size_t count) {
    return records_.wait(fixture, count);
  }
  bool wait(size_t count) { return records_.wait(count); }
  bool wait_for_failure(log_fixture& fixture) {
    return failures_.wait(fixture, 1);
  }
  bool wait_for_failure() { return failures_.wait(1); }

  std::vector<log_record> records() const { return records_.values(); }
  std::vector<storage_error> failures() const { return failures_.values(); }
  size_t empty_deliveries() const { return empty_deliveries_.size(); }

private:
  collector<log_record> records_;
  collector<storage_error> failures_;
  collector<bool> empty_deliveries_;
  std::unique_ptr<log_reading> reading_;
};

struct answer {
  append_outcome outcome = append_outcome::unknown;
  storage_error error;
};

/// Appends and keeps the answers.
class appender {
public:
  explicit appender(log& to) : log_(to) {}

  void append(shard_id partition, std::string bytes) {
    ++asked_;
    log_.append(partition, std::move(bytes),
                [this](append_outcome outcome, storage_error error) {
                  answers_.add({outcome, std::move(error)});
                });
  }

  bool wait(log_fixture& fixture) { return answers_.wait(fixture, asked_); }
  bool wait() { return answers_.wait(asked_); }
  std::vector<answer> answers() const { return answers_.values(); }
  size_t count(append_outcome outcome) const;

private:
  log& log_;
  size_t asked_ = 0;
  collector<answer> answers_;
};

/// Appends all and awaits their answers; true when each was appended.
bool append_all(log_fixture& fixture, shard_id partition,
                const std::vector<std::string>& records);

/// The end of a partition, awaited.
log_offset end_of(log_fixture& fixture, shard_id partition);

/// Every record from `from` to the end, awaited.
std::vector<log_record> read_all(log_fixture& fixture, shard_id partition,
                                 log_offset from = 0);

std::vector<std::string> bytes_of(const std::vector<log_record>& records);

/// `count` different small records.
std::vector<std::string> numbered(size_t count, size_t from = 0);

} // namespace berth
