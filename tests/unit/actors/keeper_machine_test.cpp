#include "actors/keeper_machine.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <set>

namespace berth {

namespace {

const agent_id the_agent{environment_uid{7}, "local"};
constexpr shard_id shard_a{1};
constexpr shard_id shard_b{2};
constexpr int64_t grace = 1000;

attempt_id attempt(uint8_t job, uint32_t number = 1) {
  std::array<uint8_t, 16> hash{};
  hash[0] = job;
  return {{make_job_id(hash, shard_a), no_index}, number};
}

/// The machine's world: a clock, and what it was told to do.
struct world {
  explicit world(std::vector<keeper_reports> earlier = {},
                 uint64_t keeper_start = 5)
      : machine{{keeper_start, grace, {}}, earlier} {
    attach();
  }

  keeper_machine machine;
  keeper_clock clock{10'000, 1'700'000'000'000};
  std::map<uint32_t, uint64_t> dispatched;
  session_id session;

  std::vector<keeper_event> events;
  std::vector<keeper_journal_record> kept;
  std::vector<signal_attempt> signals;
  std::vector<attempt_id> begun;
  bool dropped = false;
  bool ended = false;

  void attach() {
    machine.connected();
    say(keeper_attach{});
  }
  void say(const keeper_request& request) {
    machine.handle(request, clock);
    act();
  }
  void act() {
    machine.check_invariants();
    for (auto& action : machine.take_actions()) {
      if (auto* e = std::get_if<send_to_agent>(&action))
        events.push_back(e->event);
      else if (auto* r = std::get_if<keep_record>(&action))
        kept.push_back(r->record);
      else if (auto* s = std::get_if<signal_attempt>(&action))
        signals.push_back(*s);
      else if (std::holds_alternative<drop_agent>(action))
        dropped = true;
      else
        ended = true;
    }
    machine.check_invariants();
  }
  void advance(int64_t ms) {
    clock.boottime_ms += ms;
    clock.wall_ms += ms;
  }
  void look() {
    machine.look_at_clock(clock);
    act();
  }

  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const auto& e : events)
      if (const auto* t = std::get_if<T>(&e))
        found.push_back(*t);
    return found;
  }
  template <class T>
  T last() const {
    auto found = all<T>();
    REQUIRE(!found.empty());
    return found.back();
  }

  void open() {
    say(keeper_open_session{the_agent});
    session = last<keeper_session>().session;
  }
  void open_with_lease(int64_t until = 0) {
    open();
    say(keeper_lease{the_agent, session, until});
  }
  void dispatch_as(uint64_t number, session_id of, dispatch_body body,
                   shard_id source = shard_a) {
    say(keeper_dispatch{{source, the_agent, of, number, std::move(body)}});
  }
  start_attempt start_of(attempt_id id, std::optional<int64_t> timeout) {
    auto spec = std::make_shared<job_spec>();
    spec->timeout_ms = timeout;
    start_attempt s;
    s.attempt = id;
    s.spec = spec;
    return s;
  }
  void start(attempt_id id, std::optional<int64_t> timeout = {},
             shard_id source = shard_a) {
    dispatch_as(++dispatched[source.value], session, start_of(id, timeout),
                source);
  }
  void stop(attempt_id id, shard_id source = shard_a) {
    dispatch_as(++dispatched[source.value], session, stop_attempt{id}, source);
  }
  void run_starts() {
    while (auto next = machine.next_start(clock)) {
      begun.push_back(next->attempt);
      machine.started(next->attempt, clock);
    }
    act();
  }
  void exit(attempt_id id, int32_t code = 0, bool out_of_memory = false) {
    machine.ended(id, {code, out_of_memory}, clock);
    act();
  }
  void acknowledge(uint64_t up_to, shard_id source = shard_a) {
    say(keeper_reports_acknowledged{the_agent, session, source, up_to});
  }

