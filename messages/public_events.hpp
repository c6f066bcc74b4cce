// What is published of the log for anyone to read.
#pragma once

#include "messages/event_source.hpp"
#include "messages/ids.hpp"
#include "messages/submission.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace berth {

/// Where the log says so. Of one shard, later changes are greater by (offset,
/// number); a reader that has seen a greater one has seen this one.
struct change_sequence {
  shard_id shard;
  log_offset offset = 0;
  /// Among those of its decision, from 1.
  size_t number = 0;
};

/// A record of `<prefix>.submissions` that did not become a job.
struct rejected_submission {
  std::string topic;
  uint32_t partition = 0;
  log_offset offset = 0;
  std::string reason;
  /// Nothing when the topic does not hold it any more.
  std::optional<std::string> original;
  int64_t timestamp_ms = 0;
};

/// How a dialect reads and prints the records of the public topics. Total;
/// called from any thread.
struct public_dialect {
  submission_parser parse;
  std::function<std::string(const job_event&, const change_sequence&)>
      print_change;
  std::function<std::string(const rejected_submission&)> print_rejection;
};

} // namespace berth
