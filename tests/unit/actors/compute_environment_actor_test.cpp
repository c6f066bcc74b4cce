#include "actors/compute_environment_actor.hpp"

#include "messages/limits.hpp"
#include "tests/unit/actors/environment_under_test.hpp"

namespace berth::testing {

TEST_CASE("an environment without agents has nothing") {
  environment_under_test t;
  t.want(q1, {run(small, 1)});
  auto told = sent<saturated>(t.pass());
  REQUIRE(told.size() == 1);
  CHECK(told[0].queue == q1.uid);
  CHECK(told[0].everything);
  CHECK(t.pass().events.empty());

  t.join("a", make(4));
  auto out = t.pass();
  CHECK(grants(out) == std::vector<given>{{q1.uid, small, "a", 1}});
  told = sent<saturated>(out);
  REQUIRE(told.size() == 1);
  CHECK_FALSE(told[0].everything);
  CHECK(told[0].shapes.empty());
}

TEST_CASE("a grant says what is leased where, and is numbered per queue") {
  environment_under_test t;
  t.join("a", make(4));
  t.want(q1, {run(small, 2)});
  t.want(q2, {run(small, 1)});
  auto out = t.pass();
  auto granted = sent<grant>(out);
  REQUIRE(granted.size() == 2);
  CHECK(granted[0].environment == the_environment);
  CHECK(granted[0].environment_shard == here);
  CHECK(granted[0].grant_number == 1);
  REQUIRE(granted[0].leases.size() == 2);
  CHECK(granted[0].leases[0] == lease{lease_id{1}, small, "a", first_session});
  CHECK(granted[0].leases[1].id == lease_id{2});
  CHECK(granted[1].grant_number == 1);
  CHECK(granted[1].leases[0].id == lease_id{3});
  CHECK(out.messages[1].to == elsewhere);
  CHECK(emitted<leases_granted>(out).size() == 2);
  CHECK(t.environment.vcpu_milli_leased() == 3000);

  t.want(q1, {run(small, 1)}, 1, 1);
  granted = sent<grant>(t.pass());
  REQUIRE(granted.size() == 1);
  CHECK(granted[0].grant_number == 2);
  CHECK(granted[0].leases[0].id == lease_id{4});
}

TEST_CASE("the queue with the higher priority is served first, then the one "
          "with the older job, then the older queue") {
  struct row {
    int32_t priority1, priority2;
    int64_t oldest1, oldest2;
    queue_uid first;
  };
  auto r = GENERATE(row{1, 2, 0, 0, q2.uid}, row{2, 1, 9, 0, q1.uid},
                    row{1, 1, 9, 0, q2.uid}, row{1, 1, 0, 9, q1.uid},
                    row{1, 1, 5, 5, q1.uid}, row{-1, 0, 0, 9, q2.uid});
  environment_under_test t;
  t.join("a", make(1));
  t.want(q1, {run(small, 1, r.oldest1)}, r.priority1);
  t.want(q2, {run(small, 1, r.oldest2)}, r.priority2);
  auto found = grants(t.pass());
  REQUIRE(found.size() == 1);
  CHECK(found[0].queue == r.first);
}

TEST_CASE("runs of queues with one priority are merged by age") {
  environment_under_test t;
  t.join("a", make(4));
  t.want(q1, {run(small, 1, 10), run(of(2), 1, 30)});
  t.want(q2, {run(small, 1, 20), run(of(2), 1, 25)});
  CHECK(grants(t.pass())
        == std::vector<given>{{q1.uid, small, "a", 1},
                              {q2.uid, small, "a", 1},
                              {q2.uid, of(2), "a", 1}});
}

TEST_CASE("a lower priority may use what a higher one cannot use now") {
  environment_under_test t;
  t.join("a", make(4));
  t.want(q1, {run(big, 1)}, 9);
  t.want(q2, {run(small, 1)}, 1);
  // It can never fit, so it keeps nobody from anything.
  CHECK(grants(t.pass()) == std::vector<given>{{q2.uid, small, "a", 1}});

  environment_under_test busy;
  busy.join("a", make(8));
  busy.want(q2, {run(small, 1)}, 1);
  busy.pass();
  busy.want(q1, {run(big, 1)}, 9);
  busy.want(q2, {run(small, 1)}, 1, 1);
  CHECK(grants(busy.pass()) == std::vector<given>{{q2.uid, small, "a", 1}});
}

TEST_CASE("a queue's own order is kept") {
  environment_under_test t;
  t.join("a", make(3));
  t.want(q1, {run(small, 1, 5), run(of(2), 1, 6), run(small, 1, 7)});
  CHECK(
      grants(t.pass())
      == std::vector<given>{{q1.uid, small, "a", 1}, {q1.uid, of(2), "a", 1}});
}

TEST_CASE("a head that does not fit is passed by smaller jobs, but only for "
          "the head's wait") {
  environment_under_test t;
  t.join("a", make(8));
  t.want(q1, {run(small, 2)});
  t.pass();
  t.want(q1, {run(big, 1), run(small, 1)}, 1, 1);
  auto out = t.pass();
  CHECK(grants(out) == std::vector<given>{{q1.uid, small, "a", 1}});
  auto blocked = emitted<head_blocked>(out);
  REQUIRE(blocked.size() == 1);
  CHECK(blocked[0].what == big);
  CHECK(blocked[0].since_ms == t.context.now_ms);
  CHECK(t.environment.next_due_ms() == t.context.now_ms + 60'000);
  CHECK_FALSE(t.environment.agents()[0].reserved);

  t.context.now_ms += 59'999;
  t.want(q1, {run(big, 1), run(small, 1)}, 1, 2);
  CHECK(grants(t.pass()).size() == 1);

  t.context.now_ms += 1;
  out = t.pass();
  auto reserved = emitted<agents_reserved>(out);
  REQUIRE(reserved.size() == 1);
  CHECK(reserved[0].what == big);
  CHECK(reserved[0].agents == std::vector<std::string>{"a"});
  CHECK(t.environment.agents()[0].reserved);
  CHECK_FALSE(t.environment.next_due_ms().has_value());

  // Nobody passes any more, of whatever priority.
  t.want(q1, {run(big, 1), run(small, 1)}, 1, 3);
  t.want(q2, {run(small, 1)}, 99);
  CHECK(grants(t.pass()).empty());
  t.free(q1, {1, 2, 3});
  CHECK(grants(t.pass()).empty());
  // The last one frees it: the head runs, and the agent is open again.
  t.free(q1, {4});
  out = t.pass();
  CHECK(grants(out) == std::vector<given>{{q1.uid, big, "a", 1}});
  CHECK(emitted<head_unblocked>(out).size() == 1);
  CHECK_FALSE(t.environment.agents()[0].reserved);
}

TEST_CASE("a head's count ends when a job of its shape was granted, and "
          "begins anew for the next") {
  environment_under_test t;
  t.join("a", make(2));
  t.want(q1, {run(of(2), 3)});
  auto out = t.pass();
  REQUIRE(emitted<head_blocked>(out).size() == 1);
  auto began = t.context.now_ms;
  t.context.now_ms += 50'000;
  t.free(q1, {1});
  out = t.pass();
  CHECK(grants(out).size() == 1);
  auto blocked = emitted<head_blocked>(out);
  REQUIRE(blocked.size() == 1);
  CHECK(blocked[0].since_ms == began + 50'000);
}

TEST_CASE("a head that is asked for no more is forgotten with its agent") {
  environment_under_test t{unmanaged(0)};
  t.join("a", make(8));
  t.want(q1, {run(small, 1)});
  t.pass();
  t.want(q1, {run(big, 1)}, 1, 1);
  CHECK(emitted<agents_reserved>(t.pass()).size() == 1);
  t.want(q1, {}, 1, 1);
  t.want(q2, {run(small, 1)});
  auto out = t.pass();
  CHECK(emitted<head_unblocked>(out).size() == 1);
  CHECK(grants(out) == std::vector<given>{{q2.uid, small, "a", 1}});
}

TEST_CASE("without a wait nobody passes on the agent that will hold the head, "
          "others stay open") {
  environment_under_test t{unmanaged(0)};
  t.join("a", make(8));
  t.join("b", make(4));
  t.want(q1, {run(of(2), 1)});
  t.pass(); // Packs into b.
  t.want(q1, {run(small, 1)}, 1, 1);
  t.pass(); // b again.
  t.want(q1, {run(of(7), 1)}, 1, 2);
  t.pass(); // a has 1 left.
  t.want(q1, {run(big, 1), run(small, 5)}, 1, 3);
  auto out = t.pass();
  CHECK(emitted<agents_reserved>(out).size() == 1);
  CHECK(grants(out) == std::vector<given>{{q1.uid, small, "b", 1}});
}

TEST_CASE("a head that fits elsewhere first gives its agent up") {
  environment_under_test t{unmanaged(0)};
  t.join("a", make(8));
  t.want(q1, {run(small, 1)});
  t.pass();
  t.want(q1, {run(big, 1)}, 1, 1);
  t.pass();
  CHECK(t.environment.agents()[0].reserved);
  t.join("b", make(8));
  auto out = t.pass();
  CHECK(grants(out) == std::vector<given>{{q1.uid, big, "b", 1}});
  CHECK_FALSE(t.environment.agents()[0].reserved);
}

TEST_CASE("an agent that a head gives up is offered by priority") {
  environment_under_test t{unmanaged(0)};
  const queue_address q3{{13}, here};
  t.join("a", make(8));
  t.want(q1, {run(of(8), 1)});
  t.pass();
  t.want(q1, {run(of(4), 1)}, 5, 1);
  t.pass();
  CHECK(t.environment.agents()[0].reserved);
  // Both fit into what the head will leave.
  t.want(q2, {run(of(3), 1)}, 1);
  t.want(q3, {run(of(3), 1)}, 9);
  CHECK(grants(t.pass()).empty());
  t.free(q1, {1});
  auto out = t.pass();
  CHECK(
      grants(out)
      == std::vector<given>{{q1.uid, of(4), "a", 1}, {q3.uid, of(3), "a", 1}});
}

TEST_CASE("two queues' heads keep an agent each; a third waits for one") {
  environment_under_test t{unmanaged(0)};
  t.join("a", make(8));
  t.join("b", make(8));
  t.want(q1, {run(small, 1)});
  t.pass();
  t.want(q1, {run(of(8), 1)}, 1, 1);
  t.pass(); // b is taken whole.
  t.want(q1, {run(of(8), 1)}, 5, 2);
  t.want(q2, {run(of(7), 1)}, 4);
  // a has 7 free, but is kept for the first.
  auto out = t.pass();
  CHECK(emitted<agents_reserved>(out).size() == 2);
  CHECK(grants(out).empty());
  const queue_address q3{{13}, here};
  t.want(q3, {run(small, 1)}, 1);
  out = t.pass();
  CHECK(grants(out).empty());
  CHECK(emitted<head_blocked>(out).size() == 1);
  CHECK(emitted<agents_reserved>(out).empty());
  CHECK_FALSE(t.environment.next_due_ms().has_value());
  CHECK(t.environment.contention_for(q3.uid, small).higher_priority == 5);
  CHECK_FALSE(t.environment.contention_for(q3.uid, small).reserved_for.empty());
}

TEST_CASE("a queue is told the whole set of shapes that it cannot have") {
  environment_under_test t;
  t.join("a", make(2));
  t.want(q1, {run(small, 3), run(of(2), 1)});
  auto out = t.pass();
  auto told = sent<saturated>(out);
  REQUIRE(told.size() == 1);
  CHECK(told[0].version == 1);
  CHECK(told[0].shapes == std::vector<shape>{small, of(2)});
  CHECK(told[0].never.empty());
  CHECK(t.pass().events.empty());

  // Asked for no more, but still not to be had: nothing to say.
  t.want(q1, {}, 1, 1);
  CHECK(sent<saturated>(t.pass()).empty());

  // One place comes back: the small are to be had.
  t.free(q1, {1});
  told = sent<saturated>(t.pass());
  REQUIRE(told.size() == 1);
  CHECK(told[0].shapes == std::vector<shape>{of(2)});
  t.free(q1, {2});
  told = sent<saturated>(t.pass());
  REQUIRE(told.size() == 1);
  CHECK(told[0].shapes.empty());
}

TEST_CASE("what was refused but is asked for no more is kept within bounds") {
  environment_under_test t;
  t.join("a", make(200));
  t.want(q1, {run(of(200), 1)});
  t.pass();
  uint64_t most = 0;
  for (int64_t vcpus = 1; vcpus <= 150; ++vcpus) {
    t.want(q1, {run(of(vcpus), 1)}, 1, 1);
    for (const auto& told : sent<saturated>(t.pass()))
      most = std::max<uint64_t>(most, told.shapes.size());
  }
  CHECK(most == limits::saturated_shapes_kept_max + 1);
}

TEST_CASE("what can never fit is named with the reason, until it can") {
  environment_under_test t{managed(16)};
  t.join("a", make(4));
  t.want(q1, {run(of(17), 1), run(big, 1), run(small, 1)});
  auto out = t.pass();
  CHECK(grants(out) == std::vector<given>{{q1.uid, small, "a", 1}});
  // It does not count as a head.
  CHECK(emitted<head_blocked>(out).empty());
  auto told = sent<saturated>(out);
  REQUIRE(told.size() == 1);
  CHECK(told[0].shapes == std::vector<shape>{big, of(17)});
  CHECK(told[0].never
        == std::vector<unserviceable_shape>{
            {big, unserviceable_reason::over_every_agent},
            {of(17), unserviceable_reason::over_environment_maximum}});

  // The queue does not ask for them any more; a larger agent comes.
  t.want(q1, {}, 1, 1);
  CHECK(t.pass().messages.empty());
  t.join("b", make(16));
  told = sent<saturated>(t.pass());
  REQUIRE(told.size() == 1);
  CHECK(told[0].shapes == std::vector<shape>{of(17)});
}

TEST_CASE("several nodes are not served") {
  environment_under_test t;
  t.join("a", make(8));
  shape gang{make(1, 1), 2};
  t.want(q1, {run(gang, 1)});
  auto told = sent<saturated>(t.pass());
  REQUIRE(told.size() == 1);
  CHECK(told[0].never.size() == 1);
}

TEST_CASE("a managed environment leases no more than its maximum") {
  environment_under_test t{managed(3)};
  t.join("a", make(8));
  t.want(q1, {run(small, 5)});
  auto out = t.pass();
  CHECK(grants(out) == std::vector<given>{{q1.uid, small, "a", 3}});
  CHECK(sent<saturated>(out).size() == 1);

  t.configure(managed(4));
  CHECK(grants(t.pass()).size() == 1);
  // Lowered below what is leased: nothing is taken away, nothing is added.
  t.configure(managed(1));
  t.free(q1, {1, 2});
  CHECK(grants(t.pass()).empty());
  t.free(q1, {3, 4});
  CHECK(grants(t.pass()).size() == 1);
}

TEST_CASE("a head that is held up by the maximum gets its vCPUs in the end") {
  auto settings = managed(8);
  settings.head_wait_ms = 0;
  environment_under_test t{settings};
  t.join("a", make(8));
  t.join("b", make(8));
  t.want(q1, {run(small, 2)});
  t.pass();
  t.want(q1, {run(of(7), 1), run(small, 9)}, 1, 1);
  auto out = t.pass();
  CHECK(emitted<agents_reserved>(out).size() == 1);
  CHECK(grants(out).empty());
  t.free(q1, {1});
  out = t.pass();
  CHECK(grants(out).front().what == of(7));
  CHECK(t.environment.vcpu_milli_leased() == 8000);
}

TEST_CASE("a disabled environment grants nothing and lets jobs go on") {
  environment_under_test t;
  t.join("a", make(2));
  t.want(q1, {run(small, 3)});
  t.pass();
  auto off = unmanaged();
  off.state = object_state::disabled;
  t.configure(off);
  auto out = t.pass();
  CHECK(emitted<head_unblocked>(out).size() == 1);
  auto told = sent<saturated>(out);
  REQUIRE(told.size() == 1);
  CHECK(told[0].everything);
  t.free(q1, {1});
  CHECK(t.pass().events.empty());
  CHECK(t.environment.vcpu_milli_leased() == 1000);
  CHECK_FALSE(t.environment.next_due_ms().has_value());

  t.configure(unmanaged());
  out = t.pass();
  CHECK(grants(out).size() == 1);
  told = sent<saturated>(out);
  REQUIRE(told.size() == 1);
  CHECK_FALSE(told[0].everything);
}

TEST_CASE("an environment configured as it is changes nothing") {
  environment_under_test t;
  CHECK(t.configure(unmanaged()).events.empty());
}

TEST_CASE("grants that a demand does not know of are taken off its front") {
  environment_under_test t;
  t.join("a", make(10));
  t.want(q1, {run(small, 2)});
  t.pass();
  // Sent before the grant of two arrived, with one job more.
  t.want(q1, {run(small, 3)}, 1, 0);
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, small, "a", 1}});
  // And again, knowing the first of the two grants.
  t.want(q1, {run(small, 1), run(of(2), 1)}, 1, 1);
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, of(2), "a", 1}});
  t.want(q1, {run(small, 1)}, 1, 3);
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, small, "a", 1}});
}