  /// Numbers of all reports sent, in order.
  std::vector<uint64_t> numbers_sent(shard_id destination = shard_a) const {
    std::vector<uint64_t> numbers;
    for (const auto& batch : all<keeper_reports>())
      if (batch.destination == destination)
        for (const auto& r : batch.reports)
          numbers.push_back(r.number);
    return numbers;
  }
  std::optional<attempt_ended_report> end_of(attempt_id id) const {
    std::optional<attempt_ended_report> found;
    for (const auto& batch : all<keeper_reports>())
      for (const auto& r : batch.reports)
        if (const auto* e = std::get_if<attempt_ended_report>(&r.body))
          if (e->attempt == id)
            found = *e;
    return found;
  }
};

std::vector<keeper_reports> unacknowledged(const keeper_machine& machine) {
  std::vector<keeper_reports> found;
  for (const auto& record : machine.journal())
    found.push_back(std::get<keeper_reports>(record.body));
  return found;
}

using numbers = std::vector<uint64_t>;

} // namespace

TEST_CASE("an attempt is taken, started, and its end reported") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  CHECK(w.last<keeper_dispatch_taken>().up_to == 1);
  w.run_starts();
  CHECK(w.begun == std::vector{attempt(1)});
  w.advance(50);
  w.exit(attempt(1), 3);
  auto end = w.end_of(attempt(1));
  REQUIRE(end);
  CHECK(end->end == attempt_end::exited);
  CHECK(end->exit_code == 3);
  CHECK(end->stopped_ms - end->started_ms == 50);
  CHECK(w.numbers_sent() == numbers{1, 2});
  CHECK(w.machine.attempts_alive() == 0);
}

TEST_CASE("Outbox: only the next dispatch number is taken") {
  world w;
  w.open_with_lease();
  w.dispatch_as(2, w.session, w.start_of(attempt(2), {}));
  CHECK(w.last<keeper_dispatch_taken>().up_to == 0);
  CHECK(w.machine.starts_waiting() == 0);
  w.dispatch_as(1, w.session, w.start_of(attempt(1), {}));
  CHECK(w.last<keeper_dispatch_taken>().up_to == 1);
  w.dispatch_as(2, w.session, w.start_of(attempt(2), {}));
  CHECK(w.last<keeper_dispatch_taken>().up_to == 2);
  CHECK(w.machine.starts_waiting() == 2);
}

TEST_CASE("Outbox: a dispatch that is sent again starts nothing again") {
  world w;
  w.open_with_lease();
  for (int i = 0; i < 3; ++i)
    w.dispatch_as(1, w.session, w.start_of(attempt(1), {}));
  w.run_starts();
  w.dispatch_as(1, w.session, w.start_of(attempt(1), {}));
  w.run_starts();
  w.exit(attempt(1));
  w.dispatch_as(1, w.session, w.start_of(attempt(1), {}));
  w.run_starts();
  CHECK(w.begun.size() == 1);
  CHECK(w.last<keeper_dispatch_taken>().up_to == 1);
}

TEST_CASE("Outbox: each source shard has numbers of its own") {
  world w;
  w.open_with_lease();
  w.start(attempt(1), {}, shard_a);
  w.start(attempt(2), {}, shard_b);
  w.run_starts();
  w.exit(attempt(1));
  w.exit(attempt(2));
  CHECK(w.numbers_sent(shard_a) == numbers{1, 2});
  CHECK(w.numbers_sent(shard_b) == numbers{1, 2});
  w.acknowledge(2, shard_b);
  auto left = unacknowledged(w.machine);
  REQUIRE(left.size() == 1);
  CHECK(left[0].destination == shard_a);
}

TEST_CASE("Sessions: another session's dispatch is refused") {
  world w;
  w.open_with_lease();
  auto other = w.session;
  ++other.lease_number;
  w.dispatch_as(1, other, w.start_of(attempt(1), {}));
  auto refused = w.last<keeper_dispatch_refused>();
  CHECK(refused.session == other);
  CHECK(refused.at == 1);
  CHECK(w.all<keeper_dispatch_taken>().empty());
  CHECK(w.machine.starts_waiting() == 0);
  other = w.session;
  --other.keeper_start;
  w.dispatch_as(1, other, w.start_of(attempt(1), {}));
  CHECK(w.all<keeper_dispatch_refused>().size() == 2);
}

