#include "actors/agent_watch.hpp"

#include "actors/shard_state.hpp"
#include "messages/record.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

constexpr int64_t lease_ms = 30'000;
constexpr int64_t grace_ms = 2000;
constexpr int64_t margin_ms = 1000;
constexpr int64_t count_ms = lease_ms + grace_ms + margin_ms;
const environment_uid the_environment{7};
const agent_id alice{the_environment, "alice"};
const agent_id bob{the_environment, "bob"};
const session_id first_session{1, 1};
const session_id second_session{1, 2};

/// An owner's watch, and the state that its host folds beside it.
struct world {
  world() {
    environment_configured e;
    e.object->uid = the_environment;
    state.apply(event{e});
    watch.on_clock(now);
  }
  void fold(event e) {
    state.apply(e);
    decision_record d;
    d.events.push_back(std::move(e));
    watch.on_decision(d);
  }
  void join(const agent_id& agent, const session_id& s = first_session) {
    fold(agent_joined{agent, s, {1000, 1000, {}}, 0});
  }
  void claim() { watch.on_claim(state); }
  void advance(int64_t ms) {
    now += ms;
    watch.on_clock(now);
  }
  void hear(const agent_id& agent, const session_id& s = first_session,
            int64_t lives_for_ms = lease_ms + grace_ms) {
    watch.on_heartbeat({agent, s, shard_id{0}, lives_for_ms});
  }
  /// The looks asked for since the last call; losses are put aside.
  std::vector<uint64_t> looks() {
    std::vector<uint64_t> found;
    for (auto& effect : watch.take_effects())
      if (const auto* look =
              std::get_if<look_at_heartbeats_end_effect>(&effect))
        found.push_back(look->look);
      else
        lost_.push_back(std::get<agent_lost_effect>(effect).what);
    return found;
  }
  std::vector<agent_lost_call> lost() {
    looks();
    return std::exchange(lost_, {});
  }
  uint64_t the_look() {
    auto found = looks();
    REQUIRE(found.size() == 1);
    return found[0];
  }

  int64_t now = 50'000;
  shard_state state{{}};
  agent_watch watch{{lease_ms, grace_ms, margin_ms}};

private:
  std::vector<agent_lost_call> lost_;
};

} // namespace

TEST_CASE("an agent that says that none of its processes lives is lost soon") {
  world w;
  w.claim();
  w.join(alice);
  w.hear(alice, first_session, 0);
  w.advance(margin_ms - 1);
  CHECK(w.looks().empty());
  w.advance(1);
  w.watch.on_heartbeats_read(w.the_look());
  auto lost = w.lost();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].agent == alice);
  CHECK(lost[0].session == first_session);
}

TEST_CASE("an agent that has left and joins anew is counted as any other") {
  world w;
  w.claim();
  w.join(alice);
  w.hear(alice, first_session, 0);
  w.join(alice, second_session);
  // Of the session before.
  w.hear(alice, first_session, 0);
  w.advance(count_ms - 1);
  CHECK(w.looks().empty());
}

TEST_CASE("an agent is lost once its count has run out and then the heartbeats "
          "were read to their end") {
  world w;
  w.claim();
  w.join(alice);
  CHECK(w.watch.next_due_boottime_ms() == w.now + count_ms);
  w.advance(count_ms - 1);
  CHECK(w.looks().empty());
  w.advance(1);
  auto look = w.the_look();
  CHECK(w.lost().empty());
  w.watch.on_heartbeats_read(look);
  auto lost = w.lost();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].agent == alice);
  CHECK(lost[0].session == first_session);
  w.fold(agent_session_ended{alice, first_session});
  CHECK(w.watch.agents_watched() == 0);
  CHECK_FALSE(w.watch.next_due_boottime_ms());
  w.advance(10 * count_ms);
  CHECK(w.watch.take_effects().empty());
}

TEST_CASE("a heartbeat that was in the topic when the count ran out saves the "
          "agent") {
  world w;
  w.claim();
  w.join(alice);
  w.advance(count_ms);
  auto look = w.the_look();
  w.hear(alice);
  w.watch.on_heartbeats_read(look);
  CHECK(w.lost().empty());
  CHECK(w.watch.next_due_boottime_ms() == w.now + count_ms);
}

TEST_CASE("each heartbeat of the watched session begins the count anew") {
  world w;
  w.claim();
  w.join(alice);
  for (int i = 0; i < 5; ++i) {
    w.advance(count_ms - 1);
    w.hear(alice);
  }
  CHECK(w.looks().empty());
  SECTION("not another session's") {
    w.advance(1);
    w.hear(alice, second_session);
    w.hear(bob);
    w.advance(count_ms - 1);
    w.watch.on_heartbeats_read(w.the_look());
    CHECK(w.lost().size() == 1);
  }
}

