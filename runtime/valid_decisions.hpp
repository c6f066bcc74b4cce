// Tells the valid decisions of a shard's log from other records (rule Validity)
// without folding them.
#pragma once

#include "messages/record.hpp"
#include "storage/log.hpp"

#include <optional>
#include <string>
#include <variant>

namespace berth {

/// Why reading cannot go on, for people.
struct log_problem {
  std::string message;
};

/// Not thread-safe.
class valid_decisions {
public:
  /// `first`: the offset of a claim or of a decision that was valid, which is
  /// taken as such; -1 = the log is taken from its beginning.
  valid_decisions(shard_id shard, log_offset first)
      : shard_(shard), first_(first) {}

  /// Records in the log's order, from the first on; nothing when it is not a
  /// valid decision.
  std::variant<std::optional<decision_record>, log_problem>
  take(const log_record& record);

private:
  bool is_valid(log_offset at, const decision_record& decision) const;

  shard_id shard_;
  log_offset first_;
  /// What the last claim and the last valid decision said.
  std::optional<epoch> epoch_;
  std::string nonce_;
  std::optional<uint64_t> seq_;
};

} // namespace berth
