// Benchmarks of the shard machine, without processes, HTTP or a disk log.
#pragma once

#include "bench/measurement.hpp"

#include <string>
#include <vector>

namespace berth::bench {

/// Single jobs with names and bodies of their own, submitted to finished,
/// beside encoding and decoding the same bytes.
std::vector<measurement> simulated_jobs(uint64_t jobs);
/// Whole job lives folded from the log, beside decoding the same bytes.
std::vector<measurement> replay(uint64_t jobs);
/// Cost per job and memory with many jobs queued against few. Stores are made
/// in `folder`.
std::vector<measurement> queued_jobs(uint64_t many, uint64_t few,
                                     const std::string& folder);
std::vector<measurement> waiting_children(const std::string& folder);

} // namespace berth::bench