TEST_CASE("an older demand does not replace a newer one") {
  environment_under_test t;
  t.want(q1, {run(small, 2)});
  t.want(q1, {run(small, 1)});
  demand old{the_environment, q1, 1, 1, 0, {run(small, 2)}};
  CHECK(t.take(old).events.empty());
  old.version = 2;
  CHECK(t.take(old).events.empty());
}

TEST_CASE("a lease is freed once, by its own queue") {
  environment_under_test t;
  t.join("a", make(2));
  t.want(q1, {run(small, 2)});
  t.pass();
  CHECK(t.free(q2, {1}).events.empty());
  CHECK(t.free(q1, {3}).events.empty());
  auto freed = emitted<leases_freed>(t.free(q1, {1, 1, 9}));
  REQUIRE(freed.size() == 1);
  CHECK(freed[0].leases == std::vector<lease_id>{lease_id{1}});
  CHECK(t.free(q1, {1}).events.empty());
  CHECK(t.environment.agents()[0].free.vcpu_milli == 1000);
}

TEST_CASE("a newer session ends the older one and its leases, once") {
  environment_under_test t;
  t.join("a", make(2));
  t.join("b", make(2));
  t.want(q1, {run(small, 1)});
  t.want(q2, {run(small, 2)});
  t.pass();
  CHECK(t.environment.vcpu_milli_leased() == 3000);

  CHECK(t.join("a", make(2), first_session).events.empty());
  auto out = t.join("a", make(3), second_session);
  REQUIRE(emitted<agent_session_ended>(out).size() == 1);
  CHECK(emitted<agent_session_ended>(out)[0].session == first_session);
  REQUIRE(emitted<agent_joined>(out).size() == 1);
  auto lost = sent<lease_lost>(out);
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].queue == q1.uid);
  CHECK(lost[0].leases == std::vector<lease_id>{lease_id{1}});
  CHECK(lost[1].queue == q2.uid);
  CHECK(lost[1].leases == std::vector<lease_id>{lease_id{2}});
  CHECK(out.messages[1].to == elsewhere);
  CHECK(t.environment.vcpu_milli_leased() == 1000);
  CHECK(t.environment.agents()[0].capacity == make(3));

  CHECK(t.join("a", make(3), second_session).events.empty());
  CHECK(t.join("a", make(3), first_session).events.empty());
  CHECK(t.join("a", make(3), {1, 3}).messages.empty());
}

