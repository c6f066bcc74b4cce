// All parameters of a run by their names, for printing and for shrinking.
#pragma once

#include "tests/sim/parameters.hpp"

#include <string_view>
#include <tuple>

namespace berth::sim {

/// Calls `f(name, field)` for each field of a struct with a field list.
template <class Struct, class F>
void each_field(Struct& s, F f) {
  auto names = std::string_view{Struct::field_names};
  auto call = [&](auto& field) {
    auto comma = names.find(',');
    auto name = names.substr(0, comma);
    name.remove_prefix(name.find_first_not_of(' '));
    names = comma == std::string_view::npos ? "" : names.substr(comma + 1);
    f(name, field);
  };
  std::apply([&](auto&... fields) { (call(fields), ...); }, s.fields());
}

} // namespace berth::sim
