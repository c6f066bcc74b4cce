#include "tests/sim/tests/made_history.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

namespace {

constexpr shard_id from{0};
constexpr shard_id to{1};
const char* const from_name = "shard:0";
const char* const to_name = "shard:1";

actor_message body(uint64_t uid) {
  return queue_gone{queue_uid{uid}};
}

outbox_message sent(uint64_t number, uint64_t uid) {
  return {shard_destination{to}, number, to_shard{body(uid)}};
}

/// Takes all messages up to now and says so.
decision_record taking(const made_history& h, uint64_t up_to) {
  auto d = h.next(to);
  d.through = h.last_offset(to);
  d.events = {messages_taken{from_name, up_to}};
  return d;
}

} // namespace

TEST_CASE("messages_exactly_once: numbered, in order, each once") {
  made_history h{messages_exactly_once};
  auto first = h.next(from);
  first.outbox = {sent(1, 11), sent(2, 12)};
  h.decide(first, from);
  SECTION("both arrive and are taken") {
    h.message(from, to, 1, body(11)).message(from, to, 2, body(12));
    h.decide(taking(h, 2), to);
    h.decide({delivery_recorded{to_name, 2}}, from);
    CHECK(h.end() == "");
  }
  SECTION("a gap in the numbers is told") {
    auto d = h.next(from);
    d.outbox = {sent(4, 13)};
    h.decide(d, from);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that nobody sent is told") {
    h.message(from, to, 3, body(13));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that changed on its way is told") {
    h.message(from, to, 1, body(99));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a repeat is not taken again") {
    h.message(from, to, 1, body(11)).message(from, to, 1, body(11));
    h.decide(taking(h, 2), to);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("nor is the second taken before the first") {
    h.message(from, to, 2, body(12));
    h.decide(taking(h, 2), to);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("what through covers is taken") {
    h.message(from, to, 1, body(11));
    auto d = taking(h, 1);
    d.events.clear();
    h.decide(d, to);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("what was not delivered is not recorded so") {
    h.message(from, to, 2, body(12));
    h.decide({delivery_recorded{to_name, 2}}, from);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("what is never taken is told at the end") {
    h.message(from, to, 1, body(11));
    h.decide(taking(h, 1), to);
    CHECK_FALSE(h.end().empty());
  }
  SECTION("through does not go back") {
    h.message(from, to, 1, body(11));
    h.decide(taking(h, 1), to);
    auto d = h.next(to);
    d.through = 0;
    h.decide(d, to);
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("confirmed_before_it_leaves: dispatches say what was decided") {
  made_history h{confirmed_before_it_leaves};
  agent_id agent{environment_uid{1}, "a"};
  session_id session{1, 1};
  start_attempt start{attempt(1), lease_id{1}, nullptr, {}, {}, {}};
  auto d = h.next();
  d.outbox = {{agent_destination{agent, session}, 1, to_agent{start}}};
  auto leaves = [&](const dispatch_body& what) {
    h.happen(dispatch_sent{1, std::make_shared<const dispatch>(
                                  dispatch{{}, agent, session, 1, what})});
  };
  record r;
  r.body = d;
  SECTION("before anything was decided") {
    leaves(start);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("before it can be read") {
    h.append(r, {}, false);
    leaves(start);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("something else") {
    h.append(r);
    leaves(stop_attempt{attempt(1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("as it was decided") {
    h.append(r);
    leaves(start);
    CHECK(h.end().empty());
  }
}

} // namespace berth::sim
