#include "api/aws_batch/shape.hpp"

#include <nlohmann/json.hpp>

namespace berth::aws_batch {

using nlohmann::json;

namespace {

json copy_member(const json_place& place, const shape_member& known) {
  switch (known.kind) {
  case member_kind::text:
    if (known.choices.empty())
      return place.text();
    return *place.optional_choice(known.choices);
  case member_kind::integer:
    return place.integer(INT64_MIN, INT64_MAX);
  case member_kind::boolean:
    return place.boolean();
  case member_kind::text_list:
    return place.texts();
  case member_kind::text_map:
    return place.text_map();
  case member_kind::object:
    return copy_shape(place, *known.of);
  case member_kind::object_list:
    break;
  }
  auto list = json::array();
  place.for_each_element([&](const json_place& element) {
    list.push_back(copy_shape(element, *known.of));
  });
  return list;
}

} // namespace

json copy_shape(const json_place& place, const shape& known) {
  place.require_object();
  auto copy = json::object();
  for (const auto& member : known.members) {
    auto value = place.member(member.name);
    if (!value.absent())
      copy[member.name] = copy_member(value, member);
    else if (member.required)
      value.fail("must be given");
    else if (member.empty_when_absent)
      copy[member.name] =
          member.kind == member_kind::text_map ? json::object() : json::array();
  }
  return copy;
}

} // namespace berth::aws_batch