TEST_CASE("Sessions: opening again answers the same session") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.run_starts();
  auto first = w.session;
  w.open();
  CHECK(w.session == first);
  auto told = w.last<keeper_session>();
  CHECK(told.alive == std::vector{attempt(1)});
  CHECK(told.last_taken.at(shard_a.value) == 1);
}

TEST_CASE("Sessions: a session ends with its keeper and the numbers grow") {
  world before;
  before.open_with_lease();
  world after{{}, 6};
  after.open();
  CHECK(before.session < after.session);
  after.dispatch_as(1, before.session, after.start_of(attempt(1), {}));
  CHECK(after.last<keeper_dispatch_refused>().session == before.session);
}

TEST_CASE("Sessions: a dead keeper's reports come before a new session") {
  world before;
  before.open_with_lease();
  before.start(attempt(1));
  before.run_starts();
  before.exit(attempt(1));

  world after{unacknowledged(before.machine), 6};
  CHECK(after.numbers_sent() == numbers{1, 2});
  CHECK(after.last<keeper_reports>().session == before.session);
  after.say(keeper_open_session{the_agent});
  CHECK(after.all<keeper_session>().empty());
  after.say(keeper_reports_acknowledged{the_agent, before.session, shard_a, 1});
  CHECK(after.all<keeper_session>().empty());
  after.say(keeper_reports_acknowledged{the_agent, before.session, shard_a, 2});
  CHECK(after.last<keeper_session>().session.keeper_start == 6);
}

TEST_CASE("one agent's old reports do not keep another from its session") {
  world before;
  before.open_with_lease();
  before.start(attempt(1));
  before.run_starts();
  world after{unacknowledged(before.machine), 6};
  agent_id other{environment_uid{8}, "local"};
  after.say(keeper_open_session{other});
  CHECK(after.last<keeper_session>().agent == other);
}

TEST_CASE("reports are kept until acknowledged and sent again after attach") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.run_starts();
  w.machine.disconnected();
  w.exit(attempt(1));
  CHECK(w.numbers_sent() == numbers{1});
  w.events.clear();
  w.attach();
  CHECK(std::holds_alternative<keeper_hello>(w.events.at(0)));
  CHECK(w.last<keeper_session>().session == w.session);
  CHECK(w.numbers_sent() == numbers{1, 2});
  w.acknowledge(1);
  w.events.clear();
  w.machine.disconnected();
  w.attach();
  CHECK(w.numbers_sent() == numbers{2});
  w.acknowledge(2);
  w.events.clear();
  w.attach();
  CHECK(w.numbers_sent().empty());
  CHECK(w.machine.reports_unacknowledged() == 0);
}

TEST_CASE("reports go into the journal once, before they are sent") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.run_starts();
  REQUIRE(w.kept.size() == 1);
  w.machine.disconnected();
  w.attach();
  CHECK(w.kept.size() == 1);
  w.acknowledge(1);
  REQUIRE(w.kept.size() == 2);
  auto done = std::get<keeper_reports_acknowledged>(w.kept[1].body);
  CHECK(done.up_to == 1);
  w.acknowledge(1);
  CHECK(w.kept.size() == 2);
}

TEST_CASE("what was not sent cannot be acknowledged") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.acknowledge(9);
  w.run_starts();
  w.exit(attempt(1));
  CHECK(w.machine.reports_unacknowledged() == 2);
  CHECK(w.numbers_sent() == numbers{1, 2});
}

TEST_CASE("numbers of a live session go on after all were acknowledged") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.run_starts();
  w.exit(attempt(1));
  w.acknowledge(2);
  w.start(attempt(2));
  w.run_starts();
  CHECK(w.numbers_sent() == numbers{1, 2, 3});
}