TEST_CASE("an agent that is lost loses its leases, and nobody else's") {
  environment_under_test t;
  t.join("a", make(2));
  t.join("b", make(2));
  t.want(q1, {run(small, 1)});
  t.want(q2, {run(small, 2)});
  t.pass();
  CHECK(t.lose("a", second_session).events.empty());
  CHECK(t.lose("c").events.empty());
  auto out = t.lose("a");
  REQUIRE(emitted<agent_session_ended>(out).size() == 1);
  CHECK(emitted<agent_session_ended>(out)[0].agent.name == "a");
  auto lost = sent<lease_lost>(out);
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].queue == q1.uid);
  CHECK(lost[0].leases == std::vector<lease_id>{lease_id{1}});
  CHECK(lost[0].reason == lease_lost_reason::session_over);
  CHECK(out.messages[1].to == elsewhere);
  CHECK(t.environment.vcpu_milli_leased() == 1000);
  REQUIRE(t.environment.agents().size() == 1);
  CHECK(t.lose("a").events.empty());

  // The same session never comes back, a newer one does.
  CHECK(t.join("a", make(2), first_session).events.empty());
  auto back = t.join("a", make(2), second_session);
  CHECK(emitted<agent_session_ended>(back).empty());
  CHECK(emitted<agent_joined>(back).size() == 1);
}

