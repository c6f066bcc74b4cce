// The state changes that one shard's log holds, for a follower that comes from
// an earlier position.
#pragma once

#include "runtime/change_position.hpp"
#include "runtime/job_transitions.hpp"
#include "runtime/valid_decisions.hpp"
#include "storage/log.hpp"

#include <deque>
#include <optional>
#include <variant>
#include <vector>

namespace berth {

/// Reads from a cursor to a goal, a run of records at a time. Knows valid
/// decisions from others as every reader of the log does (rule Validity): the
/// cursor names a decision that was valid, or a claim.
///
/// Not thread-safe; blocks while it reads.
class change_history {
public:
  /// The log outlives this. `goal` is the offset of a record in the log.
  change_history(log& from, shard_id shard, change_cursor cursor,
                 log_offset goal);

  using problem = log_problem;
  /// The changes of the next decision that has some, numbered as `given` counts
  /// them; empty once everything up to the goal was read.
  std::variant<std::vector<job_transition>, problem> next();

private:
  std::optional<problem> read_more();
  std::optional<problem> take(const log_record& record,
                              std::vector<job_transition>& found);

  log& log_;
  shard_id shard_;
  change_cursor cursor_;
  log_offset goal_;
  /// What was read and not looked at.
  std::deque<log_record> records_;
  log_offset next_;
  valid_decisions decisions_;
};

} // namespace berth