TEST_CASE("many reports come in frames of bounded size, without gaps") {
  world w;
  w.open_with_lease();
  w.machine.disconnected();
  w.attach();
  constexpr size_t jobs = 700;
  for (size_t i = 0; i < jobs; ++i)
    w.machine.handle(
        keeper_dispatch{
            {shard_a, the_agent, w.session, static_cast<uint64_t>(i + 1),
             w.start_of(attempt(1, static_cast<uint32_t>(i + 1)), {})}},
        w.clock);
  w.act();
  CHECK(w.all<keeper_dispatch_taken>().size() == 1);
  CHECK(w.last<keeper_dispatch_taken>().up_to == jobs);
  w.run_starts();
  auto batches = w.all<keeper_reports>();
  REQUIRE(batches.size() == 2);
  for (const auto& b : batches)
    CHECK(b.reports.size() <= keeper_reports_per_frame_max);
  auto sent = w.numbers_sent();
  REQUIRE(sent.size() == jobs);
  for (size_t i = 0; i < jobs; ++i)
    CHECK(sent[i] == i + 1);
}

TEST_CASE("a start that fails is reported with its reason, without a code") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  auto next = w.machine.next_start(w.clock);
  REQUIRE(next);
  w.machine.failed_to_start(attempt(1), "CannotStartContainerError: x",
                            w.clock);
  w.act();
  auto end = w.end_of(attempt(1));
  REQUIRE(end);
  CHECK(end->end == attempt_end::failed_to_start);
  CHECK(end->reason == "CannotStartContainerError: x");
  CHECK(!end->exit_code);
  CHECK(end->started_ms == 0);
}

TEST_CASE("a reason is cut so that reports fit their frame") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  REQUIRE(w.machine.next_start(w.clock));
  w.machine.failed_to_start(attempt(1), std::string(100'000, 'x'), w.clock);
  w.act();
  CHECK(w.end_of(attempt(1))->reason.size() == keeper_reason_bytes_max);
}

TEST_CASE("a stop asks first and kills after the grace") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.run_starts();
  w.stop(attempt(1));
  CHECK(w.signals == std::vector<signal_attempt>{{attempt(1), false}});
  CHECK(w.machine.next_deadline_ms() == w.clock.boottime_ms + grace);
  w.advance(grace - 1);
  w.look();
  CHECK(w.signals.size() == 1);
  w.advance(1);
  w.look();
  CHECK(w.signals.back() == signal_attempt{attempt(1), true});
  w.advance(grace);
  w.look();
  CHECK(w.signals.size() == 2);
  w.exit(attempt(1), 137);
  CHECK(w.end_of(attempt(1))->end == attempt_end::stopped);
  CHECK(w.end_of(attempt(1))->exit_code == 137);
}

TEST_CASE("a stop before the start withdraws it") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.stop(attempt(1));
  w.run_starts();
  CHECK(w.begun.empty());
  CHECK(w.signals.empty());
  CHECK(w.end_of(attempt(1))->end == attempt_end::not_started);
}

TEST_CASE("a stop of an attempt that has ended does nothing") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.run_starts();
  w.exit(attempt(1));
  w.stop(attempt(1));
  CHECK(w.last<keeper_dispatch_taken>().up_to == 2);
  CHECK(w.signals.empty());
  CHECK(w.numbers_sent() == numbers{1, 2});
}

TEST_CASE("a job's time counts from its start") {
  world w;
  w.open_with_lease();
  w.start(attempt(1), 500);
  w.advance(5000);
  w.run_starts();
  CHECK(w.machine.next_deadline_ms() == w.clock.boottime_ms + 500);
  w.advance(500);
  w.look();
  CHECK(w.signals == std::vector<signal_attempt>{{attempt(1), false}});
  w.advance(grace);
  w.look();
  CHECK(w.signals.back().kill);
  w.exit(attempt(1), 137);
  CHECK(w.end_of(attempt(1))->end == attempt_end::timed_out);
  CHECK(w.end_of(attempt(1))->exit_code == 137);
}

