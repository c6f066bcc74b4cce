#include "messages/ids.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace berth;

namespace {

const std::string some_id = "01234567-89ab-4def-8123-456789abcdef";

} // namespace

TEST_CASE("a job's id names its shard and is a random UUID to others") {
  REQUIRE(rc::check([](std::array<uint8_t, 16> hash) {
    auto shard = shard_id{*rc::gen::inRange<uint32_t>(0, 4096)};
    auto id = make_job_id(hash, shard);
    RC_ASSERT(shard_of(id) == shard);
    auto text = to_string(id);
    RC_ASSERT(text.size() == 36U);
    RC_ASSERT(text[14] == '4');
    RC_ASSERT(std::string("89ab").find(text[19]) != std::string::npos);
    RC_ASSERT(parse_job_id(text) == id);
  }));
}

TEST_CASE("an id of the same hash in the same shard is the same") {
  std::array<uint8_t, 16> hash{1, 2, 3};
  CHECK(make_job_id(hash, shard_id{5}) == make_job_id(hash, shard_id{5}));
  CHECK(make_job_id(hash, shard_id{5}) != make_job_id(hash, shard_id{6}));
  auto other = hash;
  other[15] = 1;
  CHECK(make_job_id(hash, shard_id{5}) != make_job_id(other, shard_id{5}));
}

TEST_CASE("a text that is no lower-case UUID is no job id") {
  REQUIRE(parse_job_id(some_id));
  CHECK(to_string(*parse_job_id(some_id)) == some_id);
  for (const auto* text : {"", "job", "01234567-89ab-4def-8123-456789abcde",
                           "01234567-89ab-4def-8123-456789abcdef0",
                           "01234567-89AB-4def-8123-456789abcdef",
                           "0123456-789ab-4def-8123-456789abcdef",
                           "01234567x89ab-4def-8123-456789abcdef",
                           "g1234567-89ab-4def-8123-456789abcdef",
                           "01234567-89ab-4def-8123-456789abcde-"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_job_id(text));
  }
}

TEST_CASE("a child is named by its array and its index") {
  auto key = parse_job_key(some_id + ":42");
  REQUIRE(key);
  CHECK(key->is_child());
  CHECK(key->index == 42);
  CHECK(to_string(*key) == some_id + ":42");
  auto single = parse_job_key(some_id);
  REQUIRE(single);
  CHECK_FALSE(single->is_child());
  CHECK(to_string(*single) == some_id);
  CHECK(parse_job_key(some_id + ":0")->index == 0);
}

TEST_CASE("an index that is none makes no job") {
  for (const auto* rest : {":", ":-1", ":x", ":1x", ":1:2", ": 1", "1", ":+1",
                           ":65536", ":99999999999"}) {
    CAPTURE(rest);
    CHECK_FALSE(parse_job_key(some_id + rest));
  }
  CHECK_FALSE(parse_job_key(""));
  CHECK_FALSE(parse_job_key(":1"));
}
