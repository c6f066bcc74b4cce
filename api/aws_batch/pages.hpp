// Members that many requests share: names, pages, lists of names, and what
// Berth refuses by name because it would change what runs or where.
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/json_place.hpp"
#include "messages/catalog.hpp"
#include "messages/requests.hpp"

#include <initializer_list>
#include <string>
#include <vector>

namespace berth::aws_batch {

/// `maxResults` above `ceiling` counts as the ceiling, as on AWS; an empty
/// token is none.
page_request parse_page(const json_place& body, size_t ceiling);

/// A list of at most `limits::describe_ids_max` names, ARNs or ids.
std::vector<std::string> parse_names(const json_place& place,
                                     const parse_context& context);

/// A required name that follows rule N (AWS reference, 3.2).
std::string parse_new_name(const json_place& place);

/// A required reference to an existing object: a name or an ARN.
std::string parse_reference(const json_place& place);

/// `ENABLED` or `DISABLED`, or absent.
std::optional<object_state> parse_state(const json_place& place);

/// Throws for the first of these members that is not empty.
void refuse_unsupported(const json_place& body,
                        std::initializer_list<const char*> members);

} // namespace berth::aws_batch
