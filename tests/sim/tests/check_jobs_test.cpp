#include "tests/sim/tests/made_history.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

namespace {

submit_job_request submit(const std::string& name) {
  submit_job_request r;
  r.name = name;
  return r;
}

result accepted(uint8_t number) {
  return response{submitted_response{made_job(number), "job", ""}};
}

jobs_failed failed(uint8_t number, const std::string& reason) {
  return {{made_job(number), no_index, no_index}, reason, 0};
}

} // namespace

TEST_CASE("no_job_lost: a job that was accepted is in the log and ends") {
  made_history h{no_job_lost};
  SECTION("one that the log does not have is lost") {
    h.ask(1, submit("job")).answer(1, accepted(1));
    CHECK(h.found().find("no valid decision") != std::string::npos);
  }
  SECTION("one that only an ignored decision has is lost") {
    auto fenced = h.next();
    fenced.nonce = "other";
    fenced.events = {submission(1)};
    record r;
    r.body = fenced;
    h.append(r).ask(1, submit("job")).answer(1, accepted(1));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that never ends is told") {
    h.decide({submission(1)}).ask(1, submit("job")).answer(1, accepted(1));
    CHECK(h.found().empty());
    CHECK_FALSE(h.end().empty());
  }
  SECTION("one that ended is not lost") {
    h.decide({submission(1)}).ask(1, submit("job")).answer(1, accepted(1));
    h.decide({failed(1, "cancelled")});
    CHECK(h.end().empty());
  }
}

