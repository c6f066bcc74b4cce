#include "client/display_text.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

using namespace berth;

TEST_CASE("characters of several bytes take one column") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("\u00e4\u20ac") == 2);
}

TEST_CASE("control characters never reach the terminal") {
  CHECK(printable("a\x1b[2Jb\n\x7f") == "a?[2Jb??");
  CHECK(printable("\u00e4") == "\u00e4");
}

TEST_CASE("text that is too wide is cut and ends in an ellipsis") {
  CHECK(cut_to_width("abcdef", 6) == "abcdef");
  CHECK(cut_to_width("abcdef", 4) == "abc\u2026");
  CHECK(cut_to_width("\u00e4\u00e4\u00e4", 2) == "\u00e4\u2026");
  CHECK(cut_to_width("abc", 1) == "\u2026");
  CHECK(cut_to_width("abc", 0).empty());
}

TEST_CASE("text is padded to a width, not to a number of bytes") {
  CHECK(padded("\u00e4", 3) == "\u00e4  ");
  CHECK(padded("abcd", 3) == "abcd");
}

TEST_CASE("durations are printed in the two largest units") {
  CHECK(print_duration(-5) == "0.00 s");
  CHECK(print_duration(250) == "0.25 s");
  CHECK(print_duration(12'040) == "12.0 s");
  CHECK(print_duration(185'000) == "3 m 05 s");
  CHECK(print_duration(7'800'000) == "2 h 10 m");
  CHECK(print_duration(273'600'000) == "3 d 4 h");
}

TEST_CASE("a time of today is printed without its date") {
  setenv("TZ", "UTC", 1);
  tzset();
  constexpr int64_t noon = 1'700'049'600'000; // 2023-11-15 12:00 UTC
  CHECK(print_local_time(noon - 3'600'000, noon) == "11:00:00");
  CHECK(print_local_time(noon - 86'400'000, noon) == "2023-11-14 12:00:00");
  CHECK(print_local_time(0, noon) == "-");
}

TEST_CASE("the name in an ARN is what follows its last slash") {
  CHECK(name_in_arn("arn:aws:batch:r:1:job-queue/high") == "high");
  CHECK(name_in_arn("high") == "high");
}
