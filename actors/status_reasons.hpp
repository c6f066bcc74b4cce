// Status reasons in AWS Batch's words (AWS reference 15.3).
#pragma once

#include <string>

namespace berth::status_reasons {

/// The main process ended, whatever its exit code.
constexpr const char* container_exited = "Essential container in task exited";
constexpr const char* start_failed = "Task failed to start";
constexpr const char* timed_out = "Job attempt duration exceeded timeout";
constexpr const char* array_child_failed = "Array Child Job failed";
constexpr const char* dependency_failed = "Dependent Job failed";
/// A container reason, not a status reason.
constexpr const char* out_of_memory =
    "OutOfMemoryError: Container killed due to memory usage";

inline std::string host_lost(const std::string& agent) {
  return "Host EC2 (instance " + agent + ") terminated.";
}

/// Berth's own: AWS Batch only says that the jobs are terminated.
inline std::string queue_deleted(const std::string& queue) {
  return "JobQueue " + queue + " was deleted";
}

} // namespace berth::status_reasons
