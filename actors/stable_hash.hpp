// A hash that is the same on every machine, in every version, for ever: who
// owns a shard, which partition an agent reads and the ids of jobs from a topic
// hang on it.
#pragma once

#include "messages/ids.hpp"

#include <cstdint>
#include <string_view>

namespace berth {

/// FNV-1a of the bytes, then the finalizer of MurmurHash3: every bit of the
/// text moves every bit of the hash.
uint64_t stable_hash(std::string_view text);

/// The partition of `berth.dispatch` that the agent reads; `partitions` > 0.
uint32_t dispatch_partition(const agent_id& agent, uint32_t partitions);

/// The id of a job submitted by a topic: the same whoever reads it, however
/// often. `source` is `<topic>/<partition>`, `timestamp_ms` the record's own.
job_id submission_job_id(std::string_view source, log_offset offset,
                         int64_t timestamp_ms, shard_id home);

} // namespace berth
