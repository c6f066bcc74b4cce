#include "runtime/output_capture.hpp"

#include "runtime/output_reader.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace berth {

namespace {

constexpr int64_t mib = 1024 * 1024;

struct captured {
  temporary_folder folder;
  std::string path = (folder.path() / "ab" / "output.log").string();
  output_capture capture{path, mib};

  std::vector<std::string> texts(int64_t from = 0) const {
    std::vector<std::string> found;
    for (const auto& e : read_output(path, from, {}).events)
      found.push_back(e.text);
    return found;
  }
};

using texts = std::vector<std::string>;

texts texts_of(const output_page& page) {
  texts found;
  for (const auto& e : page.events)
    found.push_back(e.text);
  return found;
}

} // namespace

TEST_CASE("lines are cut at newlines, wherever the reads end") {
  captured c;
  c.capture.take("on", 1);
  c.capture.take("e\ntwo\n\nthr", 2);
  CHECK(c.texts() == texts{"one", "two", ""});
  c.capture.take("ee", 3);
  c.capture.finish(4);
  CHECK(c.texts() == texts{"one", "two", "", "three"});
}

TEST_CASE("each line has the time of its last read") {
  captured c;
  c.capture.take("a", 1'700'000'000'001);
  c.capture.take("b\nc", 1'700'000'000'002);
  c.capture.finish(1'700'000'000'003);
  auto page = read_output(c.path, 0, {});
  REQUIRE(page.events.size() == 2);
  CHECK(page.events[0].time_ms == 1'700'000'000'002);
  CHECK(page.events[1].time_ms == 1'700'000'000'003);
}

TEST_CASE("a part of a line is written when it has to wait for its end") {
  captured c;
  CHECK_FALSE(c.capture.has_partial_line());
  c.capture.take("one\ntw", 1);
  CHECK(c.capture.has_partial_line());
  CHECK(c.texts() == texts{"one"});
  c.capture.write_partial_line(1'700'000'000'009);
  CHECK_FALSE(c.capture.has_partial_line());
  CHECK(c.texts() == texts{"one", "tw"});
  CHECK(read_output(c.path, 0, {}).events[1].time_ms == 1'700'000'000'009);
  SECTION("what follows is an event of its own") {
    c.capture.take("o\nthree\n", 2);
    CHECK(c.texts() == texts{"one", "tw", "o", "three"});
  }
  SECTION("the newline alone is none") {
    c.capture.take("\nthree\n", 2);
    CHECK(c.texts() == texts{"one", "tw", "three"});
  }
  SECTION("an empty line after it is one") {
    c.capture.take("\n\nthree\n", 2);
    CHECK(c.texts() == texts{"one", "tw", "", "three"});
  }
  SECTION("several parts") {
    c.capture.take("o", 2);
    c.capture.write_partial_line(2);
    c.capture.write_partial_line(2);
    c.capture.take("\n", 3);
    CHECK(c.texts() == texts{"one", "tw", "o"});
  }
  SECTION("the end") {
    c.capture.finish(3);
    CHECK(c.texts() == texts{"one", "tw"});
    CHECK(read_output(c.path, 0, {}).is_complete);
  }
}

TEST_CASE("a part of a line does not cut a character in two") {
  captured c;
  std::string character =
      GENERATE(as<std::string>{}, "\u00e4", "\u20ac", "\U0001f6a2");
  for (size_t split = 1; split < character.size(); ++split) {
    CAPTURE(character, split);
    c.capture.take("x" + character.substr(0, split), 1);
    c.capture.write_partial_line(1);
    c.capture.write_partial_line(1);
    c.capture.take(character.substr(split) + "y\n", 1);
    auto found = c.texts();
    CHECK(found[found.size() - 2] == "x");
    CHECK(found.back() == character + "y");
  }
  // What is no character is written as it is.
  c.capture.take("\x80\x80\x80\x80", 1);
  c.capture.write_partial_line(1);
  CHECK(c.texts().back() == "\x80\x80\x80\x80");
  c.capture.take("\nz\xc3", 1);
  c.capture.finish(1);
  CHECK(c.texts().back() == "z\xc3");
}

TEST_CASE("lines may hold any byte") {
  captured c;
  std::string line("\0\x01\xff\r\x1b[0m", 9);
  c.capture.take(line + "\n", 1);
  CHECK(c.texts() == texts{line});
}

TEST_CASE("a line without end is cut into events") {
  captured c;
  c.capture.take(std::string(output_line_bytes_max * 2 + 10, 'x'), 1);
  c.capture.take("\ny\n", 1);
  auto found = c.texts();
  REQUIRE(found.size() == 4);
  CHECK(found[0].size() == output_line_bytes_max);
  CHECK(found[1].size() == output_line_bytes_max);
  CHECK(found[2] == std::string(10, 'x'));
  CHECK(found[3] == "y");
}

TEST_CASE("silence makes no file, and reads as empty") {
  captured c;
  c.capture.finish(1);
  CHECK(!std::filesystem::exists(c.path));
  auto page = read_output(c.path, 0, {});
  CHECK(page.events.empty());
  CHECK(page.is_at_end);
  CHECK(!page.is_complete);
  CHECK(read_output_before(c.path, -1, {}).is_at_end);
}

