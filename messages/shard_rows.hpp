// Rows of a shard's own tables in the state store: what it has sent and not
// recorded as delivered, and what it has taken.
#pragma once

#include "messages/record.hpp"

namespace berth {

struct outbox_row {
  destination to;
  uint64_t last_number = 0;
  std::vector<outbox_message> unrecorded;
  BERTH_FIELDS(to, last_number, unrecorded)
};

struct inbox_row {
  std::string source;
  uint64_t up_to = 0;
  BERTH_FIELDS(source, up_to)
};

} // namespace berth