TEST_CASE("a reservation ends with its agent and is made anew") {
  environment_under_test t{unmanaged(0)};
  t.join("a", make(8));
  t.join("b", make(8));
  t.want(q1, {run(small, 1)});
  t.want(q2, {run(big, 1)});
  t.pass();
  t.want(q1, {run(big, 1)}, 1, 1);
  t.pass();
  REQUIRE(t.environment.agents()[0].reserved);
  // It comes back too small.
  t.join("a", make(2), second_session);
  auto reserved = emitted<agents_reserved>(t.pass());
  REQUIRE(reserved.size() == 1);
  CHECK(reserved[0].agents == std::vector<std::string>{"b"});
}

TEST_CASE("an environment is dropped when its last lease is back") {
  environment_under_test t;
  t.join("a", make(2));
  t.want(q1, {run(small, 2)});
  t.pass();
  auto out = t.take(remove_environment{the_environment});
  CHECK(emitted<environment_dropped>(out).empty());
  auto told = sent<saturated>(t.pass());
  REQUIRE(told.size() == 1);
  CHECK(told[0].everything);
  CHECK(t.take(remove_environment{the_environment}).events.empty());
  // Its settings may change, its end stays.
  auto renamed = unmanaged();
  renamed.name = "other";
  t.configure(renamed);
  CHECK(t.environment.object().status == object_status::deleting);

  CHECK(emitted<environment_dropped>(t.free(q1, {1})).empty());
  CHECK(emitted<environment_dropped>(t.free(q1, {2})).size() == 1);
}

