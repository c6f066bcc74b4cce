// Bounds of single members, where AWS Batch names none or names them only in
// its guide (AWS reference, 3.3 and 12). Quotas are in messages/limits.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace berth::aws_batch {

/// Far beyond any machine, and safe to count in thousandths.
constexpr int64_t vcpus_max = 1'000'000;
constexpr int64_t memory_mib_max = 1'000'000'000;
constexpr int64_t scheduling_priority_max = 9'999;
/// About 68 years.
constexpr int64_t attempt_duration_s_max = INT32_MAX;
constexpr int64_t job_execution_timeout_minutes_max = 7'200;
constexpr size_t user_length_max = 31;
constexpr size_t image_length_max = 255;
constexpr size_t filter_values_max = 100;
/// Bodies of calls that have no quota of their own.
constexpr size_t request_bytes_max = 256 * 1024;
/// Beyond this a token is none of ours.
constexpr size_t token_bytes_max = 4 * 1024;

} // namespace berth::aws_batch
