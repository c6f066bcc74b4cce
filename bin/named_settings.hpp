// `--set NAME=VALUE`: times and limits that few people change.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// Where each name's value goes. All are whole numbers from 0 on.
using named_settings = std::map<std::string, int64_t*>;

/// Applies one `NAME=VALUE`; says what is wrong with it, or nothing.
std::optional<std::string> apply_setting(const named_settings& names,
                                         const std::string& text);

/// Applies them all, in order; says what is wrong with the first bad one.
std::optional<std::string>
apply_settings(const named_settings& names,
               const std::vector<std::string>& texts);

} // namespace berth
