// Agents that finish what they have and are given no more.
#include "tests/unit/actors/environment_under_test.hpp"

namespace berth::testing {

namespace {

const resources nothing{};

} // namespace

TEST_CASE("an agent that drains keeps its leases and is given no more") {
  environment_under_test t;
  t.join("a", make(4));
  t.want(q1, {run(small, 1)});
  REQUIRE(grants(t.pass()) == std::vector<given>{{q1.uid, small, "a", 1}});
  auto out = t.join("a", nothing);
  CHECK(emitted<agent_session_ended>(out).empty());
  CHECK(sent<lease_lost>(out).empty());
  t.want(q1, {run(small, 2)}, 1, 1);
  CHECK(grants(t.pass()).empty());
  REQUIRE(t.environment.agents().size() == 1);
  CHECK(t.environment.agents()[0].drains);
  CHECK(t.environment.agents()[0].capacity == make(4));
  CHECK(t.environment.vcpu_milli_leased() == 1000);
  t.free(q1, {1});
  CHECK(grants(t.pass()).empty());
  CHECK(t.environment.vcpu_milli_leased() == 0);
}

TEST_CASE("others take what an agent that drains does not") {
  environment_under_test t;
  t.join("a", make(4));
  t.join("b", make(1));
  t.join("a", nothing);
  t.want(q1, {run(small, 3)});
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, small, "b", 1}});
}

TEST_CASE("an environment all of whose agents drain has nothing") {
  environment_under_test t;
  t.join("a", make(4));
  t.join("a", nothing);
  t.want(q1, {run(small, 1)});
  auto told = sent<saturated>(t.pass());
  REQUIRE(told.size() == 1);
  CHECK(told[0].everything);
}

TEST_CASE("an agent that drains may take work again, as much as before") {
  environment_under_test t;
  t.join("a", make(4));
  t.want(q1, {run(of(3), 1)});
  t.pass();
  t.join("a", nothing);
  t.want(q1, {run(small, 8)}, 1, 1);
  CHECK(grants(t.pass()).empty());
  // What it offers now counts from its next session on.
  t.join("a", make(2));
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, small, "a", 1}});
  CHECK_FALSE(t.environment.agents()[0].drains);
}

TEST_CASE("draining said again changes nothing, nor does an older session") {
  environment_under_test t;
  t.join("a", make(4), second_session);
  CHECK(t.join("a", nothing, first_session).events.empty());
  CHECK(t.join("a", make(2), second_session).events.empty());
  CHECK(t.join("a", nothing, second_session).events.size() == 1);
  CHECK(t.join("a", nothing, second_session).events.empty());
}

TEST_CASE("what an earlier process of an agent said, and lands late, drains "
          "nothing") {
  environment_under_test t;
  t.join("a", make(4), first_session, 2);
  // Its process drained, and was started again before that was in the log.
  CHECK(emitted<agent_joined>(t.join("a", make(4), first_session, 4)).size()
        == 1);
  CHECK(t.join("a", nothing, first_session, 3).events.empty());
  CHECK_FALSE(t.environment.agents()[0].drains);
  t.want(q1, {run(small, 1)});
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, small, "a", 1}});
}

TEST_CASE("what an agent said before it drained, and lands late, gives it no "
          "work") {
  environment_under_test t;
  t.join("a", make(4), first_session, 2);
  CHECK(emitted<agent_joined>(t.join("a", nothing, first_session, 3)).size()
        == 1);
  CHECK(t.join("a", make(4), first_session, 2).events.empty());
  CHECK(t.join("a", make(4), first_session, 0).events.empty());
  CHECK(t.environment.agents()[0].drains);
}

