// Rows of the catalog in the state store.
#pragma once

#include "messages/catalog.hpp"
#include "messages/events.hpp"

namespace berth {

/// The counter that object uids come from.
struct catalog_counter_row {
  uint64_t last_uid = 0;
  BERTH_FIELDS(last_uid)
};

} // namespace berth
