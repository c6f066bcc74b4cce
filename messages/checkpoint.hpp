// Where the rows of a state store stand in the log.
#pragma once

#include "messages/fields.hpp"
#include "messages/ids.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace berth {

/// Where a row set stands in the log (rule Checkpoint).
struct checkpoint {
  std::string cluster_id;
  /// Offset of the last record folded, valid or not; -1 before the first.
  log_offset folded_offset = -1;
  /// The latest claim; -1 before the first.
  epoch at_epoch{-1};
  uint64_t seq = 0;
  /// The last message taken by a decision; reading resumes behind it.
  log_offset through = -1;
  /// Nonce of the claim at `at_epoch`.
  std::string nonce;
  /// `at_ms` of the last valid decision.
  int64_t at_ms = 0;
  std::map<std::string, log_offset> cursors;
  BERTH_FIELDS(cluster_id, folded_offset, at_epoch, seq, through, nonce, at_ms,
               cursors)
};

} // namespace berth
