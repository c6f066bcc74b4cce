#include "api/log_stream_name.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace berth {

namespace {

const std::string uuid = "0b6cdd0e-b200-4948-8a4e-b596507f2f60";

attempt_id attempt_of(const std::string& key, uint32_t number) {
  return {*parse_job_key(key), number};
}

} // namespace

TEST_CASE("a first attempt's stream ends in the job's id") {
  CHECK(make_log_stream_name("calc", attempt_of(uuid, 1))
        == "calc/default/" + uuid);
  CHECK(make_log_stream_name("calc", attempt_of(uuid + ":7", 1))
        == "calc/default/" + uuid + ":7");
  CHECK(make_log_stream_name("calc", attempt_of(uuid + ":7", 2))
        == "calc/default/" + uuid + ":7-2");
  CHECK(make_log_stream_name("calc", attempt_of(uuid, 10))
        == "calc/default/" + uuid + "-10");
}

TEST_CASE("a stream's name is read as it was made") {
  for (const auto& key : {uuid, uuid + ":0", uuid + ":9999"})
    for (uint32_t number : {1U, 2U, 10U}) {
      auto attempt = attempt_of(key, number);
      auto parsed =
          parse_log_stream_name(make_log_stream_name("my_def", attempt));
      REQUIRE(parsed);
      CHECK(parsed->attempt == attempt);
      CHECK(parsed->definition_name == "my_def");
    }
}

TEST_CASE("a definition's name is cut at 200 characters") {
  auto name = make_log_stream_name(std::string(250, 'd'), attempt_of(uuid, 1));
  CHECK(name == std::string(200, 'd') + "/default/" + uuid);
}

TEST_CASE("other texts are no streams' names") {
  for (const std::string& text : std::vector<std::string>{
           std::string{}, std::string{"x"}, "calc/" + uuid,
           "calc/default/" + uuid + "-1", "calc/default/" + uuid + "-0",
           "calc/default/" + uuid + "-02", "calc/default/" + uuid + "-",
           "calc/default/" + uuid + ":", "calc/default/" + uuid + ":01",
           "calc/default/" + uuid + "-99999999999",
           "calc/default/" + uuid + "x", std::string{"calc/default/nobody"},
           std::string(201, 'd') + "/default/" + uuid}) {
    INFO(text);
    CHECK(!parse_log_stream_name(text));
  }
}

} // namespace berth
