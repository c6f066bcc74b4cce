// Reads a log from its beginning and folds it, for audits.
#pragma once

#include "actors/shard.hpp"
#include "messages/audit.hpp"
#include "storage/log.hpp"

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace berth {

using on_log_record = std::function<void(const log_record&)>;

/// Hands over every record from `from` to before `until`, on a thread of the
/// log; waits until done.
storage_error read_records(log& from_log, shard_id shard, log_offset from,
                           log_offset until, const on_log_record& take);

/// Waits for it.
std::variant<log_offset, storage_error> end_of(log& of, shard_id shard);

/// Folds records into a machine that never claims; keeps what is fatal, and
/// what no owner may have written: time, `through` or a cursor that goes back,
/// a nonce that two claims share. (The same claim twice is no problem.)
class log_fold {
public:
  log_fold(log& of, shard_id shard);

  shard& machine() { return machine_; }
  void take(const log_record& r);
  /// Compared with nothing.
  shard_verdict verdict() const;

  /// Each valid decision, and each claim, as they are folded.
  std::function<void(log_offset, const decision_record&)> on_decision;
  std::function<void(log_offset, const claim_record&)> on_claim;

private:
  void check(log_offset at, const decision_record& d);
  void problem(log_offset at, const std::string& what);

  shard machine_;
  uint64_t records_ = 0;
  int64_t last_ms_ = 0;
  log_offset last_through_ = -1;
  std::map<std::string, log_offset> last_cursors_;
  /// With the record that was read first.
  std::map<std::string, std::string> nonces_;
  epoch last_epoch_{-1};
  std::string problem_;
};

/// Of a job as its shard's log tells it.
std::variant<std::vector<story_line>, api_error>
tell_history(log& of, const job_key& job);

} // namespace berth
