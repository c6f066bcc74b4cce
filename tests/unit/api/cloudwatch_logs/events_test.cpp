#include "api/cloudwatch_logs/events.hpp"

#include "api/cloudwatch_logs/event_tokens.hpp"
#include "api/log_stream_name.hpp"
#include "tests/unit/api/memory_output.hpp"

#include <catch2/catch.hpp>
#include <random>

namespace berth::cloudwatch_logs {

namespace {

attempt_id attempt_of(uint8_t job) {
  attempt_id attempt;
  attempt.job.id.bytes[0] = job;
  attempt.number = 1;
  return attempt;
}

stream_reference stream_of(uint8_t job) {
  auto attempt = attempt_of(job);
  return {make_log_stream_name("d", attempt), attempt};
}

events_page page_of(output_source& source, const get_events_request& asked) {
  auto outcome = read_events(source, attempt_of(1), asked);
  REQUIRE(std::holds_alternative<events_page>(outcome));
  return std::get<events_page>(outcome);
}

std::vector<std::string> texts(const std::vector<printed_line>& lines) {
  std::vector<std::string> found;
  for (const auto& line : lines)
    found.push_back(line.text);
  return found;
}

std::vector<std::string> numbers(int first, int last) {
  std::vector<std::string> list;
  for (int i = first; i <= last; ++i)
    list.push_back(std::to_string(i));
  return list;
}

memory_output twenty_five_lines() {
  memory_output output;
  for (int i = 1; i <= 25; ++i)
    output.print(attempt_of(1), 1000 + i, std::to_string(i));
  return output;
}

get_events_request ask(size_t limit, std::string token = {},
                       bool from_head = false) {
  get_events_request asked;
  asked.limit = limit;
  asked.token = std::move(token);
  asked.from_head = from_head;
  return asked;
}

filtered_page filter(output_source& source, std::vector<stream_reference> from,
                     const filter_events_request& asked) {
  auto outcome = filter_events(source, std::move(from), asked);
  REQUIRE(std::holds_alternative<filtered_page>(outcome));
  return std::get<filtered_page>(outcome);
}

} // namespace

TEST_CASE("events are read forward until the token stays the same") {
  auto output = twenty_five_lines();
  auto first = page_of(output, ask(10, "", true));
  CHECK(texts(first.events) == numbers(1, 10));
  auto second = page_of(output, ask(10, first.forward_token));
  CHECK(texts(second.events) == numbers(11, 20));
  auto third = page_of(output, ask(10, second.forward_token));
  CHECK(texts(third.events) == numbers(21, 25));
  auto end = page_of(output, ask(10, third.forward_token));
  CHECK(end.events.empty());
  CHECK(end.forward_token == third.forward_token);

  output.print(attempt_of(1), 2000, "late");
  auto late = page_of(output, ask(10, end.forward_token));
  CHECK(texts(late.events) == std::vector<std::string>{"late"});
}

TEST_CASE("without from-head the newest events come, then older ones") {
  auto output = twenty_five_lines();
  auto newest = page_of(output, ask(10));
  CHECK(texts(newest.events) == numbers(16, 25));
  auto older = page_of(output, ask(10, newest.backward_token));
  CHECK(texts(older.events) == numbers(6, 15));
  auto again = page_of(output, ask(10, older.forward_token));
  CHECK(texts(again.events) == numbers(16, 25));
  auto oldest = page_of(output, ask(10, older.backward_token));
  CHECK(texts(oldest.events) == numbers(1, 5));
  auto start = page_of(output, ask(10, oldest.backward_token));
  CHECK(start.events.empty());
  CHECK(start.backward_token == oldest.backward_token);
}

TEST_CASE("a stream without output has an empty page and tokens that hold") {
  memory_output output;
  for (bool from_head : {false, true}) {
    auto empty = page_of(output, ask(10, "", from_head));
    CHECK(empty.events.empty());
    output.print(attempt_of(from_head ? 2 : 3), 1, "elsewhere");
    CHECK(page_of(output, ask(10, empty.forward_token)).forward_token
          == empty.forward_token);
  }
}

TEST_CASE("events are selected by time, the end not included") {
  auto output = twenty_five_lines();
  auto asked = ask(100, "", true);
  asked.range = {1003, 1006};
  CHECK(texts(page_of(output, asked).events) == numbers(3, 5));
  asked.from_head = false;
  CHECK(texts(page_of(output, asked).events) == numbers(3, 5));
  asked.limit = 2;
  CHECK(texts(page_of(output, asked).events) == numbers(4, 5));
}

TEST_CASE("a page holds about a megabyte") {
  memory_output output;
  for (int i = 0; i < 30; ++i)
    output.print(attempt_of(1), i, std::string(100'000, 'x'));
  auto first = page_of(output, ask(10'000, "", true));
  CHECK(first.events.size() >= 10);
  CHECK(first.events.size() <= 12);
  size_t seen = first.events.size();
  auto token = first.forward_token;
  while (true) {
    auto page = page_of(output, ask(10'000, token));
    seen += page.events.size();
    if (page.forward_token == token)
      break;
    token = page.forward_token;
  }
  CHECK(seen == 30);
}

TEST_CASE("a call that finds nothing ends before it has read everything") {
  memory_output output;
  for (int i = 0; i < 50; ++i)
    output.print(attempt_of(1), 1, std::string(1024 * 1024, 'x'));
  output.print(attempt_of(1), 500, "wanted");
  auto asked = ask(10, "", true);
  asked.range.start_ms = 100;
  auto first = page_of(output, asked);
  CHECK(first.events.empty());
  asked.token = first.forward_token;
  auto second = page_of(output, asked);
  CHECK(texts(second.events) == std::vector<std::string>{"wanted"});
}

TEST_CASE("tokens of others are refused") {
  auto output = twenty_five_lines();
  for (const auto* token : {"x", "f/", "f/-1", "f/1/2", "g/1", "f/1x",
                            "k/1/2/s", "f/99999999999999999999"}) {
    INFO(token);
    auto outcome = read_events(output, attempt_of(1), ask(10, token));
    REQUIRE(std::holds_alternative<logs_error>(outcome));
    const auto& error = std::get<logs_error>(outcome);
    CHECK(error.type == "InvalidParameterException");
    CHECK_THAT(error.message, Catch::Contains("nextToken"));
  }
  filter_events_request asked;
  for (const auto* token :
       {"x", "k/1", "k/1/2", "k/1/2/", "k/1/2/s", "k/1/2//", "k/a/2//s",
        "k/1/2/1/s", "k/1/2/1./s", "k/1/2/1.2,/3.4/s", "k/1/2/g.2/s",
        "k/1/2/1.-2/s", "k/1/2/11111111111111111.2/s", "f/1"}) {
    INFO(token);
    asked.token = token;
    CHECK(std::holds_alternative<logs_error>(
        filter_events(output, {stream_of(1)}, asked)));
  }
}

TEST_CASE("tokens are read as they were printed") {
  for (auto forward : {true, false}) {
    stream_token token{forward, 1234567890123};
    CHECK(parse_stream_token(print_token(token)) == token);
  }
  filter_token token{{17, "d/default/x:1", 42}, {}};
  CHECK(print_token(token) == "k/17/42//d/default/x:1");
  CHECK(parse_filter_token(print_token(token)) == token);
  token.places = {{0xffffffffffffffff, 8}, {0, 1234567890123}};
  CHECK(print_token(token)
        == "k/17/42/ffffffffffffffff.8,0.1234567890123/d/default/x:1");
  CHECK(parse_filter_token(print_token(token)) == token);
}

TEST_CASE("events of several streams come in the order of time") {
  memory_output output;
  output.print(attempt_of(1), 10, "a");
  output.print(attempt_of(2), 5, "b");
  output.print(attempt_of(1), 30, "c");
  output.print(attempt_of(2), 20, "d");
  output.print(attempt_of(2), 30, "e");
  auto page = filter(output, {stream_of(2), stream_of(1)}, {});
  std::string order;
  for (const auto& event : page.events)
    order += event.line.text;
  CHECK(order == "badce");
  CHECK(page.token.empty());
}

TEST_CASE("pages of many streams hold every event once, in one order") {
  memory_output output;
  std::mt19937 random{42};
  std::vector<stream_reference> streams;
  size_t count = 0;
  for (uint8_t job = 1; job <= 7; ++job) {
    streams.push_back(stream_of(job));
    int64_t at = 0;
    for (auto lines = random() % 40; lines > 0; --lines) {
      at += random() % 3;
      output.print(attempt_of(job), at, std::to_string(count++));
    }
  }
  auto all = filter(output, streams, {});
  REQUIRE(all.events.size() == count);
  for (size_t limit : {1, 2, 7, 50}) {
    filter_events_request asked;
    asked.limit = limit;
    std::vector<std::string> seen;
    while (true) {
      auto page = filter(output, streams, asked);
      CHECK(page.events.size() <= limit);
      for (const auto& event : page.events)
        seen.push_back(event.line.text);
      if (page.token.empty())
        break;
      asked.token = page.token;
    }
    std::vector<std::string> wanted;
    for (const auto& event : all.events)
      wanted.push_back(event.line.text);
    CHECK(seen == wanted);
  }
}

TEST_CASE("a reader that follows goes on where its page ended") {
  memory_output output;
  output.print(attempt_of(1), 10, "a");
  output.print(attempt_of(1), 10, "b");
  filter_events_request asked;
  asked.limit = 1;
  auto first = filter(output, {stream_of(1)}, asked);
  REQUIRE(first.events.size() == 1);
  output.print(attempt_of(1), 10, "c");
  asked.limit = 10;
  asked.token = first.token;
  auto rest = filter(output, {stream_of(1)}, asked);
  REQUIRE(rest.events.size() == 2);
  CHECK(rest.events[0].line.text == "b");
  CHECK(rest.events[1].line.text == "c");
}

TEST_CASE("asking for what is new reads a stream from its end") {
  memory_output output;
  for (int i = 0; i < 100'000; ++i)
    output.print(attempt_of(1), i, "x");
  output.reads = 0;
  filter_events_request asked;
  asked.range.start_ms = 99'995;
  auto page = filter(output, {stream_of(1)}, asked);
  CHECK(page.events.size() == 5);
  CHECK(output.reads < 5);
}

TEST_CASE("a page of many large streams reads on where the last one ended") {
  constexpr int streams_count = 5;
  constexpr int lines_count = 20'000;
  memory_output output;
  std::vector<stream_reference> streams;
  for (uint8_t job = 1; job <= streams_count; ++job)
    streams.push_back(stream_of(job));
  for (int i = 0; i < lines_count; ++i)
    for (uint8_t job = 1; job <= streams_count; ++job)
      output.print(attempt_of(job), i * 10 + job, "x");
  // One that has ended long ago, one that begins at the end.
  streams.push_back(stream_of(50));
  output.print(attempt_of(50), 0, "first");
  streams.push_back(stream_of(51));
  output.print(attempt_of(51), lines_count * 10, "last");
  filter_events_request asked;
  asked.limit = 1000;
  size_t seen = 0;
  std::string last;
  do {
    output.reads = 0;
    auto page = filter(output, streams, asked);
    // Each stream once to begin with, and now and then to go on.
    CHECK(output.reads <= 2 * streams.size());
    seen += page.events.size();
    last = page.events.back().line.text;
    asked.token = page.token;
  } while (!asked.token.empty());
  CHECK(seen == streams_count * lines_count + 2);
  CHECK(last == "last");
}

TEST_CASE("streams that a token has no place for are found by time") {
  memory_output output;
  std::vector<stream_reference> streams;
  constexpr uint8_t streams_count = 200;
  size_t count = 0;
  for (int round = 0; round < 3; ++round)
    for (uint8_t job = 1; job <= streams_count; ++job)
      for (int32_t child = 0; child < 2; ++child) {
        auto attempt = attempt_of(job);
        attempt.job.index = child;
        if (round == 0)
          streams.push_back({make_log_stream_name("d", attempt), attempt});
        output.print(attempt, round * 1000 + job, std::to_string(count++));
      }
  REQUIRE(streams.size() > token_places_max);
  filter_events_request asked;
  asked.limit = 90;
  std::vector<std::string> seen;
  do {
    auto page = filter(output, streams, asked);
    for (const auto& event : page.events)
      seen.push_back(event.line.text);
    asked.token = page.token;
  } while (!asked.token.empty());
  REQUIRE(seen.size() == count);
  std::vector<std::string> wanted;
  for (const auto& event : filter(output, streams, {}).events)
    wanted.push_back(event.line.text);
  CHECK(seen == wanted);
}

TEST_CASE("a pattern selects events") {
  auto output = twenty_five_lines();
  filter_events_request asked;
  asked.pattern = "2";
  auto page = filter(output, {stream_of(1)}, asked);
  CHECK(page.events.size() == 8);
  asked.pattern = "{ $.a = 1 }";
  auto outcome = filter_events(output, {stream_of(1)}, asked);
  REQUIRE(std::holds_alternative<logs_error>(outcome));
  CHECK_THAT(std::get<logs_error>(outcome).message,
             Catch::Contains("filterPattern"));
}

TEST_CASE("a search that finds little gives a token before it is through") {
  memory_output output;
  for (int i = 0; i < 50; ++i)
    output.print(attempt_of(1), i, std::string(1024 * 1024, 'x'));
  output.print(attempt_of(1), 60, "wanted");
  filter_events_request asked;
  asked.pattern = "wanted";
  auto first = filter(output, {stream_of(1)}, asked);
  CHECK(first.events.empty());
  REQUIRE(!first.token.empty());
  asked.token = first.token;
  auto second = filter(output, {stream_of(1)}, asked);
  CHECK(second.events.size() == 1);
  CHECK(second.token.empty());
}

} // namespace berth::cloudwatch_logs
