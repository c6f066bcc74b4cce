// The shard machine as a whole: a job's life through it, and the rules of the
// log, each test named after the rule that it tries to break.

#include "messages/limits.hpp"
#include "tests/support/small_cluster.hpp"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::test;

namespace {

decision_record last_decision(const shard_fixture& f) {
  return *f.folded.back().decision;
}

log_offset append_decision(shard_fixture& f, decision_record d) {
  record r;
  r.body = std::move(d);
  return f.log->append(encode(r));
}

log_offset append_claim(shard_fixture& f, const std::string& nonce,
                        const std::string& node = "n2") {
  record r;
  r.body = claim_record{node, "", nonce};
  return f.log->append(encode(r));
}

} // namespace

TEST_CASE("a job goes from submission to SUCCEEDED") {
  small_cluster c;
  auto id = c.submit(1);
  c.drain();
  auto job = c.describe({id, no_index});
  CHECK(job.status == job_status::succeeded);
  CHECK(job.spec->name == "small");
  REQUIRE(job.attempts.size() == 1);
  CHECK(job.attempts[0].exit_code == 0);
  CHECK(c.agent->started.size() == 1);
}

TEST_CASE("jobs beyond the room wait and then run in order") {
  small_cluster c{2};
  std::vector<job_id> ids;
  for (uint64_t i = 1; i <= 7; ++i)
    ids.push_back(c.submit(i));
  c.drain();
  REQUIRE(c.agent->started.size() == 7);
  for (size_t i = 0; i < ids.size(); ++i)
    CHECK(c.agent->started[i].job.id == ids[i]);
}

TEST_CASE("an array's children all run and its parent succeeds") {
  small_cluster c{4};
  auto spec = small_job();
  spec.array_size = 100;
  auto id = c.submit(1, spec);
  c.drain();
  CHECK(c.agent->started.size() == 100);
  auto parent = c.describe({id, no_index});
  CHECK(parent.status == job_status::succeeded);
  CHECK(parent.children.at(static_cast<size_t>(job_status::succeeded)) == 100);
  CHECK(c.describe({id, 99}).status == job_status::succeeded);
}

TEST_CASE("rule Fold: replay gives the state that live had") {
  small_cluster c;
  for (uint64_t i = 1; i <= 20; ++i)
    c.submit(i);
  c.drain();
  auto live = c.fixture.state().hash();
  shard_fixture follower{c.log, {0}, 1, "n2"};
  follower.read();
  follower.state().check_invariants();
  CHECK(follower.state().hash() == live);
}

TEST_CASE("rule Fold: what a run says to a session that it forgets is no part "
          "of the state") {
  small_cluster c;
  c.agent->ends_attempts = false;
  auto id = c.submit(1);
  c.drain();
  c.fixture.start_call(
      end_job_call{test_owner(), {id, no_index}, true, "enough"});
  c.fixture.machine().on_call(no_caller,
                              agent_lost_call{c.agent->id, c.agent->session});
  c.fixture.run();
  for (const auto& [name, box] : c.fixture.state().outboxes())
    CHECK(name != source_name(c.agent->id, c.agent->session));
  shard_fixture reader{c.log};
  reader.read();
  CHECK(reader.state().hash() == c.fixture.state().hash());
}

TEST_CASE("rule Claim: only the nonce sent last makes an owner") {
  auto log = std::make_shared<partition>();
  shard_fixture f{log};
  f.machine().claim("first");
  f.decide();
  auto first = f.to_append;
  f.to_append.clear();
  f.machine().claim("second");
  f.decide();
  for (auto& bytes : first)
    log->append(bytes);
  f.read();
  CHECK(f.machine().role() == shard_role::claiming);
  f.land();
  f.read();
  CHECK(f.machine().role() == shard_role::owner);
}

TEST_CASE("rule Claim: an owner that reads a foreign claim steps down") {
  small_cluster c;
  append_claim(c.fixture, "foreign");
  c.fixture.read();
  CHECK(c.fixture.machine().role() == shard_role::follower);
  auto token = c.fixture.start_call(barrier_call{});
  REQUIRE(c.fixture.answer_to(token));
  CHECK(std::get<api_error>(*c.fixture.answer_to(token)).code
        == api_errc::unavailable);
}

TEST_CASE("rule Claim: a claim of the same node name is foreign all the same") {
  small_cluster c;
  append_claim(c.fixture, "zombie", "n1");
  c.fixture.read();
  CHECK(c.fixture.machine().role() == shard_role::follower);
}

