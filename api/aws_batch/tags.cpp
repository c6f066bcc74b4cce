#include "api/aws_batch/tags.hpp"

#include "api/uri.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace berth::aws_batch {

namespace {

/// Tags are measured in characters, not bytes.
size_t character_count(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      }));
}

std::string at_most(size_t limit) {
  return "Member must have length less than or equal to "
         + std::to_string(limit);
}

void check_key(const json_place& place, const std::string& key) {
  if (key.empty())
    place.fail("must have a key of at least 1 character");
  if (character_count(key) > limits::tag_key_length_max)
    throw refused{"the key of " + place.path()
                  + " is too long: " + at_most(limits::tag_key_length_max)};
  if (key.starts_with("aws:"))
    place.fail("must not have a key that begins with aws:, which is reserved");
}

std::string checked_arn(const std::string& arn) {
  if (!parse_arn(arn))
    throw refused{"resourceArn is \"" + arn
                  + "\", but must be the percent-encoded ARN of a compute "
                    "environment, job queue, job definition or job"};
  return arn;
}

} // namespace

tag_map parse_tags(const json_place& place) {
  tag_map tags;
  place.for_each_member([&](const std::string& key, const json_place& value) {
    auto text = value.text_or_empty();
    check_key(value, key);
    if (character_count(text) > limits::tag_value_length_max)
      throw refused{value.path()
                    + " is too long: " + at_most(limits::tag_value_length_max)};
    tags.emplace(key, std::move(text));
  });
  if (tags.size() > limits::tags_max)
    throw refused{place.path() + " has " + std::to_string(tags.size())
                  + " entries: " + at_most(limits::tags_max)};
  return tags;
}

request parse_list_tags(const std::string& arn) {
  return list_tags_request{checked_arn(arn)};
}

request parse_tag_resource(const std::string& arn, const json_place& body) {
  auto tags = body.member("tags");
  if (tags.absent())
    tags.fail("must be an object of keys and values");
  return tag_resource_request{checked_arn(arn), parse_tags(tags)};
}

request parse_untag_resource(const std::string& arn, std::string_view query) {
  auto keys = query_values(query, "tagKeys");
  if (!keys)
    throw refused{"tagKeys is badly percent-encoded in the query"};
  if (keys->empty())
    throw refused{"tagKeys is missing: the query must name 1 to "
                  + std::to_string(limits::tags_max) + " keys"};
  if (keys->size() > limits::tags_max)
    throw refused{"tagKeys has " + std::to_string(keys->size())
                  + " entries: " + at_most(limits::tags_max)};
  return untag_resource_request{checked_arn(arn), std::move(*keys)};
}

void print_tags(json_writer& json, const tags_response& response) {
  json.begin_object();
  json.member("tags", response.tags);
  json.end_object();
}

} // namespace berth::aws_batch