TEST_CASE("legal_transitions: statuses follow the life cycle") {
  made_history h{legal_transitions};
  h.decide({submission(1), runnable(1), placed(attempt(1))});
  SECTION("a whole life is legal") {
    h.decide({attempt_started{attempt(1), 0}});
    h.decide({finished(attempt(1), after_attempt::retry, 1)});
    h.decide({placed(attempt(1, 2))});
    h.decide({finished(attempt(1, 2), after_attempt::succeed)});
    CHECK(h.end().empty());
  }
  SECTION("it ends once") {
    h.decide({finished(attempt(1), after_attempt::succeed)});
    h.decide({failed(1, "again")});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("it is placed only while RUNNABLE") {
    h.decide({placed(attempt(1, 2))});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("attempts are numbered one by one") {
    h.decide({finished(attempt(1), after_attempt::retry, 1)});
    h.decide({placed(attempt(1, 3))});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("what is RUNNABLE does not become so again") {
    h.decide({submission(2), runnable(2), runnable(2)});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("everything_drains: nothing is left when the run is over") {
  made_history h{everything_drains};
  SECTION("a job nobody was told of has to end, too") {
    h.decide({submission(1), runnable(1)});
    CHECK_FALSE(h.end().empty());
  }
  SECTION("a process that lives on is told") {
    h.start(attempt(1), 5);
    CHECK_FALSE(h.end().empty());
  }
  SECTION("a queue that is being deleted has to go") {
    h.decide({queue_closing{queue_uid{7}}});
    CHECK_FALSE(h.end().empty());
  }
  SECTION("an environment that is being deleted has to go") {
    auto e = environment(1);
    e.object->status = object_status::deleting;
    h.decide({environment(1), e});
    CHECK_FALSE(h.end().empty());
  }
  SECTION("all is well when all has ended") {
    h.decide({submission(1), runnable(1)}).start(attempt(1), 5);
    h.exit(attempt(1), 5).decide({failed(1, "x")});
    h.decide({queue_closing{queue_uid{7}}, queue_dropped{queue_uid{7}}});
    CHECK(h.end().empty());
  }
}

TEST_CASE("dependencies_respected: jobs wait for what they depend on") {
  made_history h{dependencies_respected};
  auto spec = made_spec("later");
  spec.depends_on = {{job_key{made_job(1), no_index}, dependency_kind::plain}};
  h.decide(
      {submission(1), runnable(1), placed(attempt(1)), submission(2, spec)});
  SECTION("RUNNABLE before the other succeeded") {
    h.decide({runnable(2)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("RUNNABLE though the other failed") {
    h.decide({finished(attempt(1), after_attempt::fail, 1), runnable(2)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("failed for a dependency that succeeded") {
    h.decide({finished(attempt(1), after_attempt::succeed)});
    h.decide({failed(2, "Dependent Job failed")});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("RUNNABLE once the other succeeded") {
    h.decide({finished(attempt(1), after_attempt::succeed), runnable(2)});
    CHECK(h.end().empty());
  }
}

TEST_CASE("dependencies_respected: children wait for the right child") {
  made_history h{dependencies_respected};
  auto first = made_spec("first");
  first.array_size = 2;
  auto second = first;
  second.depends_on = {
      {job_key{made_job(1), no_index}, dependency_kind::n_to_n}};
  auto chain = first;
  chain.depends_on = {{std::nullopt, dependency_kind::sequential}};
  h.decide({submission(1, first), submission(2, second), submission(3, chain),
            jobs_became_runnable{{made_job(1), 0, 2}, 0},
            jobs_became_runnable{{made_job(3), 0, 1}, 0}});
  attempt_id child{{made_job(1), 0}, 1};
  h.decide({placed(child), finished(child, after_attempt::succeed)});
  CHECK(h.found().empty());
  SECTION("N_TO_N: the child of the same index") {
    h.decide({jobs_became_runnable{{made_job(2), 0, 1}, 0}});
    CHECK(h.found().empty());
    h.decide({jobs_became_runnable{{made_job(2), 1, 2}, 0}});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("SEQUENTIAL: the child before") {
    h.decide({jobs_became_runnable{{made_job(3), 1, 2}, 0}});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("arrays_add_up: parents end with their children") {
  made_history h{arrays_add_up};
  auto spec = made_spec("array");
  spec.array_size = 2;
  h.decide({submission(1, spec), jobs_became_runnable{{made_job(1), 0, 2}, 0}});
  auto end_child = [&](int32_t index, after_attempt next) {
    attempt_id a{{made_job(1), index}, 1};
    h.decide({placed(a), finished(a, next)});
  };
  end_child(0, after_attempt::succeed);
  SECTION("it ends too early") {
    h.decide({array_finished{made_job(1), true, "", 0}});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("it ends otherwise than they did") {
    end_child(1, after_attempt::fail);
    h.decide({array_finished{made_job(1), true, "", 0}});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("it never ends") {
    end_child(1, after_attempt::succeed);
    CHECK_FALSE(h.end().empty());
  }
  SECTION("it ends as they did") {
    end_child(1, after_attempt::fail);
    h.decide({array_finished{made_job(1), false, "", 0}});
    CHECK(h.end().empty());
  }
  SECTION("counts are of all children") {
    job_view view;
    view.key = {made_job(1), no_index};
    view.spec = std::make_shared<const job_spec>(spec);
    view.children = {0, 0, 1, 0, 0, 0, 0};
    h.ask(1, describe_jobs_request{})
        .answer(1, response{jobs_response{{view}}});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("retries_as_the_strategy: what follows an attempt") {
  made_history h{retries_as_the_strategy};
  auto spec = made_spec("job");
  spec.retry.attempts = 2;
  h.decide({submission(1, spec), runnable(1), placed(attempt(1))});
  SECTION("a failure with attempts left is retried") {
    h.decide({finished(attempt(1), after_attempt::fail, 1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a success is none to retry") {
    h.decide({finished(attempt(1), after_attempt::retry, 0)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("the last attempt is the last") {
    h.decide({finished(attempt(1), after_attempt::retry, 1)});
    h.decide({placed(attempt(1, 2))});
    CHECK(h.found().empty());
    h.decide({finished(attempt(1, 2), after_attempt::retry, 1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("an attempt too many is told when it is placed") {
    h.decide({placed(attempt(1, 3))});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a terminated job is not retried") {
    h.decide({end_requested{{made_job(1), no_index}, true, "why"}});
    h.decide({finished(attempt(1), after_attempt::retry, 1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("nor is one that timed out") {
    auto end = finished(attempt(1), after_attempt::retry, 137);
    end.end = attempt_end::timed_out;
    h.decide({end});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("retries_as_the_strategy: rules decide by the exit code") {
  made_history h{retries_as_the_strategy};
  auto spec = made_spec("job");
  spec.retry.attempts = 3;
  retry_rule rule;
  rule.on_exit_code = "1*";
  rule.action = retry_action::exit;
  spec.retry.rules = {rule};
  h.decide({submission(1, spec), runnable(1), placed(attempt(1))});
  SECTION("one that matches") {
    h.decide({finished(attempt(1), after_attempt::retry, 12)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that does not") {
    h.decide({finished(attempt(1), after_attempt::retry, 2)});
    CHECK(h.found().empty());
  }
}

TEST_CASE("terminated_jobs_fail: what TerminateJob promised happens") {
  made_history h{terminated_jobs_fail};
  h.decide({submission(1), runnable(1), placed(attempt(1))});
  terminate_job_request request{to_string(made_job(1)), "why"};
  h.ask(1, request).answer(1, response{done_response{}});
  SECTION("it must not succeed") {
    h.decide({finished(attempt(1), after_attempt::succeed)});
    CHECK_FALSE(h.end().empty());
  }
  SECTION("it must not have another attempt") {
    h.decide({finished(attempt(1), after_attempt::retry, 1)});
    h.decide({placed(attempt(1, 2))});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("it must end soon") {
    h.happen(faults_ended{}).wait(600 * second);
    h.decide({finished(attempt(1), after_attempt::fail, 1)});
    CHECK_FALSE(h.end().empty());
  }
  SECTION("it fails") {
    h.happen(faults_ended{}).wait(second);
    h.decide({finished(attempt(1), after_attempt::fail, 143)});
    CHECK(h.end().empty());
  }
}

} // namespace berth::sim