TEST_CASE("rule Validity: a decision under an older claim is ignored for "
          "ever") {
  small_cluster c;
  c.submit(1);
  auto old = last_decision(c.fixture);
  append_claim(c.fixture, "foreign");
  c.fixture.read();
  auto before = c.fixture.state().hash();
  old.seq += 1;
  append_decision(c.fixture, old);
  c.fixture.read();
  CHECK(c.fixture.state().hash() == before);
  CHECK(c.fixture.machine().counters().fenced == 1);
}

TEST_CASE("rule Validity: a gap in seq is ignored and does not stop a shard") {
  auto log = std::make_shared<partition>();
  shard_fixture owner{log};
  owner.own("a");
  shard_fixture follower{log, {0}, 1, "n2"};
  follower.read();
  decision_record d;
  d.at_epoch = follower.machine().current_epoch();
  d.nonce = "a";
  d.seq = follower.machine().seq() + 2;
  append_decision(follower, d);
  follower.read();
  CHECK(follower.machine().counters().out_of_sequence == 1);
  d.seq = follower.machine().seq() + 1;
  append_decision(follower, d);
  follower.read();
  CHECK(follower.machine().seq() == d.seq);
}

TEST_CASE("rule Validity: an owner that reads its own ignored decision reloads "
          "and claims again") {
  small_cluster c;
  c.fixture.start_call(submission(c.fixture.state(), "q", 1));
  c.fixture.decide();
  REQUIRE(c.fixture.to_append.size() == 1);
  // Another node's claim lands before the decision.
  append_claim(c.fixture, "foreign");
  c.fixture.land();
  c.fixture.read();
  CHECK(c.fixture.reloads.size() == 1);
  c.fixture.restart();
  CHECK(c.fixture.state().jobs().live_count() == 0);
  c.fixture.own("again");
  c.submit(1);
  CHECK(c.fixture.state().jobs().live_count() == 1);
}

TEST_CASE("rule One at a time: nothing leaves before the read-back") {
  small_cluster c;
  auto token = c.fixture.start_call(submission(c.fixture.state(), "q", 1));
  c.fixture.decide();
  REQUIRE(c.fixture.to_append.size() == 1);
  c.fixture.land();
  CHECK_FALSE(c.fixture.answer_to(token));
  CHECK(c.agent->started.empty());
  c.fixture.read();
  CHECK(c.fixture.answer_to(token));
  CHECK(c.agent->started.size() == 1);
}

TEST_CASE("rule One at a time: load makes decisions larger, not more") {
  small_cluster c;
  c.fixture.start_call(submission(c.fixture.state(), "q", 1));
  c.fixture.decide();
  auto folded = c.fixture.folded.size();
  for (uint64_t i = 2; i <= 50; ++i)
    c.fixture.start_call(submission(c.fixture.state(), "q", i));
  c.fixture.decide();
  CHECK(c.fixture.to_append.size() == 1);
  c.fixture.run();
  CHECK(c.fixture.folded.size() <= folded + 3);
  CHECK(c.fixture.state().jobs().live_count() == 50);
}

TEST_CASE("rule Outbox: a repeated report is passed over") {
  small_cluster c;
  c.submit(1);
  auto before = c.log->records.size();
  c.agent->report();
  auto report = c.log->records.at(before);
  c.drain();
  auto hash = c.fixture.state().hash();
  c.log->append(report.bytes);
  c.fixture.run();
  CHECK(c.fixture.state().hash() == hash);
  CHECK(c.fixture.machine().counters().messages_passed_over == 2);
}

TEST_CASE("rule Outbox: only the last number + 1 is taken") {
  small_cluster c;
  c.submit(1);
  record r;
  message_record m;
  attempt_ended_report ended;
  ended.attempt = c.agent->started.at(0);
  ended.exit_code = 0;
  m.body = agent_reports{c.agent->id, c.agent->session, {{2, ended}}};
  r.body = m;
  c.log->append(encode(r));
  c.fixture.run();
  CHECK(c.describe({c.agent->started[0].job}).status == job_status::starting);
  c.drain();
  CHECK(c.describe({c.agent->started[0].job}).status == job_status::succeeded);
}

