// Rule One at a time under load: an owner makes decisions on top of those that
// are on their way through the log, and nothing of any leaves too early.
#include "messages/limits.hpp"
#include "tests/support/small_cluster.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::test;

namespace {

constexpr uint64_t many = limits::decide_ahead_inputs_min;
static_assert(many < limits::decision_calls_max);

/// An owner with one decision in flight, of job 1.
struct world : small_cluster {
  world() : small_cluster{4000}, folded_before{fixture.folded.size()} {
    submit(1);
    fixture.decide();
    REQUIRE(in_flight() == 1);
  }
  void submit(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      auto number = tokens.size() + 1;
      tokens.push_back(
          fixture.start_call(submission(fixture.state(), "q", number)));
    }
  }
  /// A second decision follows the first.
  void decide_ahead() {
    submit(many);
    fixture.decide();
    REQUIRE(in_flight() == 2);
  }
  size_t in_flight() const { return fixture.to_append.size(); }
  /// Of the appends on their way, only this one gets into the log.
  void land(size_t which) {
    log->append(fixture.to_append.at(which));
    fixture.read();
  }
  size_t answered(api_errc with) {
    return count([&](const result& r) {
      const auto* e = std::get_if<api_error>(&r);
      return e != nullptr && e->code == with;
    });
  }
  size_t accepted() {
    return count(
        [](const result& r) { return std::holds_alternative<response>(r); });
  }
  size_t live() const { return fixture.state().jobs().live_count(); }

  std::vector<call_token> tokens;
  const size_t folded_before;

private:
  template <class Matches>
  size_t count(Matches matches) {
    return static_cast<size_t>(
        std::count_if(tokens.begin(), tokens.end(), [&](call_token t) {
          auto answer = fixture.answer_to(t);
          return answer && matches(*answer);
        }));
  }
};

} // namespace

TEST_CASE("rule One at a time: little that waits is not decided ahead") {
  world w;
  w.submit(many - 1);
  w.fixture.decide();
  CHECK(w.in_flight() == 1);
  w.submit(1);
  w.fixture.decide();
  CHECK(w.in_flight() == 2);
}

TEST_CASE("rule One at a time: decisions made ahead follow each other, and "
          "fold to the same state") {
  world w;
  w.submit(3 * many);
  w.fixture.run();
  CHECK(w.accepted() == 1 + 3 * many);
  CHECK(w.fixture.reloads.empty());
  auto last = w.fixture.folded.at(w.folded_before).decision->seq;
  for (auto i = w.folded_before + 1; i < w.fixture.folded.size(); ++i)
    CHECK(w.fixture.folded[i].decision->seq == ++last);
  shard_fixture follower{w.log};
  follower.read();
  CHECK(follower.state().hash() == w.fixture.state().hash());
  CHECK(follower.machine().counters().out_of_sequence == 0);
}

TEST_CASE("rule Bounds: so many decisions are in flight and no more") {
  world w;
  w.submit(20 * limits::decision_calls_max);
  w.fixture.decide();
  CHECK(w.in_flight() == limits::decisions_in_flight_max);
  // The first lands: there is room for one more.
  w.land(0);
  w.fixture.decide();
  CHECK(w.in_flight() == limits::decisions_in_flight_max + 1);
}

TEST_CASE("rule One at a time: nothing of a later decision leaves with an "
          "earlier one") {
  world w;
  w.decide_ahead();
  w.land(0);
  CHECK(w.accepted() == 1);
  CHECK(w.agent->started.size() == 1);
  CHECK(w.fixture.machine().decision_in_flight());
  w.land(1);
  CHECK(w.accepted() == 1 + many);
  CHECK(w.agent->started.size() == 1 + many);
}

TEST_CASE("rule Validity: with a decision that was lost, those made on top of "
          "it are void") {
  world w;
  w.decide_ahead();
  w.land(1);
  w.fixture.decide();
  REQUIRE(w.fixture.reloads.size() == 1);
  CHECK(w.answered(api_errc::unavailable) == 1 + many);
  CHECK(w.agent->started.empty());
  w.fixture.restart();
  CHECK(w.live() == 0);
  w.fixture.own("again");
  w.tokens.clear();
  w.submit(1 + many);
  w.fixture.run();
  CHECK(w.live() == 1 + many);
}

TEST_CASE("rule Unknown is not failed: it drops all decisions in flight, and "
          "the log tells which count") {
  auto landed = GENERATE(size_t{0}, size_t{1}, size_t{2});
  world w;
  w.decide_ahead();
  auto late = w.fixture.to_append;
  w.fixture.machine().on_appended(shard::appended::unknown);
  w.fixture.decide();
  REQUIRE(w.fixture.reloads.size() == 1);
  CHECK(w.answered(api_errc::unavailable) == 1 + many);
  for (size_t i = 0; i < landed; ++i)
    w.log->append(late[i]);
  w.fixture.restart();
  w.fixture.own("again");
  CHECK(w.live() == (landed == 0 ? 0 : landed == 1 ? 1 : 1 + many));
  // The clients' retries find their jobs, or make them.
  w.tokens.clear();
  w.submit(1 + many);
  w.fixture.run();
  CHECK(w.accepted() == 1 + many);
  CHECK(w.live() == 1 + many);
}