TEST_CASE("an environment without leases is dropped at once") {
  environment_under_test t;
  t.join("a", make(2));
  t.want(q1, {});
  t.pass();
  draft out;
  t.environment.decide(remove_environment{the_environment}, t.context, out);
  CHECK(emitted<environment_dropped>(out).size() == 1);
  auto told = sent<saturated>(out);
  REQUIRE(told.size() == 1);
  CHECK(told[0].everything);
}

TEST_CASE("the loss of its last leases ends a removed environment as well") {
  environment_under_test t;
  t.join("a", make(2));
  t.want(q1, {run(small, 1)});
  t.pass();
  t.take(remove_environment{the_environment});
  SECTION("by a newer session") {
    auto out = t.join("a", make(2), second_session);
    CHECK(emitted<environment_dropped>(out).size() == 1);
    CHECK(emitted<agent_joined>(out).empty());
  }
  SECTION("by its agent's loss") {
    CHECK(emitted<environment_dropped>(t.lose("a")).size() == 1);
  }
}

TEST_CASE("desired vCPUs follow the demand between minimum and maximum") {
  environment_under_test t{managed(10, 2)};
  CHECK(t.environment.desired_vcpus() == 2);
  t.join("a", make(4));
  t.want(q1, {run(small, 6), run(of(99), 1)});
  CHECK(t.environment.desired_vcpus() == 6);
  t.pass();
  CHECK(t.environment.desired_vcpus() == 6);
  t.want(q1, {run({{500, 1, {}}, 1}, 3)}, 1, 1);
  CHECK(t.environment.desired_vcpus() == 6);
  t.want(q1, {run(small, 60)}, 1, 1);
  CHECK(t.environment.desired_vcpus() == 10);
  CHECK(environment_under_test{}.environment.desired_vcpus() == 0);
}

