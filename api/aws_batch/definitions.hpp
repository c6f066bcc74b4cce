// Job definitions (AWS reference, section 7 and 12.3).
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/json_place.hpp"
#include "api/json_writer.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"

namespace berth::aws_batch {

request parse_register_definition(const json_place& body,
                                  const parse_context& context);
request parse_describe_definitions(const json_place& body,
                                   const parse_context& context);
request parse_deregister_definition(const json_place& body);

/// `{jobDefinitionName, jobDefinitionArn, revision}`
void print_registered_definition(json_writer& json,
                                 const object_response& response);
void print_definitions(json_writer& json, const definitions_response& response);

} // namespace berth::aws_batch
