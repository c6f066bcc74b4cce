#include "runtime/keeper_frames.hpp"

#include "messages/keeper_protocol.hpp"

#include <catch2/catch.hpp>

namespace berth {

TEST_CASE("frames survive any cutting of the stream") {
  std::vector<std::string> bodies{"a", "", std::string(70'000, 'x'), "last"};
  std::string stream;
  for (const auto& body : bodies)
    append_frame(stream, body);
  for (size_t step : {1U, 3U, 4'096U, 1'000'000U}) {
    frame_reader reader;
    std::vector<std::string> found;
    for (size_t at = 0; at < stream.size(); at += step) {
      reader.append(std::string_view{stream}.substr(at, step));
      while (auto frame = reader.next())
        found.emplace_back(*frame);
    }
    CHECK(found == bodies);
    CHECK(reader.pending() == 0);
    CHECK(!reader.is_damaged());
  }
}

TEST_CASE("a reader keeps no more than an unfinished frame and one limit") {
  std::string frame;
  append_frame(frame, std::string(100'000, 'x'));
  frame_reader reader;
  for (int i = 0; i < 1000; ++i) {
    reader.append(frame);
    while (reader.next()) {
    }
    REQUIRE(reader.pending() == 0);
  }
}

TEST_CASE("a frame beyond the limit is damage") {
  frame_reader reader;
  reader.append("\xff\xff\xff\x7f");
  reader.append("abc");
  CHECK(!reader.next());
  CHECK(reader.is_damaged());
}

} // namespace berth
