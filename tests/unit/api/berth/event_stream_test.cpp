#include "api/berth/event_stream.hpp"

#include <catch2/catch.hpp>

namespace berth {

namespace {

/// Delivers events already while subscribing, and says when it was let go.
class eager_events : public event_source {
public:
  struct subscription : event_subscription {
    explicit subscription(bool& ended_) : ended(ended_) {}
    ~subscription() override { ended = true; }
    bool& ended;
  };

  outcome subscribe(const account_region&, const std::string& after,
                    std::function<bool(const job_event&)> on_event,
                    std::function<void(const api_error&)> on_end_) override {
    asked_after = after;
    if (refuses)
      return api_error{api_errc::invalid, "no"};
    callback = std::move(on_event);
    on_end = std::move(on_end_);
    for (size_t i = 0; i < early; ++i) {
      job_event event;
      event.position = std::to_string(i);
      went_on = callback(event);
    }
    if (ends_early)
      on_end({api_errc::unavailable, "look anew"});
    return std::make_unique<subscription>(is_ended);
  }

  bool refuses = false;
  size_t early = 0;
  bool went_on = true;
  bool ends_early = false;
  bool is_ended = false;
  std::string asked_after;
  std::function<bool(const job_event&)> callback;
  std::function<void(const api_error&)> on_end;
};

struct reader {
  line_sink_opener opener() {
    return [this](std::function<void()> on_closed) {
      closed = std::move(on_closed);
      return line_sink{[this](std::string text) {
        pieces.push_back(std::move(text));
        return true;
      }};
    };
  }

  std::vector<std::string> pieces;
  std::function<void()> closed;
};

} // namespace

TEST_CASE("events that come before the stream is open are not lost") {
  eager_events source;
  source.early = 3;
  reader client;
  CHECK(!stream_events(source, {}, {}, "p", client.opener()));
  CHECK(source.asked_after == "p");
  REQUIRE(client.pieces.size() == 4);
  CHECK(client.pieces[0] == "\n");
  for (size_t i = 0; i < 3; ++i)
    CHECK_THAT(
        client.pieces[i + 1],
        Catch::StartsWith("{\"position\":\"" + std::to_string(i) + "\""));
  CHECK(source.callback(job_event{}));
  CHECK(client.pieces.size() == 5);
}

TEST_CASE("more early events than fit end the stream instead of leaving a "
          "gap") {
  eager_events source;
  source.early = early_events_max + 1;
  reader client;
  CHECK(!stream_events(source, {}, {}, "", client.opener()));
  CHECK(!source.went_on);
  CHECK(client.pieces.size() == early_events_max + 1);
}

TEST_CASE("a stream that cannot go on says why and ends") {
  eager_events source;
  reader client;
  SECTION("while it is open") {
    CHECK(!stream_events(source, {}, {}, "", client.opener()));
    source.on_end({api_errc::unavailable, "look anew"});
  }
  SECTION("before it is open") {
    source.ends_early = true;
    CHECK(!stream_events(source, {}, {}, "", client.opener()));
    CHECK(!source.callback(job_event{}));
  }
  REQUIRE(client.pieces.size() == 3);
  CHECK(client.pieces[1] == "{\"error\":{\"message\":\"look anew\"}}\n");
  // Ends the response in order, so that the line arrives.
  CHECK(client.pieces[2].empty());
}

TEST_CASE("a closed stream lets its subscription go") {
  eager_events source;
  reader client;
  CHECK(!stream_events(source, {}, {}, "", client.opener()));
  CHECK(!source.is_ended);
  client.closed();
  CHECK(source.is_ended);
  CHECK(!source.callback(job_event{}));
  CHECK(client.pieces.size() == 1);
}

TEST_CASE("a stream keeps its hold until it is closed") {
  eager_events source;
  reader client;
  auto hold = std::make_shared<int>();
  SECTION("that is open") {
    CHECK(!stream_events(source, hold, {}, "", client.opener()));
    CHECK(hold.use_count() == 2);
    client.closed();
    CHECK(hold.use_count() == 1);
  }
  SECTION("or is refused") {
    source.refuses = true;
    CHECK(stream_events(source, hold, {}, "", client.opener()));
    CHECK(hold.use_count() == 1);
  }
}

TEST_CASE("a position is given at most once") {
  CHECK(std::get<std::string>(parse_events_query("")) == "");
  CHECK(std::get<std::string>(parse_events_query("x=1&after=3%2F4")) == "3/4");
  CHECK(
      std::holds_alternative<api_error>(parse_events_query("after=1&after=2")));
  CHECK(std::holds_alternative<api_error>(
      parse_events_query("after=" + std::string(20'000, 'x'))));
}

} // namespace berth