TEST_CASE("rule Outbox: a new owner sends again what was not recorded as "
          "delivered") {
  small_cluster c;
  c.fixture.on_dispatch = nullptr;
  c.submit(1);
  REQUIRE(c.fixture.dispatches.size() == 1);
  c.fixture.dispatches.clear();
  c.fixture.restart();
  c.fixture.own("again");
  REQUIRE(c.fixture.dispatches.size() == 1);
  CHECK(c.fixture.dispatches[0].number == 1);
}

TEST_CASE("rule Outbox: a delivery is recorded only when all earlier ones "
          "are") {
  small_cluster c{4};
  c.agent->ends_attempts = false;
  for (uint64_t i = 1; i <= 3; ++i)
    c.submit(i);
  auto to = source_name(c.agent->id, c.agent->session);
  auto acknowledge = [&](uint64_t number, uint64_t round) {
    c.fixture.machine().on_delivered({to, number, round});
    c.fixture.boottime_ms += limits::delivery_record_delay_ms + 1;
    c.fixture.run();
    return c.fixture.state().outboxes().at(to).unrecorded.size();
  };
  CHECK(acknowledge(3, 1) == 3);
  CHECK(acknowledge(1, 1) == 2);
  CHECK(acknowledge(2, 2) == 1);
  CHECK(acknowledge(3, 2) == 0);
}

TEST_CASE("rule Outbox: what overtook an earlier message is sent again") {
  small_cluster c{4};
  c.agent->ends_attempts = false;
  for (uint64_t i = 1; i <= 3; ++i)
    c.submit(i);
  auto to = source_name(c.agent->id, c.agent->session);
  c.fixture.dispatches.clear();
  c.fixture.machine().on_delivered({to, 3, 1});
  c.fixture.run();
  CHECK(c.fixture.dispatches.empty());
  c.fixture.machine().on_delivered({to, 1, 1});
  c.fixture.run();
  REQUIRE(c.fixture.dispatches.size() == 2);
  CHECK(c.fixture.dispatches[0].number == 2);
  CHECK(c.fixture.dispatches[1].number == 3);
}

TEST_CASE("rule Outbox: messages that fail together are sent again once, after "
          "a pause, whichever fails first") {
  auto backwards = GENERATE(false, true);
  small_cluster c{8};
  c.agent->ends_attempts = false;
  for (uint64_t i = 1; i <= 5; ++i)
    c.submit(i);
  auto to = source_name(c.agent->id, c.agent->session);
  auto fail_all_behind_first = [&](uint64_t round) {
    for (uint64_t i = 2; i <= 5; ++i) {
      c.fixture.machine().on_delivery_failed(
          {to, backwards ? 7 - i : i, round});
      c.fixture.run();
    }
  };
  auto numbers_sent_after = [&](int64_t wait_ms) {
    c.fixture.dispatches.clear();
    c.fixture.boottime_ms += wait_ms;
    c.fixture.run();
    std::vector<uint64_t> numbers;
    for (const auto& d : c.fixture.dispatches)
      numbers.push_back(d.number);
    return numbers;
  };
  const std::vector<uint64_t> none;
  const std::vector<uint64_t> all_behind_first{2, 3, 4, 5};
  fail_all_behind_first(1);
  CHECK(c.fixture.dispatches.size() == 5);
  CHECK(numbers_sent_after(limits::send_again_delay_ms - 1) == none);
  CHECK(numbers_sent_after(1) == all_behind_first);
  SECTION("what becomes known late of the first sending counts for nothing") {
    fail_all_behind_first(1);
    CHECK(numbers_sent_after(limits::send_again_delay_ms) == none);
  }
  SECTION("when all fail again, they are sent again") {
    fail_all_behind_first(2);
    CHECK(numbers_sent_after(limits::send_again_delay_ms) == all_behind_first);
  }
}

TEST_CASE("rule Outbox: who owns again knows nothing of what it sent before") {
  small_cluster c{4};
  c.agent->ends_attempts = false;
  for (uint64_t i = 1; i <= 3; ++i)
    c.submit(i);
  auto to = source_name(c.agent->id, c.agent->session);
  auto unrecorded_after = [&](const sending& what) {
    c.fixture.machine().on_delivered(what);
    c.fixture.boottime_ms += limits::delivery_record_delay_ms + 1;
    c.fixture.run();
    return c.fixture.state().outboxes().at(to).unrecorded.size();
  };
  CHECK(unrecorded_after({to, 2, 1}) == 3);
  append_claim(c.fixture, "foreign");
  c.fixture.read();
  REQUIRE(c.fixture.machine().role() == shard_role::follower);
  CHECK(unrecorded_after({to, 1, 1}) == 3);
  c.fixture.dispatches.clear();
  c.fixture.own("again");
  CHECK(c.fixture.dispatches.size() == 3);
  // The other owner may have sent or recorded some of them.
  CHECK(unrecorded_after({to, 1, 1}) == 3);
  c.fixture.dispatches.clear();
  CHECK(unrecorded_after({to, 1, 2}) == 2);
  CHECK(c.fixture.dispatches.empty());
  CHECK(unrecorded_after({to, 2, 2}) == 1);
}

