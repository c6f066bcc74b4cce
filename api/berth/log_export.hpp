// The log's events as lines of JSON, for other tools.
#pragma once

#include "messages/events.hpp"
#include "messages/ids.hpp"

#include <cstdint>
#include <string>

namespace berth {

/// Where an event stands in the log.
struct event_place {
  shard_id shard;
  log_offset offset = 0;
  int64_t at_ms = 0;
  uint64_t seq = 0;
  epoch at_epoch;
  /// Whose claim it was made under.
  std::string node;
  /// Among those of its decision, from 1.
  size_t number = 0;
};

/// `{"shard","offset","number","time","at_ms","seq","epoch","node","event",
/// "data"}`, one line with its newline: `event` is the event's name as
/// messages/events.hpp has it, `data` its fields by their names. Ids of jobs
/// are texts, other ids numbers; statuses and states are numbers.
std::string print_log_event(const event_place& at, const event& what);

/// The same of a claim; `event` is `claim`, and there are no data.
std::string print_log_claim(const event_place& at);

} // namespace berth
