#include "actors/agent_machine.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

const agent_id alice{environment_uid{1}, "alice"};
const session_id first_session{10, 1};
const session_id second_session{10, 2};
const shard_id home{2};

/// An agent machine, and what it asked for since the last look.
class world {
public:
  world() { machine.offer({alice, home, {4000, 1024, {}}}); }

  template <class Effect>
  std::vector<Effect> taken() {
    std::vector<Effect> found;
    for (auto& effect : effects)
      if (auto* one = std::get_if<Effect>(&effect))
        found.push_back(*one);
    return found;
  }
  template <class Request>
  std::vector<Request> requests() {
    std::vector<Request> found;
    for (auto& one : taken<to_keeper_effect>())
      if (auto* request = std::get_if<Request>(&one.what))
        found.push_back(*request);
    return found;
  }
  void look() { effects = machine.take_effects(); }

  void attach() {
    machine.on_keeper_attached();
    look();
  }
  void session(const session_id& s, std::map<uint32_t, uint64_t> last = {}) {
    machine.on_keeper_event(keeper_session{alice, s, std::move(last), {}});
    look();
  }
  append_message_effect append() {
    auto appends = taken<append_message_effect>();
    REQUIRE(appends.size() == 1);
    return appends[0];
  }
  void appended(const append_message_effect& what, bool good = true) {
    machine.on_appended(what.token, good);
    look();
  }
  void report(std::vector<uint64_t> numbers, shard_id to = home) {
    keeper_reports r{alice, first_session, to, {}};
    for (auto number : numbers) {
      numbered_report one;
      one.number = number;
      r.reports.push_back(one);
    }
    machine.on_keeper_event(r);
    look();
  }
  void join() {
    attach();
    session(first_session);
    appended(append());
    REQUIRE(machine.all_joined());
  }

  agent_machine machine;
  std::vector<agent_effect> effects;
};

std::vector<uint64_t> numbers(const append_message_effect& what) {
  std::vector<uint64_t> all;
  for (const auto& r : std::get<agent_reports>(what.what.body).reports)
    all.push_back(r.number);
  return all;
}

} // namespace

TEST_CASE("an agent opens its session once its keeper is there") {
  world w;
  w.look();
  CHECK(w.effects.empty());
  CHECK_FALSE(w.machine.all_joined());
  w.attach();
  REQUIRE(w.requests<keeper_open_session>().size() == 1);
  CHECK(w.requests<keeper_open_session>()[0].agent == alice);
  w.machine.offer({{environment_uid{2}, "bob"}, home, {}});
  w.look();
  REQUIRE(w.requests<keeper_open_session>().size() == 1);
  CHECK(w.requests<keeper_open_session>()[0].agent.name == "bob");
}

TEST_CASE("a session gets its lease, the rest of its dispatches and joins") {
  world w;
  w.attach();
  w.session(first_session, {{3, 7}});
  auto leases = w.requests<keeper_lease>();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].session == first_session);
  auto attached = w.taken<session_attached_effect>();
  REQUIRE(attached.size() == 1);
  CHECK(attached[0].last_taken == std::map<uint32_t, uint64_t>{{3, 7}});
  auto append = w.append();
  CHECK(append.to == home);
  auto joins = std::get<agent_joins>(append.what.body);
  CHECK(joins.agent == alice);
  CHECK(joins.session == first_session);
  CHECK(joins.capacity == resources{4000, 1024, {}});
  CHECK_FALSE(w.machine.all_joined());
  w.appended(append);
  CHECK(w.machine.all_joined());
  w.session(first_session);
  CHECK(w.effects.empty());
}

TEST_CASE("a join that was not appended is made again") {
  world w;
  w.attach();
  w.session(first_session);
  auto failed = w.append();
  w.appended(failed, false);
  CHECK_FALSE(w.machine.all_joined());
  auto again = w.append();
  CHECK(again.token != failed.token);
  CHECK(std::get<agent_joins>(again.what.body).session == first_session);
  w.appended(failed);
  CHECK_FALSE(w.machine.all_joined());
  w.appended(again);
  CHECK(w.machine.all_joined());
}

