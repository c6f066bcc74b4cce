// Agents with a lease and a dispatch topic: heartbeats, and where reading goes
// on. The rest of the agent's logic is in agent_machine_test.cpp.
#include "actors/agent_machine.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

const agent_id alice{environment_uid{1}, "alice"};
const session_id first_session{10, 1};
const session_id second_session{10, 2};
const shard_id home{2};
constexpr int64_t lease_ms = 30'000;
constexpr int64_t interval_ms = 1000;
constexpr int64_t grace_ms = 500;

/// An agent machine with a dispatch topic, and what it asked for since the
/// last look.
class world {
public:
  world() {
    machine.on_clock(now);
    machine.offer({alice, home, {4000, 1024, {}}, lease_ms});
  }

  template <class Effect>
  std::vector<Effect> taken() const {
    std::vector<Effect> found;
    for (const auto& effect : effects)
      if (const auto* one = std::get_if<Effect>(&effect))
        found.push_back(*one);
    return found;
  }
  template <class Request>
  std::vector<Request> requests() const {
    std::vector<Request> found;
    for (const auto& one : taken<to_keeper_effect>())
      if (const auto* request = std::get_if<Request>(&one.what))
        found.push_back(*request);
    return found;
  }
  template <class Effect>
  Effect only() const {
    auto found = taken<Effect>();
    REQUIRE(found.size() == 1);
    return found[0];
  }
  void look() { effects = machine.take_effects(); }
  void advance(int64_t ms) {
    now += ms;
    machine.on_clock(now);
    look();
  }
  void hear(keeper_event e) {
    machine.on_keeper_event(e);
    look();
  }
  void session(const session_id& s, int64_t read_from = -1,
               bool leased = false) {
    hear(keeper_session{alice, s, {}, {}, read_from, leased});
  }
  void attach() {
    machine.on_keeper_attached();
    look();
  }
  /// A fresh session whose reading begins at 100.
  void begin() {
    attach();
    session(first_session);
    machine.on_dispatch_end(alice, first_session, 100);
    session(first_session, 100);
    machine.on_appended(only<append_message_effect>().token, true);
    look();
    REQUIRE(machine.all_joined());
  }
  /// The keeper answers the check that is due.
  void answer_check() {
    if (requests<keeper_check>().empty())
      advance(0);
    auto checks = requests<keeper_check>();
    REQUIRE(checks.size() == 1);
    hear(keeper_alive{checks[0].check});
  }
  /// The heartbeat that follows the answer.
  uint64_t beat() {
    answer_check();
    return only<heartbeat_effect>().token;
  }
  void acknowledged(uint64_t heartbeat, bool good = true) {
    machine.on_heartbeat_appended(heartbeat, good);
    look();
  }
  dispatch start(uint64_t number, session_id of = first_session,
                 const agent_id& agent = alice) {
    dispatch d;
    d.source = home;
    d.agent = agent;
    d.session = of;
    d.number = number;
    return d;
  }
  std::vector<int64_t> handed_over(const dispatch& d, int64_t position) {
    machine.on_dispatch(d, position);
    look();
    std::vector<int64_t> positions;
    for (const auto& r : requests<keeper_dispatch>())
      positions.push_back(r.position);
    return positions;
  }

  int64_t now = 1'000'000;
  agent_machine machine{{true, interval_ms, grace_ms}};
  std::vector<agent_effect> effects;
};

} // namespace

TEST_CASE("where reading begins is noted by the keeper before the join") {
  world w;
  w.attach();
  w.session(first_session);
  auto look = w.only<look_at_dispatch_end_effect>();
  CHECK(look.agent == alice);
  CHECK(look.session == first_session);
  CHECK(w.effects.size() == 1);
  w.machine.on_dispatch_end(alice, first_session, 100);
  w.look();
  auto noted = w.requests<keeper_reading_position>();
  REQUIRE(noted.size() == 1);
  CHECK(noted[0].position == 100);
  CHECK(noted[0].asks);
  CHECK(w.effects.size() == 1);
  w.session(first_session, 100);
  CHECK(w.only<read_dispatches_effect>().from == 100);
  CHECK(w.only<append_message_effect>().to == home);
  CHECK(w.taken<session_attached_effect>().empty());
}

