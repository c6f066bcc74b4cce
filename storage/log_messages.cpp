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

storage_error log_lost_tail(shard_id partition, log_offset read,
                            log_offset end) {
  return {storage_errc::fatal,
          "partition " + std::to_string(partition.value)
              + " of the log has only offsets below " + std::to_string(end)
              + ", but this node's store was made from it up to and with "
                "offset "
              + std::to_string(read)
              + ": the log has lost its tail, or is another one. Restore log "
                "and data folders from one copy, or, to go on with what the "
                "log has, begin with empty data folders"};
}

storage_error log_is_another(shard_id partition, log_offset differs) {
  return {storage_errc::fatal,
          "partition " + std::to_string(partition.value)
              + " of the log is not the one that this node's store was made "
                "from: it differs at offset "
              + std::to_string(differs)
              + ", so it was made anew. Restore log and data folders from one "
                "copy, or, to go on with what the log has, begin with empty "
                "data folders"};
}

} // namespace berth