TEST_CASE("rule Outbox: an agent that says what it has is sent the rest at "
          "once") {
  small_cluster c{4};
  c.agent->ends_attempts = false;
  for (uint64_t i = 1; i <= 3; ++i)
    c.submit(i);
  auto to = source_name(c.agent->id, c.agent->session);
  c.fixture.dispatches.clear();
  c.fixture.machine().on_taken_no_more(to, 1);
  c.fixture.run();
  REQUIRE(c.fixture.dispatches.size() == 2);
  CHECK(c.fixture.dispatches[0].number == 2);
  CHECK(c.fixture.dispatches[1].number == 3);
  c.fixture.boottime_ms += limits::delivery_record_delay_ms + 1;
  c.fixture.run();
  CHECK(c.fixture.state().outboxes().at(to).unrecorded.size() == 2);
}

TEST_CASE("rule One at a time: a failed delivery sends nothing of the decision "
          "in flight") {
  small_cluster c{4};
  c.agent->ends_attempts = false;
  c.submit(1);
  auto to = source_name(c.agent->id, c.agent->session);
  c.fixture.start_call(submission(c.fixture.state(), "q", 2));
  c.fixture.decide();
  REQUIRE(c.fixture.to_append.size() == 1);
  c.fixture.dispatches.clear();
  c.fixture.machine().on_delivery_failed({to, 1, 1});
  c.fixture.boottime_ms += limits::send_again_delay_ms;
  c.fixture.decide();
  REQUIRE(c.fixture.dispatches.size() == 1);
  CHECK(c.fixture.dispatches[0].number == 1);
  c.fixture.run();
  CHECK(c.fixture.dispatches.back().number == 2);
}

TEST_CASE("rule Unknown is not failed: an unknown outcome drops the undecided "
          "state, and the log tells") {
  auto took_effect = GENERATE(true, false);
  small_cluster c;
  auto call = submission(c.fixture.state(), "q", 1);
  auto token = c.fixture.start_call(call);
  c.fixture.decide();
  c.fixture.machine().on_appended(shard::appended::unknown);
  c.fixture.decide();
  REQUIRE(c.fixture.reloads.size() == 1);
  CHECK(std::get<api_error>(*c.fixture.answer_to(token)).code
        == api_errc::unavailable);
  if (took_effect)
    c.fixture.land();
  c.fixture.restart();
  c.fixture.own("again");
  CHECK(c.fixture.state().jobs().live_count() == (took_effect ? 1 : 0));
  // The client's retry finds it, or makes it; once in either case.
  c.fixture.call(call);
  CHECK(c.fixture.state().jobs().live_count() == 1);
}

TEST_CASE("an append that fails says why") {
  small_cluster c;
  c.fixture.start_call(submission(c.fixture.state(), "q", 1));
  c.fixture.decide();
  c.fixture.machine().on_appended(shard::appended::no, "the disk is full");
  c.fixture.decide();
  CHECK(c.fixture.reloads
        == std::vector<std::string>{"an append was refused: the disk is full"});
}

TEST_CASE("rule Unknown is not failed: a claim that did not land fences "
          "nobody") {
  auto outcome = GENERATE(shard::appended::no, shard::appended::unknown);
  small_cluster c;
  c.fixture.restart();
  c.fixture.machine().claim("second");
  c.fixture.decide();
  c.fixture.machine().on_appended(outcome);
  c.fixture.decide();
  REQUIRE(c.fixture.machine().role() == shard_role::broken);
  CHECK_FALSE(c.fixture.machine().is_fenced());
}

