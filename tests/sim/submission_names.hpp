// How submissions by the public topic are told from others.
#pragma once

#include <cstdint>
#include <string>

namespace berth::sim {

constexpr char submissions_topic_name[] = "sim.submissions";
/// How the names of jobs begin that are submitted by the topic, and of those
/// that must be refused there.
constexpr char name_by_topic[] = "topic-";
constexpr char name_refused[] = "refused-";

/// As the cursor of a partition of the submissions is named.
inline std::string submissions_source(uint32_t partition) {
  return std::string(submissions_topic_name) + "/" + std::to_string(partition);
}

} // namespace berth::sim