TEST_CASE("the file never exceeds its limit by more than its marks") {
  captured c;
  for (int i = 0; i < 100'000; ++i)
    c.capture.take("0123456789abcdef\n", i);
  c.capture.finish(100'000);
  CHECK(std::filesystem::file_size(c.path) < mib + 256);
  auto before = read_output_before(c.path, -1, {2, mib});
  REQUIRE(before.events.size() == 2);
  CHECK(before.events[1].kind == output_kind::cut);
  CHECK(before.events[0].kind == output_kind::line);
}

TEST_CASE("lines without content count against the limit too") {
  captured c;
  c.capture.take(std::string(4 * mib, '\n'), 1);
  c.capture.finish(1);
  CHECK(std::filesystem::file_size(c.path) < mib + 256);
}

TEST_CASE("a file that cannot be written is a problem told, not a failure") {
  temporary_folder folder;
  output_capture capture{(folder.path() / "no" / "such" / "f").string(), mib};
  capture.take("a\n", 1);
  capture.take("b\n", 1);
  capture.finish(1);
  CHECK(capture.problem().find("cannot create") == 0);
}

TEST_CASE("reading goes on where it ended, and says when nothing will follow") {
  captured c;
  c.capture.take("a\nb\n", 1);
  auto first = read_output(c.path, 0, {});
  CHECK(texts_of(first) == texts{"a", "b"});
  CHECK(first.is_at_end);
  CHECK(!first.is_complete);
  c.capture.take("c\n", 2);
  auto second = read_output(c.path, first.end, {});
  CHECK(texts_of(second) == texts{"c"});
  c.capture.finish(3);
  auto last = read_output(c.path, second.end, {});
  CHECK(last.events.empty());
  CHECK(last.is_at_end);
  CHECK(last.is_complete);
  CHECK(last.end == second.end);
}

TEST_CASE("pages are bounded by events and bytes, and hold at least one") {
  captured c;
  for (int i = 0; i < 10; ++i)
    c.capture.take(std::to_string(i) + std::string(99, '.') + "\n", 1);
  c.capture.finish(1);
  auto three = read_output(c.path, 0, {3, mib});
  CHECK(three.events.size() == 3);
  CHECK(!three.is_at_end);
  auto some = read_output(c.path, three.end, {100, 450});
  CHECK(some.events.size() == 4);
  CHECK(some.events[0].text[0] == '3');
  auto one = read_output(c.path, some.end, {100, 1});
  CHECK(one.events.size() == 1);
  CHECK(one.events[0].text[0] == '7');
}

TEST_CASE("reading from the tail gives the last events, oldest first") {
  captured c;
  for (int i = 0; i < 10; ++i)
    c.capture.take(std::to_string(i) + "\n", i);
  for (bool finished : {false, true}) {
    CAPTURE(finished);
    if (finished)
      c.capture.finish(99);
    auto page = read_output_before(c.path, -1, {3, mib});
    CHECK(texts_of(page) == texts{"7", "8", "9"});
    CHECK(page.is_complete == finished);
    CHECK(!page.is_at_end);
    page = read_output_before(c.path, page.begin, {5, mib});
    CHECK(texts_of(page) == texts{"2", "3", "4", "5", "6"});
    CHECK(texts_of(read_output(c.path, page.end, {})) == texts{"7", "8", "9"});
    page = read_output_before(c.path, page.begin, {5, mib});
    CHECK(texts_of(page) == texts{"0", "1"});
    CHECK(page.is_at_end);
  }
}

TEST_CASE("both directions agree on a file larger than what is read at once") {
  captured c;
  output_capture large{c.path, 64 * mib};
  for (int i = 0; i < 60; ++i)
    large.take(std::string(static_cast<size_t>(1000 * i % 64'000), 'x')
                   + std::to_string(i) + "\n",
               i);
  large.finish(99);
  auto forwards = texts_of(read_output(c.path, 0, {1000, 64 * mib}));
  auto backwards = texts_of(read_output_before(c.path, -1, {1000, 64 * mib}));
  REQUIRE(forwards.size() == 60);
  CHECK(forwards == backwards);
}

TEST_CASE("a torn or damaged tail ends the file, and nothing more") {
  captured c;
  c.capture.take("one\ntwo\nthree\n", 1);
  auto whole = std::filesystem::file_size(c.path);
  SECTION("torn") {
    for (uintmax_t cut = 1; cut < output_record_overhead + 5; ++cut) {
      std::filesystem::resize_file(c.path, whole - cut);
      CHECK(c.texts() == texts{"one", "two"});
      CHECK(texts_of(read_output_before(c.path, -1, {}))
            == texts{"one", "two"});
    }
  }
  SECTION("damaged") {
    std::fstream file{c.path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(whole) - 1);
    file.put('\x7f');
    file.close();
    CHECK(c.texts() == texts{"one", "two"});
    CHECK(texts_of(read_output_before(c.path, -1, {})) == texts{"one", "two"});
  }
}

TEST_CASE("a position that is none reads as the end") {
  captured c;
  c.capture.take("one\ntwo\n", 1);
  for (int64_t from : {9, 11, 1000}) {
    auto page = read_output(c.path, from, {});
    CHECK(page.events.empty());
    CHECK(page.is_at_end);
  }
  CHECK(read_output_before(c.path, 9, {}).events.empty());
}

} // namespace berth