TEST_CASE("a restarted agent reads on from where its keeper says") {
  world w;
  w.attach();
  w.session(first_session, 40, true);
  CHECK(w.taken<look_at_dispatch_end_effect>().empty());
  CHECK(w.only<read_dispatches_effect>().from == 40);
  CHECK(w.taken<append_message_effect>().size() == 1);
}

TEST_CASE("an end that was looked for by an earlier session is not noted") {
  world w;
  w.attach();
  w.session(first_session);
  w.session(second_session);
  w.machine.on_dispatch_end(alice, first_session, 100);
  w.look();
  CHECK(w.effects.empty());
  w.machine.on_dispatch_end(alice, second_session, 120);
  w.look();
  CHECK(w.requests<keeper_reading_position>()[0].position == 120);
}

TEST_CASE("the first lease counts from the sending of the join") {
  world w;
  w.attach();
  w.session(first_session, 100);
  auto leases = w.requests<keeper_lease>();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].until_boottime_ms == w.now + lease_ms);
  CHECK(leases[0].session == first_session);
}

TEST_CASE("a restarted agent gives no lease that no heartbeat earned") {
  world w;
  w.attach();
  w.session(first_session, 100, true);
  CHECK(w.requests<keeper_lease>().empty());
  auto sent = w.now;
  auto beat = w.beat();
  w.advance(10);
  w.acknowledged(beat);
  auto leases = w.requests<keeper_lease>();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].until_boottime_ms == sent + lease_ms);
}

TEST_CASE("heartbeats tell the stop grace that the keeper was started with") {
  world w;
  keeper_hello hello;
  SECTION("another one than the agent's") {
    hello.stop_grace_ms = 7 * grace_ms;
    w.hear(hello);
    w.begin();
    w.beat();
    CHECK(w.only<heartbeat_effect>().what.lives_for_ms
          == lease_ms + 7 * grace_ms);
  }
  SECTION("an older keeper does not say") {
    w.hear(hello);
    w.begin();
    w.beat();
    CHECK(w.only<heartbeat_effect>().what.lives_for_ms == lease_ms + grace_ms);
  }
}

TEST_CASE("a keeper that ended says by a last heartbeat that none lives") {
  world w;
  w.begin();
  w.machine.on_keeper_ended();
  w.look();
  auto last = w.only<heartbeat_effect>().what;
  CHECK(last.agent == alice);
  CHECK(last.session == first_session);
  CHECK(last.lives_for_ms == 0);
  // It is detached: there is nothing left to say it of.
  w.machine.on_keeper_ended();
  w.look();
  CHECK(w.effects.empty());
}

TEST_CASE("the lease counts from the sending of the acknowledged heartbeat") {
  world w;
  w.begin();
  auto sent = w.now;
  auto beat = w.beat();
  auto what = w.only<heartbeat_effect>().what;
  CHECK(what.agent == alice);
  CHECK(what.session == first_session);
  CHECK(what.environment_shard == home);
  CHECK(what.lives_for_ms == lease_ms + grace_ms);
  CHECK(w.requests<keeper_lease>().empty());
  w.advance(700);
  w.acknowledged(beat);
  auto leases = w.requests<keeper_lease>();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].until_boottime_ms == sent + lease_ms);
  w.acknowledged(beat);
  CHECK(w.effects.empty());
}

TEST_CASE("a heartbeat that was not acknowledged gives no lease") {
  world w;
  w.begin();
  w.acknowledged(w.beat(), false);
  CHECK(w.effects.empty());
}

