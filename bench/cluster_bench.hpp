// Benchmarks of nodes on real Apache Kafka brokers, with agents that end every
// attempt at once, beside librdkafka appending and reading back the same bytes
// on the same broker.
#pragma once

#include "bench/measurement.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace berth::bench {

/// Submitted to finished, all at once.
std::vector<measurement> cluster_jobs(uint64_t jobs, const std::string& folder);
/// One job after the other on an idle node: from the call to its dispatch in
/// the agent's hands.
std::vector<measurement> cluster_latency(const std::string& folder);
/// CPU per job of three nodes against one.
std::vector<measurement> cluster_cpu(uint64_t jobs, const std::string& folder);

} // namespace berth::bench
