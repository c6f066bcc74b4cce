// Benchmarks of the state store on disk.
#pragma once

#include "bench/measurement.hpp"

#include <string>
#include <vector>

namespace berth::bench {

/// Looking for ids never seen, as every submission does, with many rows in the
/// store beside the same with few. Stores are made in `folder`.
std::vector<measurement> unknown_lookups(uint64_t many, uint64_t few,
                                         const std::string& folder);

} // namespace berth::bench