TEST_CASE("an attempt whose main process has ended is neither timed out nor "
          "stopped, however long the rest of it takes to die") {
  world w;
  w.open_with_lease();
  w.start(attempt(1), 100);
  w.run_starts();
  w.advance(60);
  w.machine.exited(attempt(1));
  w.advance(60);
  w.look();
  w.stop(attempt(1));
  w.advance(grace);
  w.look();
  CHECK(w.signals.empty());
  w.exit(attempt(1), 0);
  auto end = w.end_of(attempt(1));
  REQUIRE(end);
  CHECK(end->end == attempt_end::exited);
}

TEST_CASE("the first cause of a stop is the one that is told") {
  world w;
  w.open_with_lease();
  w.start(attempt(1), 500);
  w.run_starts();
  w.advance(500);
  w.look();
  w.stop(attempt(1));
  w.exit(attempt(1), 143);
  CHECK(w.end_of(attempt(1))->end == attempt_end::timed_out);

  w.start(attempt(2), 500);
  w.run_starts();
  w.stop(attempt(2));
  w.advance(500);
  w.look();
  w.exit(attempt(2), 143);
  CHECK(w.end_of(attempt(2))->end == attempt_end::stopped);
}

TEST_CASE("running out of memory is told unless the job ended well") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.start(attempt(2));
  w.run_starts();
  w.exit(attempt(1), 137, true);
  w.exit(attempt(2), 0, true);
  CHECK(w.end_of(attempt(1))->end == attempt_end::out_of_memory);
  CHECK(w.end_of(attempt(1))->reason
        == "OutOfMemoryError: Container killed due to memory usage");
  CHECK(w.end_of(attempt(2))->end == attempt_end::exited);
}

TEST_CASE("without a lease nothing starts until there is one") {
  world w;
  w.open();
  w.start(attempt(1));
  w.run_starts();
  CHECK(w.begun.empty());
  w.say(keeper_lease{the_agent, w.session, w.clock.boottime_ms + 100});
  w.run_starts();
  CHECK(w.begun.size() == 1);
}

TEST_CASE("Sessions: the lease is looked at before each start") {
  world w;
  w.open_with_lease(w.clock.boottime_ms + 100);
  w.start(attempt(1));
  w.start(attempt(2));
  auto first = w.machine.next_start(w.clock);
  REQUIRE(first);
  w.machine.started(first->attempt, w.clock);
  w.advance(100);
  CHECK(!w.machine.next_start(w.clock));
  w.act();
  CHECK(w.end_of(attempt(2))->end == attempt_end::not_started);
  CHECK(w.all<keeper_session_over>().size() == 1);
}

TEST_CASE("Sessions: the grace counts from the lapse, not from its noticing") {
  SECTION("noticed in time") {
    world w;
    w.open_with_lease(w.clock.boottime_ms + 100);
    w.start(attempt(1));
    w.run_starts();
    CHECK(w.machine.next_deadline_ms() == w.clock.boottime_ms + 100);
    w.advance(400);
    w.look();
    CHECK(w.signals == std::vector<signal_attempt>{{attempt(1), false}});
    CHECK(w.machine.next_deadline_ms() == w.clock.boottime_ms - 300 + grace);
    w.advance(grace - 300);
    w.look();
    CHECK(w.signals.back() == signal_attempt{attempt(1), true});
    w.exit(attempt(1), 137);
    CHECK(w.end_of(attempt(1))->end == attempt_end::lost);
  }
  SECTION("noticed after the grace") {
    world w;
    w.open_with_lease(w.clock.boottime_ms + 100);
    w.start(attempt(1));
    w.run_starts();
    w.advance(100 + grace);
    w.look();
    CHECK(w.signals == std::vector<signal_attempt>{{attempt(1), true}});
  }
  SECTION("a stop that is under way gets no longer grace by it") {
    world w;
    w.open_with_lease(w.clock.boottime_ms + 100);
    w.start(attempt(1));
    w.run_starts();
    w.advance(99);
    w.stop(attempt(1));
    w.advance(grace - 1);
    w.look();
    CHECK(w.signals == std::vector<signal_attempt>{{attempt(1), false}});
    w.advance(1);
    w.look();
    CHECK(w.signals.back() == signal_attempt{attempt(1), true});
  }
}

