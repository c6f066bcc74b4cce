#include "messages/job.hpp"

#include <array>

namespace berth {

namespace {

constexpr std::array<const char*, job_status_count> status_names{
    "SUBMITTED", "PENDING",   "RUNNABLE", "STARTING",
    "RUNNING",   "SUCCEEDED", "FAILED"};

} // namespace

const char* to_string(job_status s) {
  return status_names.at(static_cast<size_t>(s));
}

std::optional<job_status> parse_job_status(std::string_view text) {
  for (size_t i = 0; i < status_names.size(); ++i)
    if (text == status_names[i])
      return static_cast<job_status>(i);
  return std::nullopt;
}

} // namespace berth
