#include "api/cloudwatch_logs/filter_pattern.hpp"

#include <catch2/catch.hpp>

namespace berth::cloudwatch_logs {

TEST_CASE("terms of a pattern match as on AWS") {
  struct row {
    const char* pattern;
    const char* line;
    bool matches;
  };
  const std::vector<row> rows{
      {"", "anything", true},
      {"  ", "", true},
      {"error", "an error here", true},
      {"error", "an ERROR here", false},
      {"error here", "here is an error", true},
      {"error there", "an error here", false},
      {"\"line 2\"", "line 2", true},
      {"\"line 2\"", "line 25", true},
      {"\"line 2\"", "2 line", false},
      {"?error ?warning", "a warning", true},
      {"?error ?warning", "all is well", false},
      {"error -debug", "error", true},
      {"error -debug", "debug error", false},
      {"-\"two words\"", "two words", false},
      {"-\"two words\"", "words two", true},
      {"\"a \\\" b\"", "a \" b", true},
      {"-", "a-b", true},
      {"?", "a?b", true},
  };
  for (const auto& row : rows) {
    INFO(row.pattern << " on " << row.line);
    auto pattern = filter_pattern::parse(row.pattern);
    REQUIRE(pattern);
    CHECK(pattern->matches(row.line) == row.matches);
  }
}

TEST_CASE("patterns that are no simple terms are not understood") {
  for (const auto* text : {"{ $.a = 1 }", "[a, b]", "%regex%", "\"open",
                           "fine {no}x \"open", "a \"b\\"})
    CHECK(!filter_pattern::parse(text));
}

} // namespace berth::cloudwatch_logs