TEST_CASE("Sessions: a late acknowledgement revives nothing") {
  world w;
  w.open_with_lease(w.clock.boottime_ms + 100);
  w.start(attempt(1));
  w.run_starts();
  w.advance(100);
  w.say(keeper_lease{the_agent, w.session, w.clock.boottime_ms + 10'000});
  CHECK(w.signals == std::vector<signal_attempt>{{attempt(1), false}});
  CHECK(w.all<keeper_session_over>().size() == 1);
  w.say(keeper_lease{the_agent, w.session, 0});
  w.start(attempt(2));
  w.run_starts();
  CHECK(w.begun.size() == 1);
  CHECK(w.end_of(attempt(2))->end == attempt_end::not_started);
}

TEST_CASE("a lease is only ever made longer") {
  world w;
  w.open_with_lease(w.clock.boottime_ms + 100);
  w.say(keeper_lease{the_agent, w.session, w.clock.boottime_ms + 50});
  CHECK(w.machine.next_deadline_ms() == w.clock.boottime_ms + 100);
  w.say(keeper_lease{the_agent, w.session, w.clock.boottime_ms + 200});
  CHECK(w.machine.next_deadline_ms() == w.clock.boottime_ms + 200);
  auto other = w.session;
  ++other.lease_number;
  w.say(keeper_lease{the_agent, other, w.clock.boottime_ms + 900});
  CHECK(w.machine.next_deadline_ms() == w.clock.boottime_ms + 200);
  w.say(keeper_lease{the_agent, w.session, 0});
  CHECK(!w.machine.next_deadline_ms());
}

TEST_CASE("Sessions: a new one waits for the old one's processes and reports") {
  world w;
  w.open_with_lease(w.clock.boottime_ms + 100);
  auto old = w.session;
  w.start(attempt(1));
  w.run_starts();
  w.advance(100);
  w.look();
  w.say(keeper_open_session{the_agent});
  CHECK(w.all<keeper_session>().size() == 1);
  w.exit(attempt(1), 143);
  CHECK(w.all<keeper_session>().size() == 1);
  w.acknowledge(2);
  REQUIRE(w.all<keeper_session>().size() == 2);
  auto fresh = w.last<keeper_session>();
  CHECK(old < fresh.session);
  CHECK(fresh.last_taken.empty());
  w.dispatch_as(1, old, w.start_of(attempt(2), {}));
  CHECK(w.last<keeper_dispatch_refused>().session == old);
  w.session = fresh.session;
  w.say(keeper_lease{the_agent, w.session, 0});
  w.dispatch_as(1, w.session, w.start_of(attempt(2, 2), {}));
  w.run_starts();
  CHECK(w.begun.back() == attempt(2, 2));
  CHECK(w.last<keeper_reports>().reports.at(0).number == 1);
}

TEST_CASE("an idle session that lapsed is replaced at once when asked for") {
  world w;
  w.open_with_lease(w.clock.boottime_ms + 100);
  w.start(attempt(1));
  w.run_starts();
  w.exit(attempt(1));
  w.acknowledge(2);
  auto old = w.session;
  w.advance(100);
  w.look();
  CHECK(w.last<keeper_session_over>().session == old);
  w.open();
  CHECK(old < w.session);
}

TEST_CASE("an agent that attaches late learns that its session is over") {
  world w;
  w.open_with_lease(w.clock.boottime_ms + 100);
  w.start(attempt(1));
  w.run_starts();
  w.machine.disconnected();
  w.advance(100);
  w.look();
  w.events.clear();
  w.attach();
  CHECK(w.all<keeper_session>().empty());
  CHECK(w.last<keeper_session_over>().session == w.session);
}

TEST_CASE("a keeper counts the agents that attach to it, those of another "
          "version not") {
  world w;
  CHECK(w.last<keeper_hello>().attachments == 1);
  w.machine.disconnected();
  w.machine.connected();
  w.say(keeper_attach{keeper_protocol_version + 1});
  w.attach();
  CHECK(w.last<keeper_hello>().attachments == 2);
}

TEST_CASE("nothing is heard before attach, nor in another version") {
  world w;
  w.machine.connected();
  w.events.clear();
  w.say(keeper_open_session{the_agent});
  CHECK(w.all<keeper_session>().empty());
  CHECK(w.all<keeper_failure>().size() == 1);
  CHECK(!w.dropped);
  w.say(keeper_attach{keeper_protocol_version + 1});
  CHECK(w.dropped);
  CHECK(w.all<keeper_hello>().empty());
}

TEST_CASE("a second start of one attempt is ignored") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.start(attempt(1));
  CHECK(w.all<keeper_failure>().size() == 1);
  w.run_starts();
  CHECK(w.begun.size() == 1);
}

TEST_CASE("a start without the job's body is refused") {
  world w;
  w.open_with_lease();
  auto s = w.start_of(attempt(1), {});
  s.spec.reset();
  w.dispatch_as(1, w.session, s);
  CHECK(w.end_of(attempt(1))->end == attempt_end::not_started);
}

TEST_CASE("too many attempts are not taken, and are when there is room") {
  world w;
  w.open_with_lease();
  for (size_t i = 0; i <= keeper_attempts_max; ++i)
    w.machine.handle(
        keeper_dispatch{
            {shard_a, the_agent, w.session, static_cast<uint64_t>(i + 1),
             w.start_of(attempt(1, static_cast<uint32_t>(i + 1)), {})}},
        w.clock);
  w.act();
  CHECK(w.last<keeper_dispatch_taken>().up_to == keeper_attempts_max);
  auto next = w.machine.next_start(w.clock);
  REQUIRE(next);
  w.machine.failed_to_start(next->attempt, "x", w.clock);
  w.dispatch_as(keeper_attempts_max + 1, w.session, w.start_of(attempt(2), {}));
  CHECK(w.last<keeper_dispatch_taken>().up_to == keeper_attempts_max + 1);
}

TEST_CASE("what was not taken for want of room is asked for once there is") {
  world w;
  w.open_with_lease();
  w.say(keeper_reading_position{the_agent, w.session, 100, true});
  for (size_t i = 0; i < keeper_attempts_max; ++i)
    w.machine.handle(
        keeper_dispatch{
            {shard_a, the_agent, w.session, static_cast<uint64_t>(i + 1),
             w.start_of(attempt(1, static_cast<uint32_t>(i + 1)), {})},
            static_cast<int64_t>(100 + i)},
        w.clock);
  w.act();
  auto position = static_cast<int64_t>(100 + keeper_attempts_max);
  w.events.clear();
  dispatch outside{shard_a, the_agent, w.session, keeper_attempts_max + 1,
                   w.start_of(attempt(2), {})};
  w.say(keeper_dispatch{outside, position});
  CHECK(w.all<keeper_dispatch_taken>().empty());
  // Another shard's stop is taken; a restarted agent would still read on from
  // what waits.
  w.say(keeper_dispatch{
      {shard_b, the_agent, w.session, 1, stop_attempt{attempt(9)}},
      position + 1});
  CHECK(w.last<keeper_dispatch_taken>().read_from == position);
  CHECK_FALSE(w.last<keeper_dispatch_taken>().send_again);
  w.say(keeper_reading_position{the_agent, w.session, position + 50, true});
  CHECK(w.last<keeper_session>().read_from == position);

  auto next = w.machine.next_start(w.clock);
  REQUIRE(next);
  w.machine.failed_to_start(next->attempt, "x", w.clock);
  w.act();
  auto asked = w.last<keeper_dispatch_taken>();
  CHECK(asked.source == shard_a);
  CHECK(asked.up_to == keeper_attempts_max);
  CHECK(asked.send_again);
  CHECK(asked.read_from == position);
  w.events.clear();
  w.say(keeper_dispatch{outside, position});
  CHECK(w.last<keeper_dispatch_taken>().up_to == keeper_attempts_max + 1);
  CHECK_FALSE(w.last<keeper_dispatch_taken>().send_again);
  CHECK(w.last<keeper_dispatch_taken>().read_from == position + 50);
}

TEST_CASE("a restarted agent reads dispatches on from behind the last taken") {
  world w;
  w.open();
  CHECK(w.last<keeper_session>().read_from == -1);
  CHECK_FALSE(w.last<keeper_session>().leased);
  w.say(keeper_reading_position{the_agent, w.session, 100, true});
  CHECK(w.last<keeper_session>().read_from == 100);
  w.say(keeper_lease{the_agent, w.session, 0});
  auto hand_over = [&](uint64_t number, int64_t position) {
    w.say(
        keeper_dispatch{{shard_a, the_agent, w.session, number,
                         w.start_of(attempt(static_cast<uint8_t>(number)), {})},
                        position});
  };
  auto told = [&] {
    w.machine.disconnected();
    w.attach();
    return w.last<keeper_session>();
  };
  hand_over(1, 103);
  CHECK(told().read_from == 104);
  CHECK(told().leased);
  SECTION("a gap is read again with what it lacked") {
    hand_over(3, 105);
    CHECK(told().read_from == 104);
    hand_over(2, 106);
    CHECK(told().read_from == 107);
  }
  SECTION("a repeat is passed") {
    hand_over(1, 108);
    CHECK(told().read_from == 109);
    hand_over(1, 103);
    CHECK(told().read_from == 109);
  }
  SECTION("what was read for others is passed, without an answer") {
    w.events.clear();
    w.say(keeper_reading_position{the_agent, w.session, 120, false});
    CHECK(w.all<keeper_session>().empty());
    CHECK(told().read_from == 120);
    w.say(keeper_reading_position{the_agent, w.session, 110, false});
    CHECK(told().read_from == 120);
  }
  SECTION("another session's reading says nothing") {
    w.say(keeper_reading_position{the_agent, {1, 99}, 120, true});
    CHECK(told().read_from == 104);
  }
}

TEST_CASE("a keeper that is asked whether it is there says so") {
  world w;
  w.say(keeper_check{42});
  CHECK(w.last<keeper_alive>().check == 42);
}

TEST_CASE("shutting down ends all jobs and waits for the last report") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.run_starts();
  w.start(attempt(2));
  w.say(keeper_shut_down{});
  CHECK(w.end_of(attempt(2))->end == attempt_end::not_started);
  CHECK(w.signals == std::vector<signal_attempt>{{attempt(1), false}});
  w.advance(grace);
  w.look();
  CHECK(w.signals.back().kill);
  w.exit(attempt(1), 137);
  CHECK(w.end_of(attempt(1))->end == attempt_end::lost);
  CHECK(!w.ended);
  w.acknowledge(2);
  CHECK(!w.ended);
  w.acknowledge(3);
  CHECK(w.ended);
}

