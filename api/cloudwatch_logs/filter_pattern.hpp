// Filter patterns of FilterLogEvents, as far as they are simple terms (AWS Logs
// user guide, "Filter pattern syntax"):
//
//   error timeout      both, in any order
//   "exit code"        the words as they stand
//   ?error ?warning    one of them at least
//   error -debug       the first and not the second
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::cloudwatch_logs {

class filter_pattern {
public:
  /// Nothing when the pattern is for structured events (`{ $.a = 1 }`,
  /// `[a, b]`) or a regular expression (`%...%`), or a quote is left open.
  static std::optional<filter_pattern> parse(std::string_view text);

  /// Case counts, as on AWS. The empty pattern matches everything.
  bool matches(std::string_view line) const;

private:
  std::vector<std::string> all_of_;
  std::vector<std::string> any_of_;
  std::vector<std::string> none_of_;
};

} // namespace berth::cloudwatch_logs
