// What an audit of the log tells, whoever reads the log.
#pragma once

#include "messages/errors.hpp"
#include "messages/fields.hpp"
#include "messages/ids.hpp"

#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// One thing that happened to a job, as a record of the log says.
struct story_line {
  int64_t at_ms = 0;
  log_offset offset = 0;
  uint64_t seq = 0;
  int64_t epoch = -1;
  /// The node whose claim the decision was made under.
  std::string node;
  std::string text;
  BERTH_FIELDS(at_ms, offset, seq, epoch, node, text)
};

/// What folding one shard's log from its beginning gave.
struct shard_verdict {
  uint32_t shard = 0;
  uint64_t records = 0;
  uint64_t decisions = 0;
  uint64_t events = 0;
  /// Records that rule Validity ignores; they are no error.
  uint64_t fenced = 0;
  uint64_t out_of_sequence = 0;
  log_offset up_to = -1;
  uint64_t state_hash = 0;
  /// What the fold was compared with: `server` (its live state) or `store`;
  /// empty = nothing here has a state of the shard.
  std::string compared_with;
  bool agrees = false;
  /// What is wrong; empty when all is well.
  std::string problem;
  BERTH_FIELDS(shard, records, decisions, events, fenced, out_of_sequence,
               up_to, state_hash, compared_with, agrees, problem)
};

/// Reads the log; may block for long.
class audit_source {
public:
  virtual ~audit_source() = default;
  /// Oldest first; an unknown job has an empty story.
  virtual std::variant<std::vector<story_line>, api_error>
  history(const job_key& job) = 0;
  virtual std::variant<std::vector<shard_verdict>, api_error> verify() = 0;
};

} // namespace berth
