#include "runtime/change_position.hpp"

#include <catch2/catch.hpp>

using namespace berth;

TEST_CASE("a position is read as it was printed") {
  change_position position{log_mark_of("0b6cdd0e-b200-4948-8a4e-b596507f2f60"),
                           {{1234, 2}, {0, 0}, {88, 10'000}}};
  CHECK(to_string(position) == "0b6cdd0e-1234.2-0.0-88.10000");
  CHECK(parse_change_position(to_string(position)) == position);
  position.cursors.resize(1);
  CHECK(parse_change_position(to_string(position)) == position);
}

TEST_CASE("what is no position is refused") {
  auto text = GENERATE(as<std::string>{}, "", "0b6cdd0e", "0b6cdd0e-",
                       "0b6cdd0e-1", "0b6cdd0e-1.", "0b6cdd0e-1.2-",
                       "0b6cdd0e-1.2-3", "0b6cdd0e-1.2.3", "0b6cdd0e--1.2",
                       "0b6cdd0e-1.-2", "0b6cdd0e-1.2 ", "0b6cdd0e-x.2",
                       "0b6cdd0e-99999999999999999999.2", "b6cdd0e-1.2",
                       "9f2d7c0de1a94b5c8f0e-17");
  CAPTURE(text);
  CHECK_FALSE(parse_change_position(text));
}

TEST_CASE("cursors are in the order of the log") {
  CHECK(change_cursor{3, 9} < change_cursor{4, 0});
  CHECK(change_cursor{4, 0} < change_cursor{4, 1});
}
