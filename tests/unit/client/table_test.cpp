#include "client/table.hpp"

#include "client/display_text.hpp"

#include <catch2/catch.hpp>
#include <sstream>

using namespace berth;

namespace {

table jobs() {
  table t;
  t.columns = {{"ID"},
               {"NAME", column_side::left, true, 3},
               {"EXIT", column_side::right, false, 2},
               {"REASON", column_side::left, true, 1}};
  t.rows = {{"0001", "short", "0", ""},
            {"0002", "a-name-that-goes-on-and-on", "137",
             "Host EC2 (instance) was terminated by somebody"}};
  return t;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

} // namespace

TEST_CASE("a table of any width shows every cell whole") {
  auto lines = lines_of(print_table(jobs(), 0));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "ID    NAME                        EXIT  REASON");
  CHECK(lines[1] == "0001  short                          0");
  CHECK(lines[2]
        == "0002  a-name-that-goes-on-and-on   137  Host EC2 (instance) was "
           "terminated by somebody");
}

TEST_CASE("no line is wider than the terminal, however narrow") {
  for (std::size_t width = 1; width <= 100; ++width)
    for (const auto& line : lines_of(print_table(jobs(), width))) {
      CAPTURE(width, line);
      CHECK(display_width(line) <= width);
    }
}

TEST_CASE("columns that may shrink are cut before any is left out") {
  auto lines = lines_of(print_table(jobs(), 50));
  CHECK(lines[0].find("REASON") != std::string::npos);
  CHECK(lines[2].find("0002") == 0);
  CHECK(lines[2].find("137") != std::string::npos);
  CHECK(lines[2].find("\u2026") != std::string::npos);
}

TEST_CASE("the column of the lowest rank is left out first") {
  auto lines = lines_of(print_table(jobs(), 24));
  CHECK(lines[0].find("REASON") == std::string::npos);
  CHECK(lines[0].find("EXIT") != std::string::npos);
  CHECK(lines[0].find("NAME") != std::string::npos);
}

TEST_CASE("the first column stays when there is room for nothing else") {
  CHECK(lines_of(print_table(jobs(), 4))
        == std::vector<std::string>{"ID", "0001", "0002"});
}

TEST_CASE("a cell cannot drive the terminal") {
  table t{{{"A"}}, {{"x\x1b[31m\ny"}}};
  CHECK(print_table(t, 0) == "A\nx?[31m?y\n");
}

TEST_CASE("a table without rows has its titles") {
  table t{{{"A"}, {"B"}}, {}};
  CHECK(print_table(t, 0) == "A  B\n");
}