TEST_CASE("rule Claim: a foreign claim between two decisions in flight voids "
          "the later one") {
  world w;
  w.decide_ahead();
  w.land(0);
  record foreign;
  foreign.body = claim_record{"n2", "", "foreign"};
  w.log->append(encode(foreign));
  w.fixture.read();
  w.land(1);
  w.fixture.decide();
  CHECK(w.fixture.reloads.size() == 1);
  CHECK(w.accepted() == 1);
  w.fixture.restart();
  CHECK(w.live() == 1);
  CHECK(w.fixture.machine().counters().fenced == 1);
}

TEST_CASE("rule Outbox: reports are taken once, by whichever decision") {
  world w;
  w.submit(3 * many);
  w.fixture.run();
  REQUIRE(w.agent->started.size() == 1 + 3 * many);
  // One call is in flight while a message with all reports is read.
  w.submit(1);
  w.fixture.decide();
  REQUIRE(w.in_flight() == 1);
  w.agent->report();
  w.fixture.read();
  w.fixture.decide();
  CHECK(w.in_flight() == 2);
  w.fixture.run();
  while (w.agent->report())
    w.fixture.run();
  CHECK(w.live() == 0);
  CHECK(w.fixture.machine().counters().messages_passed_over == 0);
  auto hash = w.fixture.state().hash();
  w.fixture.restart();
  CHECK(w.fixture.state().hash() == hash);
}

TEST_CASE("rule Outbox: what is sent again is nothing of any decision in "
          "flight") {
  world w;
  w.agent->ends_attempts = false;
  w.fixture.run();
  REQUIRE(w.fixture.dispatches.size() == 1);
  auto to = source_name(w.agent->id, w.agent->session);
  w.submit(many);
  w.fixture.decide();
  w.submit(many);
  w.fixture.decide();
  REQUIRE(w.in_flight() == 2);
  w.fixture.dispatches.clear();
  w.fixture.machine().on_delivery_failed({to, 1, 1});
  w.fixture.boottime_ms += limits::send_again_delay_ms;
  w.fixture.decide();
  REQUIRE(w.fixture.dispatches.size() == 1);
  CHECK(w.fixture.dispatches[0].number == 1);
  w.fixture.run();
  REQUIRE(w.fixture.dispatches.size() == 1 + 2 * many);
  CHECK(w.fixture.dispatches.back().number == 1 + 2 * many);
}

TEST_CASE("rule Barrier: a question is not put off by decisions made ahead") {
  world w;
  w.submit(many);
  list_jobs_call list;
  list.owner = test_owner();
  list.queue = w.fixture.state().catalog().find_queue(test_owner(), "q")->uid;
  auto asked = w.fixture.start_call(list);
  w.fixture.decide();
  // The question's barrier is known: nothing is decided behind it.
  REQUIRE(w.in_flight() == 1);
  CHECK_FALSE(w.fixture.answer_to(asked));
  w.land(0);
  w.fixture.to_append.clear();
  w.fixture.decide();
  CHECK(w.fixture.answer_to(asked));
  CHECK(w.in_flight() == 1);
  w.fixture.run();
  CHECK(w.accepted() == 1 + many);
}

TEST_CASE("rule Checkpoint: none is cut while any decision is in flight") {
  world w;
  w.decide_ahead();
  w.land(0);
  CHECK_FALSE(w.fixture.write_checkpoint());
  w.land(1);
  CHECK(w.fixture.write_checkpoint());
}

TEST_CASE("submissions of a topic go on where the decision in flight ends") {
  world w;
  const std::string source = "berth.submissions/0";
  auto give = [&](log_offset from, log_offset to) {
    for (auto offset = from; offset < to; ++offset)
      REQUIRE(w.fixture.machine().on_submission(
          {source, offset, shard_id{0},
           submission(w.fixture.state(), "q",
                      10'000 + static_cast<uint64_t>(offset))}));
  };
  give(0, many);
  w.fixture.decide();
  REQUIRE(w.in_flight() == 2);
  CHECK(w.fixture.machine().submissions_taken(source) == many - 1);
  // Some of them again, as a reader would after a hand-over.
  give(many - 10, 2 * many);
  w.fixture.decide();
  REQUIRE(w.in_flight() == 3);
  w.fixture.run();
  CHECK(w.live() == 1 + 2 * many);
  CHECK(w.fixture.folded.back().decision->cursors.at(source) == 2 * many - 1);
}
