// The twin of the durable logs for tests and simulations: records in vectors.
#pragma once

#include "storage/log.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace berth {

/// Who makes the callbacks of a `memory_log`.
enum class memory_log_mode : uint8_t {
  /// Whoever calls `run_once` or `deliver`; without them nothing happens. The
  /// same calls give the same order, so a whole cluster runs in one thread.
  manual = 1,
  /// A thread of the log, as in the durable ones.
  threaded = 2,
};

struct memory_log_options {
  uint32_t partitions = 1;
  std::string cluster_id = "6d656d6f-7279-4c6f-8067-000000000001";
  /// Milliseconds since the epoch; the wall clock when empty. Called with the
  /// log locked.
  std::function<int64_t()> now_ms = {};
  size_t pending_bytes_max = log_pending_bytes_max;
};

/// Lives as long as the object; a simulated cluster keeps it across crashes of
/// its nodes. Readings may outlive it and are then silent.
class memory_log final : public log {
public:
  explicit memory_log(memory_log_mode mode, memory_log_options options = {});
  ~memory_log() override;

  memory_log(const memory_log&) = delete;
  memory_log& operator=(const memory_log&) = delete;

  uint32_t partitions() const override;
  std::string cluster_id() const override;
  void append(shard_id partition, std::string bytes,
              append_callback done) override;
  std::unique_ptr<log_reading>
  read(shard_id partition, log_offset from, records_callback on_records,
       std::function<void(storage_error)> failed) override;
  void end_offset(shard_id partition,
                  std::function<void(log_offset, storage_error)> done) override;
  log_offset begin_offset(shard_id partition) override;

  /// How many steps could be taken next: one record appended, one append
  /// answered, one reading given what it lacks, one question answered. They
  /// are ordered: appends, their answers, readings, questions.
  size_t runnable() const;

  /// Manual mode: takes the step `choice` (modulo their number) and true, or
  /// false when there is none.
  bool run_once(size_t choice = 0);

  /// Manual mode: takes steps, those made possible by callbacks included, until
  /// there are none.
  void deliver();

  /// Every record of a partition, for checkers.
  std::vector<log_record> records(shard_id partition) const;

  /// Makes the log begin at `from`, as if the older records had been trimmed.
  void trim(shard_id partition, log_offset from);

private:
  struct core;
  std::shared_ptr<core> core_;
};

} // namespace berth
