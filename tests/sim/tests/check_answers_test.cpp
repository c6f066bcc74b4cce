#include "tests/sim/tests/made_history.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

namespace {

submit_job_request submit() {
  submit_job_request r;
  r.name = "job";
  return r;
}

result accepted(uint8_t number) {
  return response{submitted_response{made_job(number), "job", ""}};
}

result refused() {
  return api_error{api_errc::invalid, "no"};
}

result described(uint8_t number, job_status status) {
  job_view view;
  view.key = {made_job(number), no_index};
  view.status = status;
  return response{jobs_response{{view}}};
}

} // namespace

TEST_CASE("answers_are_in_the_log: acknowledged is there, refused is not") {
  made_history h{answers_are_in_the_log};
  h.ask(1, submit());
  SECTION("acknowledged and not there") {
    h.answer(1, accepted(1));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("acknowledged before it can be read") {
    h.decide_unseen({submission(1)}).answer(1, accepted(1));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("refused and there") {
    h.decide({submission(1)}).answer(1, refused());
    CHECK_FALSE(h.found().empty());
  }
  SECTION("refused and there later") {
    h.answer(1, refused()).decide({submission(1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("an earlier try may still arrive") {
    h.ask(1, submit(), 2).answer(1, refused(), 2).decide({submission(1)});
    CHECK(h.end().empty());
  }
  SECTION("each try is refused, and it is there later") {
    h.ask(1, submit(), 2).answer(1, refused(), 2).answer(1, refused());
    h.decide({submission(1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a try that is sent later may still arrive") {
    h.answer(1, refused()).ask(1, submit(), 2).decide({submission(1)});
    CHECK(h.end().empty());
  }
  SECTION("refused though it could be read before") {
    h.decide({submission(1)}).ask(1, submit(), 2).answer(1, refused(), 2);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("refused while another try lands") {
    h.ask(1, submit(), 2).decide({submission(1)}).answer(1, refused(), 2);
    CHECK(h.end().empty());
  }
  SECTION("acknowledged and there") {
    h.decide({submission(1)}).answer(1, accepted(1));
    CHECK(h.end().empty());
  }
  SECTION("a queue is acknowledged when it is there") {
    create_queue_request create;
    create.name = "queue";
    h.ask(2, create).answer(2, response{object_response{"queue", "", 0}});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("one_call_one_effect: repeats change nothing") {
  made_history h{one_call_one_effect};
  h.ask(1, submit()).ask(1, submit(), 2).decide({submission(1)});
  CHECK(h.found().empty());
  SECTION("one job per call") {
    h.decide({submission(2)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("no job twice") {
    h.decide({submission(1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one answer per call") {
    h.answer(1, accepted(1)).answer(1, accepted(2), 2);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("no queue twice, unless its answer was forgotten") {
    create_queue_request create;
    create.name = "queue";
    queue_created created;
    created.object->settings.name = "queue";
    h.ask(2, create).decide({created}).wait(1000 * second);
    h.decide({created});
    CHECK(h.found().empty());
    h.decide({created});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("no job twice in two shards, until the queue's move is forgotten") {
    h.decide({submission(2)}, shard_id{1});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("what was forgotten may happen again") {
    h.wait(1000 * second).decide(std::vector<event>{});
    h.decide({submission(2)}, shard_id{1});
    CHECK(h.found().empty());
  }
  SECTION("another call is another effect") {
    h.ask(2, submit()).decide({submission(2)});
    CHECK(h.end().empty());
  }
}

TEST_CASE("reads_see_writes: no answer is older than its question") {
  made_history h{reads_see_writes};
  describe_jobs_request question{{to_string(made_job(1))}};
  h.decide({submission(1), runnable(1)});
  SECTION("a job that is there is not missing") {
    h.ask(1, question).answer(1, response{jobs_response{}});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that came after the question may be") {
    h.ask(1, describe_jobs_request{{to_string(made_job(2))}});
    h.decide({submission(2)}).answer(1, response{jobs_response{}});
    CHECK(h.end().empty());
  }
  SECTION("a status that was over before is told") {
    h.decide({placed(attempt(1))}).ask(1, question);
    h.answer(1, described(1, job_status::runnable));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a status that it never had is told") {
    h.ask(1, question).answer(1, described(1, job_status::running));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a change that nobody can read yet may be left out") {
    h.decide_unseen({placed(attempt(1))}).ask(1, question);
    h.answer(1, described(1, job_status::runnable));
    CHECK(h.end().empty());
  }
  SECTION("what changed meanwhile may be either") {
    h.ask(1, question).ask(2, question).decide({placed(attempt(1))});
    h.answer(1, described(1, job_status::runnable));
    h.answer(2, described(1, job_status::starting));
    CHECK(h.end().empty());
  }
  SECTION("a listing has every job of its status") {
    queue_created queue;
    queue.object->uid = queue_uid{7};
    queue.object->settings.name = "queue";
    list_jobs_request list;
    list.queue = "queue";
    list.status = job_status::runnable;
    h.decide({queue}).ask(1, list);
    h.answer(1, response{job_list_response{}});
    CHECK_FALSE(h.found().empty());
  }
}

} // namespace berth::sim