TEST_CASE("a look that was open when a count ran out does not count for it") {
  world w;
  w.claim();
  w.join(alice);
  w.advance(10);
  w.join(bob);
  w.advance(count_ms - 10);
  auto first = w.the_look();
  w.advance(10);
  CHECK(w.looks().empty());
  w.watch.on_heartbeats_read(first);
  auto second = w.the_look();
  auto lost = w.lost();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].agent == alice);
  w.watch.on_heartbeats_read(first);
  CHECK(w.lost().empty());
  w.watch.on_heartbeats_read(second);
  REQUIRE(w.lost().size() == 1);
}

TEST_CASE("the count begins anew with the claim") {
  world w;
  w.join(alice);
  w.advance(10 * count_ms);
  CHECK(w.watch.take_effects().empty());
  w.claim();
  CHECK(w.watch.agents_watched() == 1);
  w.advance(count_ms - 1);
  CHECK(w.watch.take_effects().empty());
  SECTION("and with the next one") {
    w.watch.on_stepped_down();
    w.advance(10 * count_ms);
    CHECK(w.watch.take_effects().empty());
    CHECK(w.watch.agents_watched() == 0);
    w.claim();
    w.advance(count_ms - 1);
    CHECK(w.watch.take_effects().empty());
  }
  w.advance(1);
  CHECK(w.looks().size() == 1);
}

TEST_CASE("a look of an earlier claim says nothing under the next one") {
  world w;
  w.join(alice);
  w.claim();
  w.advance(count_ms);
  auto look = w.the_look();
  w.claim();
  w.advance(count_ms);
  auto next = w.the_look();
  w.watch.on_heartbeats_read(look);
  CHECK(w.lost().empty());
  w.watch.on_heartbeats_read(next);
  CHECK(w.lost().size() == 1);
}

TEST_CASE("the count begins anew when an outage of the broker is over") {
  world w;
  w.join(alice);
  w.claim();
  w.advance(count_ms);
  auto look = w.the_look();
  w.watch.on_broker_lost();
  CHECK_FALSE(w.watch.next_due_boottime_ms());
  w.advance(count_ms);
  CHECK(w.watch.take_effects().empty());
  w.watch.on_broker_back();
  w.watch.on_heartbeats_read(look);
  CHECK(w.lost().empty());
  w.advance(count_ms - 1);
  CHECK(w.watch.take_effects().empty());
  w.advance(1);
  w.watch.on_heartbeats_read(w.the_look());
  CHECK(w.lost().size() == 1);
}

TEST_CASE("a new session begins its own count") {
  world w;
  w.join(alice);
  w.claim();
  w.advance(count_ms);
  auto look = w.the_look();
  w.fold(agent_session_ended{alice, first_session});
  w.join(alice, second_session);
  w.watch.on_heartbeats_read(look);
  CHECK(w.lost().empty());
  w.advance(count_ms);
  w.watch.on_heartbeats_read(w.the_look());
  auto lost = w.lost();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].session == second_session);
}

TEST_CASE("an agent whose lease is longer than the node knows is waited for") {
  world w;
  w.join(alice);
  w.claim();
  w.hear(alice, first_session, 2 * lease_ms + grace_ms);
  w.advance(2 * lease_ms + grace_ms + margin_ms - 1);
  CHECK(w.looks().empty());
  w.advance(1);
  CHECK(w.looks().size() == 1);
}

TEST_CASE("an agent said to be shorter-lived than its environment is waited "
          "for as long") {
  world w;
  w.join(alice);
  w.claim();
  w.hear(alice, first_session, 1);
  w.advance(count_ms - 1);
  CHECK(w.looks().empty());
}

TEST_CASE("a loss of which nothing came is said again, behind a look of its "
          "own") {
  world w;
  w.join(alice);
  w.claim();
  w.advance(count_ms);
  w.watch.on_heartbeats_read(w.the_look());
  CHECK(w.lost().size() == 1);
  CHECK(w.watch.next_due_boottime_ms() == w.now + margin_ms);
  w.advance(margin_ms);
  w.watch.on_heartbeats_read(w.the_look());
  CHECK(w.lost().size() == 1);
}

TEST_CASE("agents of an environment that is gone are not watched") {
  world w;
  w.join(alice);
  w.join(bob);
  w.claim();
  CHECK(w.watch.agents_watched() == 2);
  w.advance(count_ms);
  auto look = w.the_look();
  w.fold(environment_dropped{the_environment});
  CHECK(w.watch.agents_watched() == 0);
  w.watch.on_heartbeats_read(look);
  CHECK(w.lost().empty());
}

TEST_CASE("decisions that others make are not watched") {
  world w;
  w.join(alice);
  CHECK(w.watch.agents_watched() == 0);
  w.hear(alice);
  w.advance(count_ms);
  CHECK(w.watch.take_effects().empty());
}