TEST_CASE("heartbeats go out at their interval") {
  world w;
  w.begin();
  w.acknowledged(w.beat());
  CHECK(w.machine.next_due_boottime_ms() == w.now + interval_ms);
  w.advance(interval_ms - 1);
  CHECK(w.effects.empty());
  w.advance(1);
  w.acknowledged(w.beat());
}

TEST_CASE("an agent sends no heartbeat while its keeper does not answer") {
  world w;
  w.begin();
  w.advance(0);
  auto check = w.requests<keeper_check>();
  REQUIRE(check.size() == 1);
  CHECK_FALSE(w.machine.next_due_boottime_ms());
  w.advance(10 * interval_ms);
  CHECK(w.effects.empty());
  w.hear(keeper_alive{check[0].check + 1});
  CHECK(w.effects.empty());
  auto answered = w.now;
  w.hear(keeper_alive{check[0].check});
  auto beat = w.only<heartbeat_effect>();
  w.acknowledged(beat.token);
  CHECK(w.requests<keeper_lease>()[0].until_boottime_ms == answered + lease_ms);
}

TEST_CASE("heartbeats that are not acknowledged do not pile up") {
  world w;
  w.begin();
  std::vector<uint64_t> beats;
  for (size_t i = 0; i < heartbeats_in_flight_max; ++i) {
    beats.push_back(w.beat());
    w.advance(interval_ms);
  }
  w.answer_check();
  CHECK(w.taken<heartbeat_effect>().empty());
  w.acknowledged(beats[3]);
  w.advance(interval_ms);
  w.beat();
}

TEST_CASE("a session that is over is followed by a new one, by nothing else") {
  world w;
  w.begin();
  auto beat = w.beat();
  w.hear(keeper_session_over{alice, first_session});
  auto asked = w.requests<keeper_open_session>();
  REQUIRE(asked.size() == 1);
  CHECK(w.effects.size() == 1);
  CHECK_FALSE(w.machine.all_joined());
  w.acknowledged(beat);
  CHECK(w.effects.empty());
  w.advance(10 * interval_ms);
  CHECK(w.effects.empty());
  w.hear(keeper_session_over{alice, first_session});
  CHECK(w.effects.empty());
  w.session(second_session, 300);
  CHECK(w.requests<keeper_lease>()[0].until_boottime_ms == w.now + lease_ms);
  CHECK(std::get<agent_joins>(w.only<append_message_effect>().what.body).session
        == second_session);
}

TEST_CASE("the join of a session that is over is not made again") {
  world w;
  w.attach();
  w.session(first_session, 100);
  auto join = w.only<append_message_effect>();
  w.hear(keeper_session_over{alice, first_session});
  w.machine.on_appended(join.token, false);
  w.look();
  CHECK(w.effects.empty());
}

TEST_CASE("a dispatch goes to the keeper with its position") {
  world w;
  w.begin();
  CHECK(w.handed_over(w.start(1), 105) == std::vector<int64_t>{105});
  CHECK(w.handed_over(w.start(2, second_session), 106).empty());
  agent_id bob{environment_uid{1}, "bob"};
  CHECK(w.handed_over(w.start(2, first_session, bob), 107).empty());
  w.hear(keeper_dispatch_taken{alice, first_session, home, 1});
  CHECK(w.effects.empty());
  w.hear(keeper_dispatch_refused{alice, first_session, home, 1});
  CHECK(w.effects.empty());
}

TEST_CASE("no dispatch is handed over before reading has begun") {
  world w;
  w.attach();
  w.session(first_session);
  CHECK(w.handed_over(w.start(1), 99).empty());
}