TEST_CASE("the join of an earlier session does not count for a later one") {
  world w;
  w.attach();
  w.session(first_session);
  auto old = w.append();
  w.session(second_session);
  auto fresh = w.append();
  w.appended(old);
  CHECK_FALSE(w.machine.all_joined());
  w.appended(fresh);
  CHECK(w.machine.all_joined());
}

TEST_CASE("a keeper that is there again is asked for its session again") {
  world w;
  w.join();
  w.attach();
  CHECK(w.requests<keeper_open_session>().size() == 1);
  CHECK_FALSE(w.machine.all_joined());
  w.session(first_session, {{2, 5}});
  auto attached = w.taken<session_attached_effect>();
  REQUIRE(attached.size() == 1);
  CHECK(attached[0].last_taken.at(2) == 5);
  w.appended(w.append());
  CHECK(w.machine.all_joined());
}

TEST_CASE("dispatches go to the keeper and their fate to the sender") {
  world w;
  w.join();
  dispatch d;
  d.source = shard_id{3};
  d.agent = alice;
  d.session = first_session;
  d.number = 8;
  w.machine.on_dispatch(d);
  w.look();
  REQUIRE(w.requests<keeper_dispatch>().size() == 1);
  CHECK(w.requests<keeper_dispatch>()[0].what.number == 8);
  SECTION("taken") {
    w.machine.on_keeper_event(
        keeper_dispatch_taken{alice, first_session, shard_id{3}, 8});
  }
  SECTION("refused for good") {
    w.machine.on_keeper_event(
        keeper_dispatch_refused{alice, first_session, shard_id{3}, 8});
  }
  w.look();
  auto delivered = w.taken<dispatch_delivered_effect>();
  REQUIRE(delivered.size() == 1);
  CHECK(delivered[0].source == shard_id{3});
  CHECK(delivered[0].session == first_session);
  CHECK(delivered[0].up_to == 8);
}

TEST_CASE("reports of a lane are appended one append at a time, in order") {
  world w;
  w.join();
  w.report({1, 2});
  auto one = w.append();
  CHECK(numbers(one) == std::vector<uint64_t>{1, 2});
  CHECK(w.requests<keeper_reports_acknowledged>().empty());
  w.report({3});
  w.report({4});
  CHECK(w.effects.empty());
  w.report({1}, shard_id{3});
  CHECK(w.append().to == shard_id{3});
  w.appended(one);
  auto acknowledged = w.requests<keeper_reports_acknowledged>();
  REQUIRE(acknowledged.size() == 1);
  CHECK(acknowledged[0].up_to == 2);
  CHECK(acknowledged[0].destination == home);
  CHECK(numbers(w.append()) == std::vector<uint64_t>{3, 4});
}

TEST_CASE("a failed append of reports is made again before later ones") {
  world w;
  w.join();
  w.report({1});
  auto failed = w.append();
  w.report({2});
  w.appended(failed, false);
  CHECK(w.requests<keeper_reports_acknowledged>().empty());
  auto again = w.append();
  CHECK(numbers(again) == std::vector<uint64_t>{1});
  w.appended(again);
  CHECK(w.requests<keeper_reports_acknowledged>().at(0).up_to == 1);
  CHECK(numbers(w.append()) == std::vector<uint64_t>{2});
}

TEST_CASE("reports said again while on their way are appended once") {
  world w;
  w.join();
  w.report({1, 2});
  auto one = w.append();
  w.report({1, 2, 3});
  w.report({1, 2, 3});
  CHECK(w.effects.empty());
  w.appended(one);
  auto rest = w.append();
  CHECK(numbers(rest) == std::vector<uint64_t>{3});
  w.appended(rest);
  CHECK(w.taken<append_message_effect>().empty());
}

