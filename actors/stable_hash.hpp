// A hash that is the same on every machine, in every version, for ever: who
// owns a shard and which partition an agent reads hang on it.
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

} // namespace berth
