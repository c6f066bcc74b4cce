#include "tests/sim/tests/made_history.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

namespace {

leases_finished given_back(uint64_t lease, bool lost = false) {
  return {queue_uid{7}, environment_uid{1}, {lease_id{lease}}, lost};
}

leases_freed freed(uint64_t lease) {
  return {environment_uid{1}, {lease_id{lease}}};
}

} // namespace

TEST_CASE("agents_not_overcommitted: agents hold what is on them") {
  made_history h{agents_not_overcommitted};
  resources two;
  two.vcpu_milli = 2000;
  two.memory_mib = 1024;
  h.happen(agent_offered{1, {environment_uid{1}, "a"}, two});
  h.decide({environment(1), agent(1, "a", 2), wants(1, 7, 1, {})});
  SECTION("three processes of one vCPU on two are told") {
    h.start(attempt(1), 1).start(attempt(2), 2);
    CHECK(h.found().empty());
    h.start(attempt(3), 3);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("room comes back with the end") {
    h.start(attempt(1), 1).start(attempt(2), 2).exit(attempt(1), 1);
    h.start(attempt(3), 3);
    CHECK(h.end().empty());
  }
  SECTION("leases count before processes do") {
    h.decide({grants(1, 7, 1, 1, "a", 3)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("an agent that drains is given no more, until it takes work again") {
    h.decide({agent_joined{{environment_uid{1}, "a"}, {1, 1}, {}, 0}});
    auto grant = grants(1, 7, 1, 1);
    SECTION("but not while it drains") {
      h.decide({grant});
      CHECK_FALSE(h.found().empty());
    }
    SECTION("and then as much as before") {
      h.decide({agent(1, "a", 8), grants(1, 7, 1, 1, "a", 2)});
      CHECK(h.found().empty());
      h.decide({grants(1, 7, 1, 3)});
      CHECK_FALSE(h.found().empty());
    }
  }
  SECTION("an agent that is not there holds nothing") {
    h.decide({agent_session_ended{{environment_uid{1}, "a"}, {1, 1}}});
    h.decide({grants(1, 7, 1, 1)});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("environment_within_maximum: no more vCPUs than the maximum") {
  made_history h{environment_within_maximum};
  h.decide({environment(1, 2), agent(1, "a", 8)});
  SECTION("more are told") {
    h.decide({grants(1, 7, 1, 1, "a", 3)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("as many are well, and again when they are back") {
    h.decide({grants(1, 7, 1, 1, "a", 2)});
    h.decide({freed(1), grants(1, 7, 1, 3)});
    CHECK(h.end().empty());
  }
  SECTION("a disabled one grants nothing") {
    auto disabled = environment(1, 2);
    disabled.object->settings.state = object_state::disabled;
    h.decide({disabled, grants(1, 7, 1, 1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("an unmanaged one has no maximum") {
    auto unmanaged = environment(1, 2);
    unmanaged.object->settings.type = environment_type::unmanaged;
    h.decide({unmanaged, grants(1, 7, 1, 1, "a", 3)});
    CHECK(h.end().empty());
  }
}

TEST_CASE("leases_balance: every lease comes back once") {
  made_history h{leases_balance};
  h.decide({environment(1), agent(1, "a", 4), grants(1, 7, 1, 1)});
  SECTION("one that stays out is told") {
    CHECK_FALSE(h.end().empty());
  }
  SECTION("one that is granted twice is told") {
    h.decide({grants(1, 7, 1, 1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that is freed twice is told") {
    h.decide({freed(1)}).decide({freed(1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one whose attempt lives is not given back") {
    h.decide({matches(1, 7, 1, 1, 1), placed(attempt(1))});
    h.decide({given_back(1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("an attempt has the lease that was matched to it") {
    h.decide({matches(1, 7, 1, 2, 1), placed(attempt(1))});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("an environment does not go with leases out") {
    h.decide({environment_dropped{environment_uid{1}}});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a whole life is well") {
    h.decide({matches(1, 7, 1, 1, 1), placed(attempt(1))});
    h.decide({finished(attempt(1), after_attempt::succeed), given_back(1),
              freed(1)});
    CHECK(h.end().empty());
  }
  SECTION("what was lost with a session is back, too") {
    h.decide({matches(1, 7, 1, 1, 1), placed(attempt(1))});
    h.decide({agent_session_ended{{environment_uid{1}, "a"}, {1, 1}},
              given_back(1, true),
              finished(attempt(1), after_attempt::retry, 1)});
    CHECK(h.end().empty());
  }
}

} // namespace berth::sim