TEST_CASE("one append holds a thousand reports, the next one the rest") {
  world w;
  w.join();
  std::vector<uint64_t> all;
  for (uint64_t i = 1; i <= 1001; ++i)
    all.push_back(i);
  w.report(all);
  auto one = w.append();
  CHECK(numbers(one).size() == 1000);
  w.appended(one);
  CHECK(numbers(w.append()) == std::vector<uint64_t>{1001});
}

TEST_CASE("an agent whose environment is gone opens no session") {
  world w;
  w.join();
  w.machine.withdraw(environment_uid{1});
  CHECK(w.machine.agent_count() == 0);
  w.attach();
  CHECK(w.effects.empty());
  w.session(second_session);
  CHECK(w.effects.empty());
}

namespace {

resources offered(const append_message_effect& join) {
  return std::get<agent_joins>(join.what.body).capacity;
}

} // namespace

TEST_CASE("an agent that drains says so, and is drained a while after") {
  world w;
  w.machine.on_clock(100);
  w.join();
  CHECK_FALSE(w.machine.is_drained());
  w.machine.drain();
  w.look();
  auto told = w.append();
  CHECK(told.to == home);
  CHECK(offered(told) == resources{});
  w.machine.on_clock(100 + drain_settle_ms);
  CHECK_FALSE(w.machine.is_drained());
  w.appended(told);
  w.machine.on_clock(100 + 2 * drain_settle_ms - 1);
  CHECK_FALSE(w.machine.is_drained());
  w.machine.on_clock(100 + 2 * drain_settle_ms);
  CHECK(w.machine.is_drained());
  // The keeper is gone, and with it what is known.
  w.machine.on_keeper_detached();
  CHECK_FALSE(w.machine.is_drained());
}

namespace {

uint64_t order(const append_message_effect& join) {
  return std::get<agent_joins>(join.what.body).order;
}

keeper_hello attached_for_the(uint64_t attachments) {
  keeper_hello hello;
  hello.attachments = attachments;
  return hello;
}

} // namespace

TEST_CASE("what an agent says later in a session has a greater order, over all "
          "its processes") {
  uint64_t last = 0;
  for (uint64_t process = 1; process <= 3; ++process) {
    world w;
    w.attach();
    w.machine.on_keeper_event(attached_for_the(process));
    w.session(first_session);
    auto there = w.append();
    CHECK(order(there) > last);
    w.machine.drain();
    w.look();
    auto drains = w.append();
    CHECK(offered(drains) == resources{});
    CHECK(order(drains) > order(there));
    // What is said again is nothing new.
    w.appended(drains, false);
    CHECK(order(w.append()) == order(drains));
    last = order(drains);
  }
}

TEST_CASE("an agent that attaches again goes on in a greater order") {
  world w;
  w.attach();
  w.machine.on_keeper_event(attached_for_the(1));
  w.session(first_session);
  auto first = order(w.append());
  w.machine.drain();
  w.look();
  auto drains = order(w.append());
  w.attach();
  w.machine.on_keeper_event(attached_for_the(2));
  w.session(first_session);
  CHECK(order(w.append()) > drains);
  CHECK(drains > first);
}

TEST_CASE("with a keeper that does not count an agent's joins have no order") {
  world w;
  w.attach();
  w.machine.on_keeper_event(keeper_hello{});
  w.session(first_session);
  CHECK(order(w.append()) == 0);
  w.machine.drain();
  w.look();
  CHECK(order(w.append()) == 0);
}

TEST_CASE("an agent that drains opens its next session draining") {
  world w;
  w.join();
  w.machine.drain();
  w.look();
  w.session(second_session);
  CHECK(offered(w.append()) == resources{});
}

TEST_CASE("a join from before the agent drained is made again as it is now") {
  world w;
  w.attach();
  w.session(first_session);
  auto before = w.append();
  w.machine.drain();
  w.look();
  auto told = w.append();
  w.appended(told);
  w.appended(before, false);
  CHECK(offered(w.append()) == resources{});
}

TEST_CASE("an agent without environments is drained at once") {
  agent_machine machine;
  machine.on_keeper_attached();
  machine.drain();
  CHECK(machine.is_drained());
}