TEST_CASE("rule Unknown is not failed: a decision that lands after the next "
          "claim is void") {
  small_cluster c;
  c.fixture.start_call(submission(c.fixture.state(), "q", 1));
  c.fixture.decide();
  auto late = c.fixture.to_append;
  c.fixture.machine().on_appended(shard::appended::unknown);
  c.fixture.decide();
  c.fixture.restart();
  c.fixture.own("again");
  for (auto& bytes : late)
    c.log->append(bytes);
  c.fixture.run();
  CHECK(c.fixture.state().jobs().live_count() == 0);
  CHECK(c.fixture.machine().role() == shard_role::owner);
}

TEST_CASE("rule Checkpoint: none is cut while a decision is in flight") {
  small_cluster c;
  c.fixture.start_call(submission(c.fixture.state(), "q", 1));
  c.fixture.decide();
  CHECK_FALSE(c.fixture.write_checkpoint());
  c.fixture.run();
  CHECK(c.fixture.write_checkpoint());
}

TEST_CASE("rule Checkpoint: a store and the log's rest give the live state") {
  small_cluster c;
  c.agent->ends_attempts = false;
  for (uint64_t i = 1; i <= 10; ++i)
    c.submit(i);
  REQUIRE(c.fixture.write_checkpoint());
  for (uint64_t i = 11; i <= 15; ++i)
    c.submit(i);
  c.agent->end(c.agent->started.at(0), 0);
  c.drain();
  auto live = c.fixture.state().hash();
  c.fixture.restart();
  c.fixture.state().check_invariants();
  CHECK(c.fixture.state().hash() == live);
}

TEST_CASE("rule Checkpoint: messages after `through` are read again") {
  small_cluster c;
  c.submit(1);
  // The report is in the log, but no decision has taken it.
  c.agent->report();
  c.fixture.read();
  REQUIRE(c.fixture.write_checkpoint());
  c.fixture.restart();
  c.fixture.own("again");
  c.drain();
  CHECK(c.describe(c.agent->started.at(0).job).status == job_status::succeeded);
}

TEST_CASE("rule Time: at_ms never goes back, whatever the log's clock says") {
  small_cluster c;
  c.fixture.boottime_ms += 5000;
  c.submit(1);
  auto at = last_decision(c.fixture).at_ms;
  c.log->now_ms -= 1'000'000;
  c.fixture.restart();
  c.fixture.own("again");
  c.submit(2);
  CHECK(last_decision(c.fixture).at_ms >= at);
}

TEST_CASE("rule Bounds: a full owner turns calls away before anything is "
          "stored") {
  small_cluster c;
  c.fixture.start_call(submission(c.fixture.state(), "q", 1));
  c.fixture.decide();
  std::optional<result> refused;
  for (size_t i = 0; i <= limits::waiting_inputs_max && !refused; ++i)
    refused = c.fixture.answer_to(c.fixture.start_call(barrier_call{}));
  REQUIRE(refused);
  CHECK(std::get<api_error>(*refused).code == api_errc::too_many_requests);
}

