#include "storage/log_messages.hpp"

namespace berth {

std::string record_too_long(size_t bytes) {
  return "a record of " + std::to_string(bytes)
         + " bytes is longer than the limit of "
         + std::to_string(log_record_bytes_max);
}

std::string too_much_pending(size_t limit) {
  return std::to_string(limit)
         + " bytes wait to be appended to the log already; try again later";
}

storage_error log_closed(storage_errc code) {
  return {code, "the log was closed"};
}

storage_error offset_not_held(shard_id partition, log_offset asked,
                              log_offset begin, log_offset end) {
  return {storage_errc::fatal,
          "partition " + std::to_string(partition.value)
              + " of the log begins at offset " + std::to_string(begin)
              + " and ends at " + std::to_string(end) + ", but offset "
              + std::to_string(asked)
              + " is asked for: records are missing, or the reader's state was "
                "made from another log. Restore the whole data folder from one "
                "copy"};
}

} // namespace berth
