// Structures that Berth keeps and echoes without acting on them: their members
// and types as AWS's model declares them (AWS reference, section 12).
#pragma once

#include "api/json_place.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string_view>
#include <vector>

namespace berth::aws_batch {

struct shape;

enum class member_kind : uint8_t {
  text,
  integer,
  boolean,
  text_list,
  text_map,
  /// An object of the shape `of`.
  object,
  /// A list of objects of the shape `of`.
  object_list,
};

struct shape_member {
  const char* name;
  member_kind kind;
  const shape* of = nullptr;
  /// Absent members of these kinds read back as `[]` or `{}`.
  bool empty_when_absent = false;
  bool required = false;
  /// Texts: one of these; empty = any.
  std::vector<std::string_view> choices = {};
};

struct shape {
  std::vector<shape_member> members;
};

/// A copy of the members that the shape knows, with nulls and unknown members
/// left out and absent ones filled in. Throws `refused` on a wrong type.
nlohmann::json copy_shape(const json_place& place, const shape& known);

} // namespace berth::aws_batch
