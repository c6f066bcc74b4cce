#include "api/cloudwatch_logs/filter_pattern.hpp"

#include <algorithm>

namespace berth::cloudwatch_logs {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Cuts a word or a quoted phrase off the front of `rest`; nothing when its
/// quote is left open.
std::optional<std::string> next_term(std::string_view& rest) {
  std::string term;
  if (rest.empty() || rest.front() != '"') {
    while (!rest.empty() && !is_space(rest.front())) {
      term += rest.front();
      rest.remove_prefix(1);
    }
    return term;
  }
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return term;
    }
    if (rest[i] == '\\' && i + 1 < rest.size())
      ++i;
    term += rest[i];
  }
  return std::nullopt;
}

} // namespace

std::optional<filter_pattern> filter_pattern::parse(std::string_view text) {
  filter_pattern pattern;
  while (true) {
    while (!text.empty() && is_space(text.front()))
      text.remove_prefix(1);
    if (text.empty())
      return pattern;
    auto first = text.front();
    if (first == '{' || first == '[' || first == '%')
      return std::nullopt;
    auto has_sign = (first == '?' || first == '-') && text.size() > 1;
    if (has_sign)
      text.remove_prefix(1);
    auto term = next_term(text);
    if (!term)
      return std::nullopt;
    auto& terms = !has_sign      ? pattern.all_of_
                  : first == '?' ? pattern.any_of_
                                 : pattern.none_of_;
    terms.push_back(std::move(*term));
  }
}

bool filter_pattern::matches(std::string_view line) const {
  auto is_in_line = [&](const std::string& term) {
    return line.find(term) != std::string_view::npos;
  };
  return std::all_of(all_of_.begin(), all_of_.end(), is_in_line)
         && (any_of_.empty()
             || std::any_of(any_of_.begin(), any_of_.end(), is_in_line))
         && std::none_of(none_of_.begin(), none_of_.end(), is_in_line);
}

} // namespace berth::cloudwatch_logs
