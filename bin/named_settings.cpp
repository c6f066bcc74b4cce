#include "bin/named_settings.hpp"

#include <charconv>

namespace berth {

std::optional<std::string> apply_setting(const named_settings& names,
                                         const std::string& text) {
  auto equals = text.find('=');
  auto found = names.find(text.substr(0, equals));
  if (equals == std::string::npos || found == names.end()) {
    std::string known;
    for (const auto& [name, value] : names)
      known += (known.empty() ? "" : ", ") + name;
    return "--set " + text + ": give NAME=VALUE, NAME one of " + known;
  }
  int64_t value = 0;
  const auto* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + equals + 1, end, value);
  if (error != std::errc{} || rest != end || value < 0)
    return "--set " + text + ": the value must be a whole number from 0 on";
  *found->second = value;
  return std::nullopt;
}

std::optional<std::string>
apply_settings(const named_settings& names,
               const std::vector<std::string>& texts) {
  for (const auto& text : texts)
    if (auto error = apply_setting(names, text))
      return error;
  return std::nullopt;
}

} // namespace berth
