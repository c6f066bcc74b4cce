// Containers: the properties of a definition, the overrides of a submission,
// and how both read back (AWS reference, 12.3, 12.7, 13.2).
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/json_place.hpp"
#include "api/json_writer.hpp"
#include "messages/job.hpp"
#include "messages/requests.hpp"

namespace berth::aws_batch {

/// The form of an old client's conflicting value begins with this.
constexpr std::string_view deprecated_key_conflict =
    "This value was submitted in a deprecated key and may conflict with the "
    "value in the resource requirements";

/// `is_fargate`: the definition names that capability. vCPUs and memory must
/// be given, in either form.
container_spec parse_container_properties(const json_place& place,
                                          bool is_fargate,
                                          const parse_context& context);

/// Absent = nothing overridden.
container_overrides parse_container_overrides(const json_place& place);

/// The members of a container, inside an object that the caller opened.
void print_container_members(json_writer& json, const container_spec& spec);

} // namespace berth::aws_batch
