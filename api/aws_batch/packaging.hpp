// The part of a container that Berth keeps and echoes but does not act on:
// image, roles, volumes, logging, network and the like (AWS reference, 12.3,
// normalised as in 13.2).
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/json_place.hpp"

#include <string>

namespace berth::aws_batch {

/// A JSON object of the members as they read back. Secrets are refused: a job
/// that misses them would run as another.
std::string parse_packaging(const json_place& container, bool is_fargate,
                            const parse_context& context);

} // namespace berth::aws_batch
