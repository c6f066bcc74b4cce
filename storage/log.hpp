// The log: partitions of records, appended and read in order. Implementations:
// `memory_log` (tests, simulation), `local_log` (one machine, RocksDB),
// `kafka_log` (many machines). All pass the same contract tests.
#pragma once

#include "messages/ids.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace berth {

/// The three meanings of a storage error (rule Unknown is not failed).
enum class storage_errc : uint8_t {
  none = 0,
  /// Somebody else owns this now: step down.
  fenced = 1,
  /// The local copy cannot be trusted: set it aside and rebuild.
  diverged = 2,
  /// Going on would be wrong: stop with the message.
  fatal = 3,
};

struct storage_error {
  storage_errc code = storage_errc::none;
  /// What happened and what to do, for people. Empty when there is no error.
  std::string message;
  explicit operator bool() const { return code != storage_errc::none; }
};

struct log_record {
  log_offset offset = 0;
  /// Milliseconds since the epoch, given by the log when it appended.
  int64_t append_ms = 0;
  std::string bytes;
};

enum class append_outcome : uint8_t {
  /// In the log for good; it will be read back.
  appended = 1,
  /// Perhaps in the log, perhaps not; reading tells.
  unknown = 2,
  /// Surely not in the log, and never will be.
  refused = 3,
};

/// Largest record taken, in bytes. Decisions have a smaller limit.
constexpr size_t log_record_bytes_max = 1024 * 1024;
/// Most bytes that wait to be appended; what comes on top is refused.
constexpr size_t log_pending_bytes_max = 64 * 1024 * 1024;
/// Most partitions of a log; a job id has room for so many shards.
constexpr uint32_t log_partitions_max = 4096;

/// Called once per append, from a thread of the log; a refusal may also come
/// from inside `append`. Must not block. Whatever is not `appended` has a
/// message, and the code `fatal` when the log will take nothing more.
using append_callback = std::function<void(append_outcome, storage_error)>;
/// Called with records in offset order, never with an empty vector, from a
/// thread of the log, one call at a time. Must not block for long: the next
/// call waits for its return. Never called from inside `read`.
using records_callback = std::function<void(std::vector<log_record>)>;

/// A running reader. Its destruction ends the reading; no call is made after
/// the destructor has returned.
class log_reading {
public:
  virtual ~log_reading() = default;
};

/// Thread-safe. Destroying the log answers outstanding appends with `unknown`.
class log {
public:
  virtual ~log() = default;

  /// Number of partitions; fixed when the log was created, 1 to 4096.
  virtual uint32_t partitions() const = 0;

  /// Identifies this log for ever, so that a store made from another one is
  /// recognised. A lower-case UUID.
  virtual std::string cluster_id() const = 0;

  /// Appends one record to a partition. Appends made by one thread to one
  /// partition take effect in that order when all of them succeed. "Appended"
  /// means durable as the implementation promises (`local_log`: on disk).
  virtual void append(shard_id partition, std::string bytes,
                      append_callback done) = 0;

  /// Delivers every record from `from` on, and then each new one as soon as it
  /// is durable, without polling. Reading from before the first record or from
  /// after the end is a `fatal` error, given to `failed` (once, then nothing).
  virtual std::unique_ptr<log_reading>
  read(shard_id partition, log_offset from, records_callback on_records,
       std::function<void(storage_error)> failed) = 0;

  /// The offset that the next record of the partition will have at least; a
  /// reader that has everything before it is up to date (rule Barrier). `done`
  /// may be called from inside `end_offset`.
  virtual void
  end_offset(shard_id partition,
             std::function<void(log_offset, storage_error)> done) = 0;

  /// Offset of the oldest record still kept; the end when there is none.
  virtual log_offset begin_offset(shard_id partition) = 0;
};

} // namespace berth