TEST_CASE("a join said again in its order changes nothing") {
  environment_under_test t;
  t.join("a", make(4), first_session, 2);
  CHECK(t.join("a", make(4), first_session, 2).events.empty());
  t.join("a", nothing, first_session, 3);
  CHECK(t.join("a", nothing, first_session, 3).events.empty());
  // From an agent whose keeper counts since.
  environment_under_test older;
  older.join("a", nothing);
  CHECK(emitted<agent_joined>(older.join("a", make(4), first_session, 2)).size()
        == 1);
  CHECK_FALSE(older.environment.agents()[0].drains);
}

TEST_CASE("orders belong to a session") {
  environment_under_test t;
  t.join("a", nothing, first_session, 9);
  t.join("a", make(4), second_session, 2);
  CHECK(t.join("a", nothing, first_session, 11).events.empty());
  CHECK_FALSE(t.environment.agents()[0].drains);
  t.join("a", nothing, second_session, 3);
  CHECK(t.environment.agents()[0].drains);
}

TEST_CASE("an agent that was lost is not back for a greater order") {
  environment_under_test t;
  t.join("a", make(4), first_session, 2);
  t.lose("a");
  CHECK(t.join("a", make(4), first_session, 4).events.empty());
  CHECK(t.environment.agents().empty());
}

TEST_CASE("the order of what an agent said is in its environment's row and "
          "events") {
  environment_under_test t;
  t.join("a", make(4), first_session, 2);
  auto joined =
      emitted<agent_joined>(t.join("a", make(4), first_session, 4)).at(0);
  CHECK(joined.order == 4);
  auto row = t.environment.to_row();
  auto loaded = compute_environment_actor::from_row(row);
  REQUIRE(loaded);
  CHECK(loaded->to_row() == row);
  draft late;
  loaded->decide(agent_joins{joined.agent, first_session, nothing, 3},
                 t.context, late);
  CHECK(late.events.empty());
  loaded->decide(agent_joins{joined.agent, first_session, nothing, 5},
                 t.context, late);
  CHECK(emitted<agent_joined>(late).size() == 1);
}

TEST_CASE("an agent's next session drains no more") {
  environment_under_test t;
  t.join("a", make(4));
  t.join("a", nothing);
  t.join("a", make(2), second_session);
  t.want(q1, {run(small, 8)});
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, small, "a", 2}});
}

TEST_CASE("an agent whose session begins draining may take work later") {
  environment_under_test t;
  t.join("a", nothing);
  t.want(q1, {run(small, 8)});
  auto told = sent<saturated>(t.pass());
  REQUIRE(told.size() == 1);
  CHECK(told[0].everything);
  t.join("a", make(2));
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, small, "a", 2}});
}

TEST_CASE("an agent that drained and was lost is gone like any other") {
  environment_under_test t;
  t.join("a", make(4));
  t.want(q1, {run(small, 1)});
  t.pass();
  t.join("a", nothing);
  auto lost = sent<lease_lost>(t.lose("a"));
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].leases.size() == 1);
  CHECK(t.environment.agents().empty());
}

TEST_CASE("an agent that drains is kept for nobody") {
  environment_under_test t{unmanaged(0)};
  t.join("a", make(8));
  t.join("b", make(8));
  t.want(q1, {run(small, 1)});
  t.want(q2, {run(big, 1)});
  t.pass();
  t.want(q1, {run(big, 1)}, 1, 1);
  t.pass();
  REQUIRE(t.environment.agents()[0].reserved);
  t.join("a", nothing);
  CHECK_FALSE(t.environment.agents()[0].reserved);
  auto reserved = emitted<agents_reserved>(t.pass());
  REQUIRE(reserved.size() == 1);
  CHECK(reserved[0].agents == std::vector<std::string>{"b"});
}

TEST_CASE("draining is in an environment's row") {
  environment_under_test t;
  t.join("a", make(4));
  t.join("a", nothing);
  auto loaded = compute_environment_actor::from_row(t.environment.to_row());
  REQUIRE(loaded);
  CHECK(loaded->agents()[0].drains);
  CHECK(loaded->to_row() == t.environment.to_row());
}

} // namespace berth::testing
