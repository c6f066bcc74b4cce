// What the logs say to people, the same in every implementation.
#pragma once

#include "storage/log.hpp"

#include <string>

namespace berth {

std::string record_too_long(size_t bytes);
std::string too_much_pending(size_t limit);
storage_error log_closed(storage_errc code);
/// A reading from before the first record or from after the end.
storage_error offset_not_held(shard_id partition, log_offset asked,
                              log_offset begin, log_offset end);
/// A log that ends before what was already read of it.
storage_error log_lost_tail(shard_id partition, log_offset read,
                            log_offset end);
/// A log whose record there is not the one that was read of it.
storage_error log_is_another(shard_id partition, log_offset differs);

} // namespace berth