TEST_CASE("rule Bounds: a decision stays below the largest record") {
  small_cluster c;
  auto spec = small_job();
  spec.container.packaging_json = std::string(20'000, 'x');
  for (uint64_t i = 1; i <= 200; ++i)
    c.fixture.start_call(submission(c.fixture.state(), "q", i, spec));
  c.fixture.run();
  CHECK(c.fixture.state().jobs().live_count() == 200);
  for (const auto& r : c.log->records)
    CHECK(r.bytes.size() < 2 * limits::decision_bytes_max);
}

TEST_CASE("rule Bounds: the reasons that people give count towards a "
          "decision's bytes") {
  constexpr uint64_t jobs = 2000;
  small_cluster c;
  for (uint64_t i = 1; i <= jobs; ++i)
    c.fixture.start_call(submission(c.fixture.state(), "q", i));
  c.fixture.run();
  for (uint64_t i = 1; i <= jobs; ++i)
    c.fixture.start_call(
        end_job_call{test_owner(),
                     {submission(c.fixture.state(), "q", i).id, no_index},
                     true,
                     std::string(limits::reason_length_max, 'r')});
  c.drain();
  CHECK(c.fixture.state().jobs().live_count() == 0);
  for (const auto& r : c.log->records)
    CHECK(r.bytes.size() < 2 * limits::decision_bytes_max);
}

TEST_CASE("rule Bounds: what is passed on to another shard counts towards a "
          "decision's bytes") {
  shard_fixture f{std::make_shared<partition>(), {0}, 2};
  f.own("nonce-1");
  auto spec = small_job();
  spec.container.packaging_json = std::string(20'000, 'x');
  job_id id;
  for (log_offset i = 0; i < 200; ++i) {
    id.bytes[0] = static_cast<uint8_t>(i);
    REQUIRE(f.machine().on_submission(
        {"berth.submissions/0", i, shard_id{1},
         submit_job_call{id, test_owner(), queue_uid{1},
                         std::make_shared<const job_spec>(spec)}}));
  }
  f.run();
  CHECK(f.machine().submissions_taken("berth.submissions/0") == 199);
  for (const auto& r : f.log->records)
    CHECK(r.bytes.size() < 2 * limits::decision_bytes_max);
}

TEST_CASE("rule Bounds: a message that makes no sense is noted, not retried") {
  small_cluster c;
  record r;
  message_record m;
  m.body = queue_gone{queue_uid{7}};
  r.body = m;
  c.log->append(encode(r));
  c.fixture.run();
  CHECK(c.fixture.machine().counters().messages_refused == 1);
  c.submit(1);
  c.drain();
  CHECK(c.agent->started.size() == 1);
}

TEST_CASE("rule Sessions: a new session settles the old one's attempts once") {
  small_cluster c;
  c.agent->ends_attempts = false;
  auto id = c.submit(1);
  c.drain();
  CHECK(c.describe({id}).status == job_status::running);
  instant_agent next{c.fixture, c.agent->id.environment, 2, 2};
  c.fixture.on_dispatch = [&](const dispatch& d) { next.take(d); };
  next.join();
  next.join();
  c.fixture.run();
  auto job = c.describe({id});
  CHECK(job.status == job_status::failed);
  REQUIRE(job.attempts.size() == 1);
  CHECK(job.attempts[0].end == attempt_end::lost);
  c.fixture.state().check_invariants();
}

TEST_CASE("rule Sessions: a lost agent's attempts are settled, and its reports "
          "come too late") {
  small_cluster c;
  c.agent->ends_attempts = false;
  job_spec spec = small_job();
  spec.retry.attempts = 2;
  auto id = c.submit(1, spec);
  c.drain();
  REQUIRE(c.agent->started.size() == 1);
  c.fixture.machine().on_call(no_caller,
                              agent_lost_call{c.agent->id, c.agent->session});
  c.drain();
  CHECK(c.describe({id, no_index}).status == job_status::runnable);
  CHECK(c.fixture.state().environments().begin()->second.agents().empty());
  c.agent->end(c.agent->started[0], 0);
  c.drain();
  record again;
  message_record m;
  m.body = agent_reports{
      c.agent->id,
      c.agent->session,
      {{1, attempt_started_report{c.agent->started[0], c.log->now_ms}}}};
  again.body = m;
  c.log->append(encode(again));
  c.drain();
  CHECK(c.describe({id, no_index}).status == job_status::runnable);
  // Nothing is left of the old session's numbers.
  auto source = source_name(c.agent->id, c.agent->session);
  CHECK(c.fixture.state().last_taken(source) == 0);
  CHECK(c.fixture.state().last_sent(source) == 0);

  instant_agent fresh{c.fixture, c.agent->id.environment, 2, 2};
  c.fixture.on_dispatch = [&](const dispatch& d) { fresh.take(d); };
  fresh.join();
  do
    c.fixture.run();
  while (fresh.report());
  CHECK(fresh.started == std::vector<attempt_id>{{{id, no_index}, 2}});
  CHECK(c.describe({id, no_index}).status == job_status::succeeded);
}

TEST_CASE("nobody is answered for whom nobody waits") {
  small_cluster c;
  c.fixture.machine().on_call(no_caller,
                              agent_lost_call{c.agent->id, c.agent->session});
  record foreign;
  foreign.body = claim_record{"n2", "", "nonce-2"};
  c.log->append(encode(foreign));
  c.fixture.read();
  REQUIRE(c.fixture.machine().role() == shard_role::follower);
  CHECK_FALSE(c.fixture.answer_to(no_caller));
  c.fixture.machine().on_call(no_caller,
                              agent_lost_call{c.agent->id, c.agent->session});
  c.fixture.run();
  CHECK_FALSE(c.fixture.answer_to(no_caller));
  CHECK(c.fixture.machine().counters().calls_turned_away == 1);
}

TEST_CASE("rule Barrier: a question waits until the log's end was read") {
  small_cluster c;
  c.fixture.answers_looks = false;
  auto token = c.fixture.start_call(barrier_call{});
  c.fixture.decide();
  CHECK_FALSE(c.fixture.answer_to(token));
  // Something landed that this owner has not read.
  c.agent->join();
  c.fixture.machine().on_end(static_cast<log_offset>(c.log->records.size()));
  c.fixture.decide();
  CHECK_FALSE(c.fixture.answer_to(token));
  c.fixture.run();
  CHECK(c.fixture.answer_to(token));
}

TEST_CASE("rule Barrier: a former owner does not say that nothing was to be "
          "done") {
  small_cluster c;
  c.fixture.answers_looks = false;
  auto end_of = [&](uint64_t number) {
    return end_job_call{
        test_owner(),
        {submission(c.fixture.state(), "q", number).id, no_index},
        true,
        "enough"};
  };
  auto token = c.fixture.start_call(end_of(1));
  c.fixture.decide();
  CHECK_FALSE(c.fixture.answer_to(token));
  SECTION("but is turned away when another claim is found") {
    append_claim(c.fixture, "foreign");
    c.fixture.machine().on_end(static_cast<log_offset>(c.log->records.size()));
    c.fixture.read();
    auto answer = c.fixture.answer_to(token);
    REQUIRE(answer);
    CHECK(std::get<api_error>(*answer).code == api_errc::unavailable);
  }
  SECTION("an owner that is still the owner does") {
    c.fixture.machine().on_end(static_cast<log_offset>(c.log->records.size()));
    c.fixture.decide();
    auto answer = c.fixture.answer_to(token);
    REQUIRE(answer);
    CHECK(std::get<response>(*answer) == response{done_response{}});
  }
}

TEST_CASE("a submission repeated by an SDK's retry is one job") {
  small_cluster c;
  auto call = submission(c.fixture.state(), "q", 1);
  auto first = c.fixture.call(call);
  auto second = c.fixture.call(call);
  CHECK(std::get<response>(first) == std::get<response>(second));
  c.drain();
  c.fixture.write_checkpoint();
  auto third = c.fixture.call(call);
  CHECK(std::get<response>(first) == std::get<response>(third));
  CHECK(c.agent->started.size() == 1);
}

TEST_CASE("a record of a newer format is fatal") {
  small_cluster c;
  record r;
  r.format = record_format + 1;
  r.body = claim_record{};
  c.log->append(encode(r));
  c.fixture.read();
  CHECK(c.fixture.fatals.size() == 1);
}

TEST_CASE("a dependency that only the store still knows is met at once") {
  small_cluster c;
  auto first = c.submit(1);
  c.drain();
  REQUIRE(c.fixture.write_checkpoint());
  c.fixture.restart();
  c.fixture.own("again");
  auto spec = small_job();
  spec.depends_on.push_back({job_key{first, no_index}, dependency_kind::plain});
  auto second = c.submit(2, spec);
  c.drain();
  CHECK(c.describe({second, no_index}).status == job_status::succeeded);
}

TEST_CASE("a job that can never fit says so while it waits") {
  small_cluster c{2};
  auto id = c.submit(1, small_job(3000));
  c.drain();
  auto job = c.describe({id, no_index});
  CHECK(job.status == job_status::runnable);
  CHECK(job.status_reason.starts_with(
      "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"));
}

TEST_CASE("environments are filled with the vCPUs that they want now") {
  small_cluster c{4};
  c.fixture.on_dispatch = nullptr;
  for (uint64_t i = 1; i <= 3; ++i)
    c.submit(i);
  const auto stored =
      *c.fixture.state().catalog().find_environment(test_owner(), "e");
  CHECK(stored.settings.desired_vcpus == 0);
  auto unmanaged = stored;
  unmanaged.settings.type = environment_type::unmanaged;
  auto elsewhere = stored;
  elsewhere.uid = environment_uid{999};
  elsewhere.settings.desired_vcpus = 5;
  auto answer =
      c.fixture.call(fill_environments_call{{stored, unmanaged, elsewhere}});
  auto filled =
      std::get<environments_response>(std::get<response>(answer)).environments;
  REQUIRE(filled.size() == 3);
  CHECK(filled[0].uid == stored.uid);
  CHECK(filled[0].settings.desired_vcpus == 3);
  CHECK(filled[1].settings.desired_vcpus == 0);
  CHECK(filled[2].settings.desired_vcpus == 5);
}
