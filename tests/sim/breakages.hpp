// The list of deliberate errors (messages/simulation.hpp), each with a name for
// the command line and a sentence for the table.
#pragma once

#include "messages/simulation.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace berth::sim {

struct breakage_entry {
  breakage which;
  std::string_view name;
  /// What the code does wrong.
  std::string_view what;
};

/// All of them, in the order of their numbers.
const std::vector<breakage_entry>& all_breakages();
std::optional<breakage> find_breakage(std::string_view name);
std::string_view name_of(breakage b);

} // namespace berth::sim
