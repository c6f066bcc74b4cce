#include "api/aws_batch/pages.hpp"

#include "api/aws_batch/bounds.hpp"
#include "api/aws_batch/errors.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace berth::aws_batch {

namespace {

/// An ARN with the longest name and room for partition, region and account.
constexpr size_t reference_length_max = 512;

} // namespace

page_request parse_page(const json_place& body, size_t ceiling) {
  page_request page;
  auto given = body.member("maxResults").optional_integer(1, INT32_MAX);
  page.max_results = static_cast<uint32_t>(
      std::min(given.value_or(0), static_cast<int64_t>(ceiling)));
  auto token = body.member("nextToken");
  page.token = token.text_or_empty();
  if (page.token.size() > token_bytes_max)
    token.fail("must be a token from an earlier answer");
  return page;
}

std::vector<std::string> parse_names(const json_place& place,
                                     const parse_context& context) {
  place.require_list();
  if (place.size() > limits::describe_ids_max)
    throw refused{older_text(
        "Maximum number of " + std::string{place.path()} + " supported is  "
            + std::to_string(limits::describe_ids_max) + " .",
        context.request_id)};
  return place.texts();
}

std::string parse_new_name(const json_place& place) {
  auto name = place.text();
  if (!is_valid_name(name))
    throw refused{"Provided name " + place.quoted_value()
                  + " is not supported pattern[a-zA-Z_0-9-]{1,128}: "
                  + place.path()
                  + " must have 1 to 128 letters, digits, dashes and "
                    "underscores and begin with a letter or digit"};
  return name;
}

std::string parse_reference(const json_place& place) {
  auto reference = place.nonempty_text();
  if (reference.size() > reference_length_max)
    place.fail("must be a name or an ARN");
  return reference;
}

std::optional<object_state> parse_state(const json_place& place) {
  auto state = place.optional_choice({"ENABLED", "DISABLED"});
  if (!state)
    return std::nullopt;
  return *state == "ENABLED" ? object_state::enabled : object_state::disabled;
}

void refuse_unsupported(const json_place& body,
                        std::initializer_list<const char*> members) {
  for (const auto* name : members) {
    auto member = body.member(name);
    if (!member.empty())
      throw refused{member.path()
                    + " is not supported yet: leave it out; Berth refuses "
                      "what would change what runs or where"};
  }
}

} // namespace berth::aws_batch
