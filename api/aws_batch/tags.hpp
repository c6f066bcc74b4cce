// Tags on all objects, and the three operations on them (AWS reference, 11).
#pragma once

#include "api/json_place.hpp"
#include "api/json_writer.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"

#include <string>
#include <string_view>

namespace berth::aws_batch {

/// Absent = none.
tag_map parse_tags(const json_place& place);

request parse_list_tags(const std::string& arn);
request parse_tag_resource(const std::string& arn, const json_place& body);
/// The keys come in the query: `tagKeys=a&tagKeys=b`.
request parse_untag_resource(const std::string& arn, std::string_view query);

void print_tags(json_writer& json, const tags_response& response);

} // namespace berth::aws_batch
