#include "storage/keys.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <rapidcheck.h>

using namespace berth;

TEST_CASE("numbers in keys sort as numbers", "[keys]") {
  CHECK(key_writer{}.u64(255).take() < key_writer{}.u64(256).take());
  CHECK(key_writer{}.u32(1).take() < key_writer{}.u32(0x01000000).take());
  CHECK(key_writer{}.i64(-1).take() < key_writer{}.i64(0).take());
  CHECK(key_writer{}.i64(std::numeric_limits<int64_t>::min()).take()
        < key_writer{}.i64(std::numeric_limits<int64_t>::max()).take());
  CHECK(key_writer{}.u32(0x01020304).take() == "\x01\x02\x03\x04");
}

TEST_CASE("keys sort as their parts do and are read back", "[keys]") {
  using parts = std::tuple<uint8_t, std::string, int64_t, uint32_t, uint64_t>;
  auto to_key = [](const parts& p) {
    return key_writer{}
        .u8(std::get<0>(p))
        .text(std::get<1>(p))
        .i64(std::get<2>(p))
        .u32(std::get<3>(p))
        .u64(std::get<4>(p))
        .take();
  };
  // Few different values, so that common prefixes are common.
  auto any_parts = rc::gen::tuple(
      rc::gen::inRange<uint8_t>(0, 3),
      rc::gen::container<std::string>(
          rc::gen::element<char>('\x00', '\x01', 'a', '\xff')),
      rc::gen::arbitrary<int64_t>(), rc::gen::arbitrary<uint32_t>(),
      rc::gen::arbitrary<uint64_t>());
  CHECK(rc::check("order and round trip", [&] {
    auto a = *any_parts;
    auto b = *any_parts;
    RC_ASSERT((a < b) == (to_key(a) < to_key(b)));
    auto key = to_key(a);
    key_reader reader{key};
    parts read;
    std::get<0>(read) = reader.u8();
    std::get<1>(read) = reader.text();
    std::get<2>(read) = reader.i64();
    std::get<3>(read) = reader.u32();
    std::get<4>(read) = reader.u64();
    RC_ASSERT(reader.complete());
    RC_ASSERT(read == a);
  }));
}

TEST_CASE("a cut or foreign key is not complete", "[keys]") {
  auto key = key_writer{}.u8(7).text("a\0b").u64(9).take();
  for (size_t size = 0; size < key.size(); ++size) {
    key_reader reader{std::string_view{key}.substr(0, size)};
    reader.u8();
    reader.text();
    reader.u64();
    CHECK_FALSE(reader.complete());
  }
  key += 'x';
  key_reader longer{key};
  longer.u8();
  longer.text();
  longer.u64();
  CHECK_FALSE(longer.complete());
  CHECK(rc::check("any bytes can be read", [](const std::string& bytes) {
    key_reader reader{bytes};
    reader.text();
    reader.i64();
    reader.job();
  }));
}

TEST_CASE("a job id in a key is its 16 bytes", "[keys]") {
  auto id = parse_job_id("0123abcd-4567-4abc-8def-0123456789ab");
  REQUIRE(id);
  auto key = key_writer{}.job(*id).take();
  CHECK(key.size() == 16);
  key_reader reader{key};
  CHECK(reader.job() == *id);
  CHECK(reader.complete());
}

TEST_CASE("prefix_end is behind every key with the prefix", "[keys]") {
  CHECK(prefix_end("a") == "b");
  CHECK(prefix_end("a\xff") == "b");
  CHECK(prefix_end(std::string("\0\xff\xff", 3)) == "\x01");
  CHECK(rc::check("behind those, before all others",
                  [](const std::string& rest, const std::string& other) {
                    auto prefix = "p" + rest;
                    auto end = prefix_end(prefix);
                    RC_ASSERT(prefix + other < end);
                    if (other > prefix && !other.starts_with(prefix))
                      RC_ASSERT(other >= end);
                  }));
}

TEST_CASE("record keys sort by partition, then offset", "[keys]") {
  auto last = to_key(log_record_key{shard_id{1}, 0x7fffffffffffffff});
  auto next = to_key(log_record_key{shard_id{2}, 0});
  CHECK(last < next);
  CHECK(next < log_description_key());
  CHECK(parse_log_record_key(last)
        == log_record_key{shard_id{1}, 0x7fffffffffffffff});
  CHECK_FALSE(parse_log_record_key(log_description_key()));
  CHECK_FALSE(parse_log_record_key(last + "x"));
  CHECK_FALSE(parse_log_record_key(std::string(12, '\xff')));
}

TEST_CASE("no row is stored under the checkpoint's key", "[keys]") {
  CHECK(checkpoint_key() < stored_row_key(""));
  CHECK(row_key_of(stored_row_key("abc")) == "abc");
  CHECK(row_key_of(stored_row_key("")).empty());
}
