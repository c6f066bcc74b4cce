// Submissions from a topic: each exactly once into the log, whatever becomes of
// the machine that took it.
#include "messages/limits.hpp"
#include "tests/support/shard_fixture.hpp"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::test;

namespace {

const std::string source = "berth.submissions/0";

struct world {
  world() : log(std::make_shared<partition>()), fixture(log) {
    fixture.own("nonce-1");
    fixture.call(catalog_call{test_caller(), environment_of("e", 4)});
    fixture.call(catalog_call{test_caller(), queue_of("q", 1, {"e"})});
  }
  topic_submission at(log_offset offset) {
    return {source, offset, shard_id{0},
            submission(fixture.state(), "q", static_cast<uint64_t>(offset))};
  }
  topic_submission refused(log_offset offset) {
    return {source, offset, shard_id{0},
            api_error{api_errc::invalid, "jobQueue: no such queue"}};
  }
  bool give(topic_submission s) {
    return fixture.machine().on_submission(std::move(s));
  }
  log_offset taken() { return fixture.machine().submissions_taken(source); }
  size_t jobs() { return fixture.state().jobs().live_count(); }
  template <class Event>
  std::vector<Event> decided() {
    std::vector<Event> found;
    for (const auto& f : fixture.folded)
      for (const auto& e : f.decision->events)
        if (const auto* one = std::get_if<Event>(&e))
          found.push_back(*one);
    return found;
  }

  std::shared_ptr<partition> log;
  shard_fixture fixture;
};

} // namespace

TEST_CASE("a submission from a topic is taken with its cursor") {
  world w;
  CHECK(w.taken() == -1);
  CHECK(w.give(w.at(7)));
  CHECK(w.taken() == 7);
  CHECK(w.jobs() == 0);
  w.fixture.run();
  CHECK(w.jobs() == 1);
  CHECK(w.fixture.folded.back().decision->cursors
        == std::map<std::string, log_offset>{{source, 7}});
  CHECK(w.taken() == 7);
  w.fixture.state().check_invariants();
}

TEST_CASE(
    "many are taken by one decision, each partition with its own cursor") {
  world w;
  auto before = w.fixture.machine().seq();
  for (log_offset i = 0; i < 50; ++i)
    CHECK(w.give(w.at(i)));
  auto other = w.at(1000);
  other.source = "berth.submissions/8";
  other.offset = 3;
  CHECK(w.give(other));
  w.fixture.run();
  CHECK(w.jobs() == 51);
  CHECK(w.fixture.machine().seq() == before + 1);
  CHECK(w.taken() == 49);
  CHECK(w.fixture.machine().submissions_taken("berth.submissions/8") == 3);
}

TEST_CASE("what was taken is passed over, before and after its decision") {
  world w;
  CHECK(w.give(w.at(5)));
  CHECK(w.give(w.at(5)));
  CHECK(w.give(w.at(4)));
  w.fixture.decide();
  CHECK(w.give(w.at(5)));
  w.fixture.run();
  CHECK(w.give(w.at(5)));
  w.fixture.run();
  CHECK(w.decided<job_submitted>().size() == 1);
}

TEST_CASE("a takeover goes on behind the cursor: nothing twice, nothing lost") {
  world w;
  CHECK(w.give(w.at(1)));
  w.fixture.run();
  SECTION("whose decision was not confirmed") {
    CHECK(w.give(w.at(2)));
    w.fixture.decide();
  }
  SECTION("whose decision landed and was not read back") {
    CHECK(w.give(w.at(2)));
    w.fixture.decide();
    w.fixture.land();
  }
  SECTION("that only waited") {
    CHECK(w.give(w.at(2)));
  }
  SECTION("from a checkpoint") {
    REQUIRE(w.fixture.write_checkpoint());
    CHECK(w.fixture.at->cursors.at(source) == 1);
  }
  w.fixture.restart();
  CHECK_FALSE(w.give(w.at(2)));
  w.fixture.own("nonce-2");
  auto behind = w.taken();
  REQUIRE(behind >= 1);
  for (auto i = behind + 1; i <= 3; ++i)
    CHECK(w.give(w.at(i)));
  w.fixture.run();
  CHECK(w.jobs() == 3);
  CHECK(w.taken() == 3);
}

TEST_CASE("a refusal is an event, and the cursor passes it") {
  world w;
  CHECK(w.give(w.refused(3)));
  w.fixture.run();
  auto refused = w.decided<message_refused>();
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].source == source);
  CHECK(refused[0].offset == 3);
  CHECK(refused[0].why == "jobQueue: no such queue");
  CHECK(w.taken() == 3);
  CHECK(w.jobs() == 0);
}

TEST_CASE("a queue that takes no jobs refuses those of a topic as well") {
  world w;
  auto late = w.at(9);
  update_queue_request update;
  update.queue = "q";
  update.state = object_state::disabled;
  w.fixture.call(catalog_call{test_caller(), update});
  CHECK(w.give(late));
  w.fixture.run();
  auto refused = w.decided<message_refused>();
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].offset == 9);
  CHECK(refused[0].why.find("DISABLED") != std::string::npos);
}

TEST_CASE("a job known by its id is not submitted again, and the cursor goes "
          "on") {
  world w;
  CHECK(w.give(w.at(5)));
  w.fixture.run();
  auto again = w.at(5);
  again.offset = 6;
  CHECK(w.give(again));
  w.fixture.run();
  CHECK(w.decided<job_submitted>().size() == 1);
  CHECK(w.taken() == 6);
}

TEST_CASE("a submission for another shard's queue is passed on to it") {
  world w;
  auto far = w.at(5);
  far.home = shard_id{3};
  CHECK(w.give(far));
  w.fixture.run();
  CHECK(w.jobs() == 0);
  REQUIRE(w.fixture.sent_to_shards.size() == 1);
  CHECK(w.fixture.sent_to_shards[0].to == shard_id{3});
  auto sent = decode<record>(w.fixture.sent_to_shards[0].bytes);
  REQUIRE(sent);
  const auto& passed_on =
      std::get<submit_job>(std::get<message_record>(sent->body).body);
  CHECK(passed_on.source == source);
  CHECK(passed_on.offset == 5);
  CHECK(passed_on.id == std::get<submit_job_call>(far.what).id);

  // There it is taken once, whatever the sender sends again.
  auto received = std::get<message_record>(sent->body);
  received.source = shard_id{4};
  record r;
  r.body = received;
  w.log->append(encode(r));
  w.log->append(encode(r));
  w.fixture.run();
  CHECK(w.jobs() == 1);
}

TEST_CASE("rule Bounds: a full owner takes no submission") {
  world w;
  for (size_t i = 0; i < limits::waiting_inputs_max; ++i)
    REQUIRE(w.give(w.refused(static_cast<log_offset>(i))));
  CHECK_FALSE(w.give(w.refused(limits::waiting_inputs_max)));
  auto taken = w.taken();
  w.fixture.run();
  CHECK(w.give(w.refused(taken + 1)));
  w.fixture.run();
  CHECK(w.decided<message_refused>().size() == limits::waiting_inputs_max + 1);
}
