// Benchmarks of a whole `berth dev`, over HTTP and with real processes.
#pragma once

#include "bench/measurement.hpp"

#include <string>
#include <vector>

namespace berth::bench {

/// No-op jobs submitted as arrays until all SUCCEEDED, beside a spawn loop with
/// two in flight that gives each child the same pipe, folder and limits.
std::vector<measurement> process_jobs(const std::string& folder);
/// From SubmitJob to the job's first instruction when idle, beside one durable
/// append and one spawn.
std::vector<measurement> idle_latency(const std::string& folder);
/// SubmitJob calls of 32 closed-loop clients, beside 32 threads of synchronous
/// RocksDB puts.
std::vector<measurement> submissions(const std::string& folder);

} // namespace berth::bench
