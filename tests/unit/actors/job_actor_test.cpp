// Single jobs: attempts (AWS reference 15.3 to 15.5), cancel and terminate
// (15.6).
#include "actors/job_actor.hpp"

#include "tests/unit/actors/job_world.hpp"

#include <catch2/catch.hpp>

namespace berth::testing {
namespace {

const job_key job{test_id(1), no_index};

shared_job_spec with_attempts(uint32_t attempts,
                              std::vector<retry_rule> rules = {}) {
  auto spec = test_spec();
  spec->retry = {attempts, std::move(rules)};
  return spec;
}

void check_failed(job_world& world, const std::string& reason) {
  for (auto stored : {false, true}) {
    if (stored)
      world.checkpoint();
    auto view = world.describe(job);
    REQUIRE(view);
    CHECK(view->status == job_status::failed);
    CHECK(view->status_reason == reason);
  }
}

TEST_CASE("a known id answers as before and submits nothing") {
  job_world world;
  auto first = world.submit(job.id);
  auto again = world.submit(job.id);
  CHECK(again == first);
  CHECK(world.last_events.empty());
  world.run(job);
  CHECK(world.submit(job.id) == first);
  CHECK(world.last_events.empty());
  world.checkpoint();
  CHECK(world.submit(job.id) == first);
  CHECK(world.last_events.empty());
}

TEST_CASE("a disabled queue takes no jobs and says why") {
  job_world world;
  world.disable_queue(test_queue);
  auto error = error_of(world.submit(job.id));
  REQUIRE(error);
  CHECK(error->code == api_errc::invalid);
  CHECK_THAT(error->message,
             Catch::Contains("queue-7") && Catch::Contains("DISABLED"));
  CHECK(world.last_events.empty());
}

TEST_CASE("jobs queue in the order of their submission") {
  job_world world;
  world.submit(test_id(9));
  auto first = world.messages_of<enqueue_jobs>().front();
  world.submit(test_id(2));
  auto second = world.messages_of<enqueue_jobs>().front();
  CHECK(first.position < second.position);
  CHECK(first.queue == test_queue);
  CHECK(first.what == shape{{1000, 512, {}}, 1});
  CHECK(first.submitted_ms == world.now_ms);
}

TEST_CASE("a failed attempt is tried again at the same place in the queue") {
  job_world world;
  world.submit(job.id, with_attempts(2));
  auto place = world.messages_of<enqueue_jobs>().front();
  world.place(job);
  world.start(job);
  world.finish(job, 3);
  REQUIRE(world.messages_of<enqueue_jobs>().size() == 1);
  CHECK(world.messages_of<enqueue_jobs>().front() == place);
  CHECK(world.messages_of<finish_lease>().size() == 1);
  CHECK(world.status(job) == job_status::runnable);
  world.reload();
  world.place(job);
  CHECK(std::get<start_attempt>(world.last_dispatches.at(0).body).attempt
        == attempt_id{job, 2});
  world.start(job);
  world.finish(job, 4);
  check_failed(world, "Essential container in task exited");
  auto view = world.describe(job);
  REQUIRE(view->attempts.size() == 2);
  CHECK(view->attempts[0].exit_code == 3);
  CHECK(view->attempts[1].exit_code == 4);
  world.replay();
}

TEST_CASE("evaluateOnExit looks at exit code, reason and status reason") {
  retry_rule rule;
  rule.action = retry_action::exit;
  auto reason = std::string{"Task failed to start"};
  SECTION("exit code") {
    rule.on_exit_code = "1";
    reason = "Essential container in task exited";
  }
  SECTION("reason") {
    rule.on_reason = "CannotStart*";
  }
  SECTION("status reason") {
    rule.on_status_reason = "Task failed to start";
  }
  job_world world;
  world.submit(job.id, with_attempts(5, {rule}));
  world.place(job);
  if (rule.on_exit_code)
    world.finish(job, 1);
  else
    world.end(job, attempt_end::failed_to_start, {},
              "CannotStartContainerError: no such file");
  check_failed(world, reason);
}

TEST_CASE("a command that cannot be started has a reason and no exit code") {
  job_world world;
  world.submit(job.id);
  world.place(job);
  world.end(job, attempt_end::failed_to_start, {},
            "CannotStartContainerError: not in $PATH");
  check_failed(world, "Task failed to start");
  auto attempt = world.describe(job)->attempts.at(0);
  CHECK_FALSE(attempt.exit_code);
  CHECK(attempt.reason == "CannotStartContainerError: not in $PATH");
  CHECK(attempt.started_ms == 0);
}

TEST_CASE("a timed-out attempt fails and is not tried again") {
  job_world world;
  world.submit(job.id, with_attempts(5));
  world.place(job);
  world.start(job);
  world.end(job, attempt_end::timed_out, 137);
  check_failed(world, "Job attempt duration exceeded timeout");
  CHECK(world.describe(job)->attempts.at(0).exit_code == 137);
}

TEST_CASE("an attempt killed for its memory says so in its reason") {
  job_world world;
  world.submit(job.id);
  world.place(job);
  world.start(job);
  world.end(job, attempt_end::out_of_memory, 137);
  check_failed(world, "Essential container in task exited");
  CHECK_THAT(world.describe(job)->attempts.at(0).reason,
             Catch::StartsWith("OutOfMemoryError: "));
}

TEST_CASE("a lost host counts as an attempt and gives no lease back") {
  job_world world;
  world.submit(job.id, with_attempts(2));
  world.place(job);
  world.start(job);
  world.lose(job);
  CHECK(world.messages_of<finish_lease>().empty());
  CHECK(world.status(job) == job_status::runnable);
  world.place(job);
  world.lose(job);
  check_failed(world, "Host EC2 (instance agent-1) terminated.");
  CHECK(world.describe(job)->attempts.size() == 2);
}

TEST_CASE("a start that was refused is an attempt that was lost") {
  job_world world;
  world.submit(job.id, with_attempts(2));
  world.place(job);
  world.end(job, attempt_end::not_started);
  CHECK(world.messages_of<finish_lease>().size() == 1);
  CHECK(world.status(job) == job_status::runnable);
}

TEST_CASE("stale and repeated reports change nothing") {
  job_world world;
  world.submit(job.id, with_attempts(2));
  world.place(job);
  auto started = attempt_started_report{{job, 1}, world.now_ms};
  auto ended = attempt_ended_report{{job, 1}, attempt_end::exited, 0, {}, 0, 0};
  auto expect_nothing = [&](const attempt_report& r, const agent_id& agent,
                            const session_id& session) {
    world.report({}, agent, session, r);
    CHECK(world.last_events.empty());
    CHECK(world.last_messages.empty());
  };
  SECTION("of another session") {
    expect_nothing(ended, test_agent, {5, 2});
  }
  SECTION("of another agent") {
    expect_nothing(ended, {test_environment, "agent-2"}, test_session);
    expect_nothing(ended, {{99}, "agent-1"}, test_session);
  }
  SECTION("of another attempt") {
    ended.attempt.number = 2;
    expect_nothing(ended, test_agent, test_session);
  }
  SECTION("of a job that is over") {
    world.finish(job);
    expect_nothing(started, test_agent, test_session);
    expect_nothing(ended, test_agent, test_session);
  }
  SECTION("of a job that waits for its next attempt") {
    world.finish(job, 1);
    expect_nothing(started, test_agent, test_session);
    expect_nothing(ended, test_agent, test_session);
  }
  SECTION("told twice") {
    world.start(job);
    expect_nothing(started, test_agent, test_session);
  }
  SECTION("of no job at all") {
    started.attempt.job.id = test_id(77);
    expect_nothing(started, test_agent, test_session);
    started.attempt.job = {job.id, 4};
    expect_nothing(started, test_agent, test_session);
  }
}

TEST_CASE("the loss of a lease that is over changes nothing") {
  job_world world;
  world.submit(job.id, with_attempts(2));
  world.place(job);
  world.finish(job, 1);
  world.place(job);
  world.tell({}, attempt_lost{job, test_environment, lease_id{1},
                              lease_lost_reason::session_over});
  CHECK(world.last_events.empty());
  CHECK(world.status(job) == job_status::starting);
}

TEST_CASE("a lease for a job that is not to run goes back at once") {
  job_world world;
  place_job m{job, lease_id{40}, test_environment, "agent-1", test_session};
  auto expect_back = [&] {
    draft d;
    fetched_rows none;
    world.table().decide(m, {world.now_ms, {}, &none}, d);
    CHECK(d.events.empty());
    CHECK(d.dispatches.empty());
    REQUIRE(d.messages.size() == 1);
    const auto& back = std::get<finish_lease>(d.messages[0].body);
    CHECK(back.lease == lease_id{40});
    CHECK(back.queue == test_queue);
    CHECK(back.job == job);
  };
  world.submit(job.id);
  world.place(job);
  expect_back();
  world.finish(job);
  expect_back();
}

TEST_CASE("times of a job never run backwards nor ahead of the log") {
  job_world world;
  world.submit(job.id);
  world.place(job);
  auto placed = world.now_ms;
  world.now_ms += 1000;
  world.report({}, test_agent, test_session,
               attempt_started_report{{job, 1}, placed - 5000});
  world.report({}, test_agent, test_session,
               attempt_ended_report{{job, 1},
                                    attempt_end::exited,
                                    0,
                                    {},
                                    placed - 5000,
                                    world.now_ms + 99'000});
  auto view = world.describe(job);
  CHECK(view->started_ms == placed);
  CHECK(view->stopped_ms == world.now_ms);
}

// AWS reference 15.6, row by row.

TEST_CASE("cancel and terminate fail a RUNNABLE job with the reason given") {
  auto terminate = GENERATE(false, true);
  job_world world;
  world.submit(job.id);
  if (terminate)
    world.terminate(job, "enough");
  else
    world.cancel(job, "enough");
  CHECK(world.messages_of<withdraw_jobs>().size() == 1);
  CHECK_FALSE(world.is_queued(job));
  check_failed(world, "enough");
  auto view = world.describe(job);
  CHECK(view->attempts.empty());
  CHECK(view->started_ms == 0);
  CHECK(view->stopped_ms == world.now_ms);
  CHECK(view->is_cancelled == !terminate);
  CHECK(view->is_terminated == terminate);
}

TEST_CASE("cancel and terminate of a PENDING job wait for its dependencies") {
  auto terminate = GENERATE(false, true);
  auto dependency_fails = GENERATE(false, true);
  job_world world;
  job_key first{test_id(2), no_index};
  job_key second{test_id(3), no_index};
  world.submit(first.id);
  world.submit(second.id);
  auto spec = std::make_shared<job_spec>(*waiting_spec(first));
  spec->depends_on.push_back({second, dependency_kind::plain});
  world.submit(job.id, spec);
  if (terminate)
    world.terminate(job, "enough");
  else
    world.cancel(job, "enough");
  CHECK(world.status(job) == job_status::pending);
  world.cancel(job, "a later reason");
  world.reload();
  if (dependency_fails) {
    world.run(first, 1);
  } else {
    world.run(first);
    CHECK(world.status(job) == job_status::pending);
    world.run(second);
  }
  CHECK_FALSE(world.is_queued(job));
  check_failed(world, "enough");
  CHECK(world.describe(job)->is_cancelled == !terminate);
  world.replay();
}

TEST_CASE("cancel has no effect on a placed job") {
  job_world world;
  world.submit(job.id);
  world.place(job);
  world.cancel(job);
  CHECK(world.last_events.empty());
  world.start(job);
  world.cancel(job);
  CHECK(world.last_events.empty());
  CHECK(world.last_dispatches.empty());
  world.finish(job);
  CHECK(world.status(job) == job_status::succeeded);
  CHECK_FALSE(world.describe(job)->is_cancelled);
}

TEST_CASE("terminate stops a placed job, which fails when its end is told") {
  auto exit_code = GENERATE(143, 0);
  auto running = GENERATE(false, true);
  job_world world;
  world.submit(job.id, with_attempts(5));
  world.place(job);
  if (running)
    world.start(job);
  world.terminate(job, "stop it");
  REQUIRE(world.last_dispatches.size() == 1);
  CHECK(std::get<stop_attempt>(world.last_dispatches[0].body).attempt
        == attempt_id{job, 1});
  CHECK(is_active(world.status(job)));
  CHECK(world.describe(job)->is_terminated);
  world.terminate(job, "again");
  CHECK(world.last_events.empty());
  CHECK(world.last_dispatches.empty());
  world.reload();
  if (exit_code == 0)
    world.end(job, attempt_end::exited, 0);
  else
    world.end(job, attempt_end::stopped, exit_code);
  check_failed(world, "stop it");
  auto attempt = world.describe(job)->attempts.at(0);
  CHECK(attempt.status_reason == "stop it");
  CHECK(attempt.exit_code == exit_code);
}

TEST_CASE("a terminated job whose start came too late fails with the reason") {
  job_world world;
  world.submit(job.id, with_attempts(5));
  world.place(job);
  world.terminate(job, "stop it");
  world.end(job, attempt_end::not_started);
  check_failed(world, "stop it");
}

TEST_CASE("a terminated job whose host is lost fails with the reason") {
  job_world world;
  world.submit(job.id, with_attempts(5));
  world.place(job);
  world.terminate(job, "stop it");
  world.lose(job);
  check_failed(world, "stop it");
}

TEST_CASE("cancel and terminate of a terminal job have no effect") {
  job_world world;
  world.submit(job.id);
  world.run(job);
  world.cancel(job);
  CHECK(world.last_events.empty());
  world.terminate(job);
  CHECK(world.last_events.empty());
  CHECK(world.status(job) == job_status::succeeded);
}

TEST_CASE("cancel and terminate of an unknown job are answered") {
  job_world world;
  world.cancel({test_id(99), no_index});
  CHECK(world.last_events.empty());
  world.terminate({test_id(99), 3});
  CHECK(world.last_events.empty());
  world.submit(job.id);
  world.terminate({job.id, 3});
  CHECK(world.last_events.empty());
}

TEST_CASE("another account's job is unknown") {
  job_world world;
  world.submit(job.id);
  draft d;
  end_job_call call{{"999999999999", "us-east-1"}, job, true, "mine now"};
  world.table().decide(call_token{4}, call, {world.now_ms, {}, nullptr}, d);
  CHECK(d.events.empty());
  REQUIRE(d.answers.size() == 1);
  CHECK(std::holds_alternative<response>(d.answers[0].answer));
  CHECK_FALSE(world.describe(job, {"999999999999", "us-east-1"}));
  CHECK_FALSE(world.describe(job, {"123456789012", "eu-west-1"}));
}

} // namespace
} // namespace berth::testing
