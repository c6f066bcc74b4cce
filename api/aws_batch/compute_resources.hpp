// The computeResources of an environment: what Berth acts on is typed, the
// rest is kept as JSON (AWS reference, 12.1).
#pragma once

#include "api/json_place.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace berth::aws_batch {

struct compute_resources {
  std::optional<int64_t> min_vcpus;
  std::optional<int64_t> max_vcpus;
  std::optional<int64_t> desired_vcpus;
  /// A JSON object of the other members.
  std::string rest_json;
};

/// For CreateComputeEnvironment: `type` and `maxvCpus` must be there.
compute_resources parse_compute_resources(const json_place& place);

/// For UpdateComputeEnvironment: nothing must be there.
compute_resources parse_compute_resource_update(const json_place& place);

} // namespace berth::aws_batch
