// Bodies that the dialect accepts, with any of the members it knows.
#pragma once

#include "api/aws_batch/operations.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace berth::aws_batch {

/// Draws from rapidcheck; only within a property.
nlohmann::json valid_body(operation what);

/// The ARN and the query that go with it; empty where the operation has none.
std::string valid_arn(operation what);
std::string valid_query(operation what);

} // namespace berth::aws_batch