TEST_CASE("nothing starts while shutting down") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.run_starts();
  w.say(keeper_shut_down{});
  w.start(attempt(2));
  w.run_starts();
  CHECK(w.begun.size() == 1);
  CHECK(w.end_of(attempt(2))->end == attempt_end::not_started);
  w.say(keeper_open_session{agent_id{environment_uid{9}, "other"}});
  CHECK(w.all<keeper_session>().size() == 1);
  CHECK(w.all<keeper_failure>().size() == 1);
}

TEST_CASE("told twice, the keeper kills and leaves its reports behind") {
  world w;
  w.open_with_lease();
  w.start(attempt(1));
  w.run_starts();
  w.say(keeper_shut_down{});
  w.say(keeper_shut_down{});
  CHECK(w.signals.back() == signal_attempt{attempt(1), true});
  CHECK(!w.ended);
  w.exit(attempt(1), 137);
  CHECK(w.ended);
  CHECK(w.machine.journal().size() == 1);
}

TEST_CASE("variables of the node are those said last") {
  world w;
  w.say(keeper_node_environment{{{"A", "1"}}});
  w.say(keeper_node_environment{{{"A", "2"}, {"B", "3"}}});
  REQUIRE(w.machine.node_environment().size() == 2);
  CHECK(w.machine.node_environment()[0].value == "2");
}

} // namespace berth