TEST_CASE("a pass grants a bounded number of leases, the next goes on") {
  environment_under_test t;
  t.join("a", make(2000));
  t.want(q1, {run(small, 1000), run(of(2), 400)});
  draft out;
  t.environment.pass(t.context, out);
  apply_all(t.environment, out);
  CHECK(sent<grant>(out)[0].leases.size() == limits::grants_per_pass_max);
  CHECK_FALSE(t.environment.is_settled());
  CHECK(sent<saturated>(out).empty());
  size_t rest = 0;
  for (const auto& g : sent<grant>(t.pass()))
    rest += g.leases.size();
  CHECK(rest == 900);
  CHECK(t.environment.vcpu_milli_leased() == 1'800'000);
}

TEST_CASE("jobs behind untold ones are granted only while all before them "
          "wait") {
  environment_under_test t;
  t.join("a", make(8));
  t.join("b", make(1));
  t.want(q1, {run(big, 1), run(small, 1, 0, true)});
  // More of the big may come before the small.
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, big, "a", 1}});
  t.want(q1, {run(big, 1), run(small, 1, 0, true)}, 1, 1);
  CHECK(grants(t.pass()) == std::vector<given>{{q1.uid, small, "b", 1}});
}

TEST_CASE("a node's default wait counts where the settings name none") {
  environment_under_test t{unmanaged(std::nullopt)};
  t.environment.set_defaults({5000});
  t.join("a", make(2));
  t.want(q1, {run(of(2), 2)});
  t.pass();
  CHECK(t.environment.next_due_ms() == t.context.now_ms + 5000);
}

TEST_CASE("an environment is read back from its row") {
  environment_under_test t{unmanaged(0)};
  t.join("a", make(8));
  t.join("b", {4000, 50, {{"GPU", 2}}});
  t.want(q1, {run(small, 3), run(of(99), 1), run(big, 1), run(of(7), 2)}, 3);
  t.want(q2, {run({{1000, 1, {{"GPU", 1}}}, 1}, 1)}, -3);
  t.pass();
  t.join("b", make(1), second_session);
  auto loaded = compute_environment_actor::from_row(t.environment.to_row());
  REQUIRE(loaded.has_value());
  loaded->check_invariants();
  CHECK(hash_of(*loaded) == hash_of(t.environment));
  CHECK(loaded->to_row() == t.environment.to_row());
  CHECK(loaded->vcpu_milli_leased() == t.environment.vcpu_milli_leased());
  CHECK_FALSE(compute_environment_actor::from_row("").has_value());
  CHECK_FALSE(compute_environment_actor::from_row(t.environment.to_row() + "x")
                  .has_value());
}

} // namespace berth::testing
