// Audits a log that nobody has to serve: one on Kafka, read from the brokers.
#pragma once

#include "messages/audit.hpp"
#include "messages/record.hpp"
#include "storage/log.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace berth {

/// Records read of those there were at the beginning; called now and then, from
/// any thread, one call at a time.
using audit_progress = std::function<void(uint64_t done, uint64_t of)>;

/// `verify` folds the shards side by side, each from its beginning to where it
/// ended at the call, and compares with nothing.
std::unique_ptr<audit_source> make_log_audit(std::unique_ptr<log> of,
                                             audit_progress on_progress);

/// One valid decision's event, or a claim.
struct exported_event {
  shard_id shard;
  log_offset offset = 0;
  /// Of the decision; of the append for a claim.
  int64_t at_ms = 0;
  uint64_t seq = 0;
  epoch at_epoch;
  std::string node;
  /// Among those of its decision, from 1; 0 = a claim.
  size_t number = 0;
  /// Of a decision.
  const event* what = nullptr;
};

struct export_options {
  /// Decisions made from then on, and before then; milliseconds since the
  /// epoch.
  std::optional<int64_t> since_ms;
  std::optional<int64_t> until_ms;
  /// Goes on with what is appended until `take` says that it is enough.
  bool follow = false;
};

/// Hands over what the log holds, in order within a shard, one call at a time.
/// False from `take` ends it. Waits until done.
storage_error
export_log(log& of, const export_options& options,
           const std::function<bool(const exported_event&)>& take);

} // namespace berth