TEST_CASE("how far others' dispatches were read is told with a heartbeat") {
  world w;
  w.begin();
  w.machine.on_dispatches_read(alice, 150);
  w.look();
  CHECK(w.effects.empty());
  w.acknowledged(w.beat());
  w.machine.on_dispatches_read(alice, 140);
  w.advance(interval_ms);
  w.answer_check();
  CHECK(w.requests<keeper_reading_position>().empty());
  w.machine.on_dispatches_read(alice, 160);
  w.advance(interval_ms);
  w.answer_check();
  auto told = w.requests<keeper_reading_position>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].position == 160);
  CHECK_FALSE(told[0].asks);
}

TEST_CASE("what the keeper had no room for is read again") {
  world w;
  w.begin();
  w.hear(keeper_dispatch_taken{alice, first_session, home, 4, true, 104});
  auto again = w.only<read_dispatches_effect>();
  CHECK(again.from == 104);
  CHECK(again.session == first_session);
}

TEST_CASE("with the embedded log what the keeper had no room for is sent "
          "again by its shard") {
  agent_machine machine;
  machine.offer({alice, home, {4000, 1024, {}}});
  machine.on_keeper_attached();
  machine.on_keeper_event(keeper_session{alice, first_session, {}, {}});
  machine.take_effects();
  machine.on_keeper_event(
      keeper_dispatch_taken{alice, first_session, home, 4, true});
  auto effects = machine.take_effects();
  REQUIRE(effects.size() == 2);
  CHECK(std::get<dispatch_delivered_effect>(effects[0]).up_to == 4);
  CHECK(std::get<session_attached_effect>(effects[1]).last_taken
        == std::map<uint32_t, uint64_t>{{home.value, 4}});
  CHECK_FALSE(machine.next_due_boottime_ms());
}

TEST_CASE("a keeper that is gone gets no heartbeats until it is there again") {
  world w;
  w.begin();
  auto beat = w.beat();
  w.machine.on_keeper_detached();
  w.advance(10 * interval_ms);
  CHECK(w.effects.empty());
  w.acknowledged(beat);
  CHECK(w.effects.empty());
  w.attach();
  CHECK(w.requests<keeper_open_session>().size() == 1);
  w.session(first_session, 105, true);
  CHECK(w.only<read_dispatches_effect>().from == 105);
  CHECK(w.requests<keeper_lease>().empty());
  w.beat();
}

TEST_CASE("an agent joins again until its shard has shown that it knows it") {
  world w;
  w.begin();
  // Its environment may not have been there when the join was taken.
  auto joins_of = [&w](int heartbeats) {
    std::vector<int> joins;
    for (int i = 1; i <= heartbeats; ++i) {
      auto token = w.beat();
      for (const auto& append : w.taken<append_message_effect>()) {
        const auto* joins_again = std::get_if<agent_joins>(&append.what.body);
        REQUIRE(joins_again);
        CHECK(joins_again->session == first_session);
        joins.push_back(i);
        w.machine.on_appended(append.token, true);
      }
      w.machine.on_heartbeat_appended(token, true);
      w.advance(interval_ms);
    }
    return joins;
  };
  CHECK(joins_of(30) == std::vector<int>{4, 12, 28});
  dispatch d{home, alice, first_session, 1, stop_attempt{}};
  w.machine.on_dispatch(d, 100);
  CHECK(joins_of(100).empty());
}

TEST_CASE("an agent that drains says so again and again, ever more seldom") {
  world w;
  w.begin();
  // Its shard knows it.
  w.handed_over(w.start(1), 100);
  w.machine.drain();
  w.look();
  w.machine.on_appended(w.only<append_message_effect>().token, true);
  std::vector<int> said;
  for (int heartbeat = 1; heartbeat <= 30; ++heartbeat) {
    w.advance(interval_ms);
    auto beaten = w.beat();
    for (const auto& join : w.taken<append_message_effect>()) {
      CHECK(std::get<agent_joins>(join.what.body).capacity == resources{});
      w.machine.on_appended(join.token, true);
      said.push_back(heartbeat);
    }
    w.acknowledged(beaten);
  }
  CHECK(said == std::vector<int>{4, 12, 28});
}
