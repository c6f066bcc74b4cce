#include "api/json_writer.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

namespace berth {

using nlohmann::json;

TEST_CASE("values are separated by commas where JSON wants them") {
  std::string out;
  json_writer writer{out};
  writer.begin_object();
  writer.member("a", 1);
  writer.member("b", true);
  writer.key("c").begin_array();
  writer.text("x");
  writer.integer(-5);
  writer.begin_object();
  writer.end_object();
  writer.begin_array();
  writer.end_array();
  writer.thousandths(250);
  writer.end_array();
  writer.empty_list("d");
  writer.empty_map("e");
  writer.member("f", std::map<std::string, std::string>{{"k", "v"}});
  writer.member("g", std::vector<std::string>{"{", "[", ":", ","});
  writer.member("h", "");
  writer.end_object();
  CHECK(out
        == R"({"a":1,"b":true,"c":["x",-5,{},[],0.25],"d":[],"e":{},)"
           R"("f":{"k":"v"},"g":["{","[",":",","],"h":""})");
}

TEST_CASE("members of another object are spliced in") {
  for (auto [before, after] :
       {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
    std::string out;
    json_writer writer{out};
    writer.begin_object();
    if (before)
      writer.member("a", 1);
    writer.splice(R"({"x":[1,2],"y":{}})");
    writer.splice("{}");
    writer.splice("");
    if (after)
      writer.member("b", 2);
    writer.end_object();
    auto parsed = json::parse(out);
    CHECK(parsed.size() == 2 + size_t{before} + size_t{after});
  }
}

TEST_CASE("any bytes become valid JSON, and valid text comes back the same") {
  std::mt19937 random{5};
  for (int round = 0; round < 5000; ++round) {
    std::string bytes;
    for (auto n = random() % 12; n > 0; --n)
      bytes += static_cast<char>(random() % 3 ? random() : random() % 0x30);
    std::string out;
    json_writer{out}.text(bytes);
    auto parsed = json::parse(out, nullptr, false);
    REQUIRE(parsed.is_string());
    CHECK(parsed.get<std::string>() == repaired_utf8(bytes));
  }
  for (const auto* text : {"ä", "€", "𝄞", "\x7f", "\xEF\xBF\xBD", "日本"})
    CHECK(repaired_utf8(text) == text);
}

TEST_CASE("bytes that are no UTF-8 are replaced one by one") {
  const std::string bad = "\xEF\xBF\xBD";
  for (const auto* text : {"\xff", "\x80", "\xc0", "\xf5", "\xed"})
    CHECK(repaired_utf8(text) == bad);
  CHECK(repaired_utf8("\xc0\x80") == bad + bad);
  CHECK(repaired_utf8("\xed\xa0\x80") == bad + bad + bad);
  CHECK(repaired_utf8("\xf4\x90\x80\x80") == bad + bad + bad + bad);
  CHECK(repaired_utf8("a\xe2\x82z") == "a" + bad + bad + "z");
}

TEST_CASE("thousandths have no more digits than needed") {
  const std::vector<std::pair<int64_t, const char*>> rows{
      {0, "0"},        {1, "0.001"},       {250, "0.25"},      {500, "0.5"},
      {1000, "1"},     {1500, "1.5"},      {12'345, "12.345"}, {-250, "-0.25"},
      {-1500, "-1.5"}, {1'000'000, "1000"}};
  for (const auto& [value, text] : rows)
    CHECK(print_thousandths(value) == text);
}

} // namespace berth
