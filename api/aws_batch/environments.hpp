// Compute environments (AWS reference, section 4 and 12.1).
//
// Members that only AWS acts on (roles, subnets, instance types ...) are kept
// and echoed; none of them is required. How long a head of a queue that does
// not fit may be passed by smaller jobs has no member in AWS's model, so it
// comes as a tag that any client can set at creation:
// `berth:head-wait-seconds`, 0 = strict order.
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/json_place.hpp"
#include "api/json_writer.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"

#include <string>
#include <string_view>

namespace berth::aws_batch {

constexpr const char* head_wait_tag = "berth:head-wait-seconds";

request parse_create_environment(const json_place& body);
request parse_describe_environments(const json_place& body,
                                    const parse_context& context);
request parse_update_environment(const json_place& body);
request parse_delete_environment(const json_place& body);

/// The `details_json` of an environment after an update: members of `update`
/// replace those of `stored`, inside computeResources one by one. An empty
/// text or list clears imageId, ec2KeyPair, placementGroup and
/// ec2Configuration; a launch template with an empty id or name is removed.
/// Texts that are no JSON objects count as `{}`.
std::string merge_details(std::string_view stored, std::string_view update);

/// `{computeEnvironmentName, computeEnvironmentArn}`
void print_changed_environment(json_writer& writer,
                               const object_response& response);
/// The `uuid` of an environment: its number in the shape of a UUID, stable.
std::string environment_uuid(environment_uid uid);

void print_environments(json_writer& writer,
                        const environments_response& response);

} // namespace berth::aws_batch
