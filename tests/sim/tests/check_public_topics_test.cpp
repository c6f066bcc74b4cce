#include "tests/sim/submission_names.hpp"
#include "tests/sim/tests/made_history.hpp"
#include "tests/sim/topic_texts.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

namespace {

const std::string source = submissions_source(0);

parameters with_topics() {
  parameters p;
  p.workload.by_topic = 1;
  return p;
}

submission_landed record(log_offset offset, const std::string& name) {
  return {shard_id{0}, offset,
          1000,        name,
          "q",         std::make_shared<const std::string>("text of " + name)};
}

queue_created queue() {
  queue_created e;
  e.object->uid = queue_uid{7};
  e.object->settings.name = "q";
  return e;
}

/// The queue's shard has heard of it.
queue_configured ready_queue() {
  return {queue().object, {}};
}

/// A decision that takes submissions up to this one.
decision_record taking(const made_history& h, log_offset up_to,
                       std::vector<event> events) {
  auto d = h.next();
  d.cursors[source] = up_to;
  d.events = std::move(events);
  return d;
}

job_submitted job(uint8_t number, const std::string& name) {
  return submission(number, made_spec(name));
}

const std::string unreadable = "the submission cannot be read";

message_refused refusal(log_offset offset,
                        const std::string& why = unreadable) {
  return {source, offset, why};
}

rejection_landed rejection(log_offset offset,
                           const std::string& why = unreadable) {
  return {0,
          "q",
          {why, submissions_topic_name, 0, offset, "text of refused-a", {}}};
}

/// A change of job 1, submitted as `topic-a`.
change_landed change(log_offset offset, uint64_t number,
                     const std::string& status, const std::string& id) {
  auto job = to_string(made_job(1));
  return {shard_id{0},
          0,
          "node 0",
          job,
          {shard_id{0}, offset, number, id, job, "topic-a", status, 0}};
}

} // namespace

TEST_CASE("topic_submissions_once: each record once, in order") {
  made_history h{topic_submissions_once, with_topics()};
  h.decide({queue()});
  h.happen(record(0, "topic-a")).happen(record(1, "topic-b"));
  SECTION("two jobs of two records") {
    h.decide(taking(h, 1, {job(1, "topic-a"), job(2, "topic-b")}));
    CHECK(h.end() == "");
  }
  SECTION("one that is never taken is told") {
    h.decide(taking(h, 0, {job(1, "topic-a")}));
    CHECK_FALSE(h.end().empty());
  }
  SECTION("one that is passed over is told") {
    h.decide(taking(h, 1, {job(2, "topic-b")}));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("the wrong order is told") {
    h.decide(taking(h, 1, {job(2, "topic-b"), job(1, "topic-a")}));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that is taken again is told") {
    h.decide(taking(h, 1, {job(1, "topic-a"), job(2, "topic-b")}));
    h.decide(taking(h, 1, {job(3, "topic-b")}));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a cursor that goes back is told") {
    h.decide(taking(h, 1, {job(1, "topic-a"), job(2, "topic-b")}));
    h.decide(taking(h, 0, {}));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("what is taken before it is there is told") {
    h.decide(taking(h, 2, {job(1, "topic-a"), job(2, "topic-b")}));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that makes sense and is refused is told") {
    h.decide(taking(h, 1, {job(1, "topic-a"), refusal(1)}));
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("topic_submissions_once: what makes no sense is refused") {
  made_history h{topic_submissions_once, with_topics()};
  h.decide({queue()});
  h.happen(record(0, "refused-a"));
  SECTION("with a reason") {
    h.decide(taking(h, 0, {refusal(0)}));
    CHECK(h.end() == "");
  }
  SECTION("a refusal without one is told") {
    h.decide(taking(h, 0, {refusal(0, "")}));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a reason that does not lie in the record is told") {
    h.decide(taking(h, 0, {refusal(0, "shard 0 is away; try again")}));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a job that comes of it is told") {
    h.decide(taking(h, 0, {job(1, "refused-a")}));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a second refusal is told") {
    h.decide(taking(h, 0, {refusal(0)}));
    h.decide({refusal(0)});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("topic_submissions_once: what makes sense is refused only until its "
          "queue is ready") {
  made_history h{topic_submissions_once, with_topics()};
  h.decide({queue()});
  h.happen(record(0, "topic-a"));
  const auto* not_ready = "the job queue is not ready; try again";
  SECTION("before, it may be") {
    h.decide(taking(h, 0, {refusal(0, not_ready)}));
    h.decide({ready_queue()});
    CHECK(h.end() == "");
  }
  SECTION("a refusal after it is told") {
    h.decide({ready_queue()});
    h.decide(taking(h, 0, {refusal(0, not_ready)}));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("any other refusal is told") {
    h.decide(taking(h, 0, {refusal(0)}));
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("a reason concerns a submission that has what it names") {
  const std::string record =
      R"({"jobName": "refused-b", "jobQueue": "nowhere", "n": "a",
          "arrayProperties": {"size": 2}, "dependsOn": [{"jobId": "0000-1"}]})";
  for (const auto* why :
       {"JobQueue nowhere not found.", "arrayProperties.size must be greater",
        "dependsOn: job 0000-1 does not exist"}) {
    INFO(why);
    CHECK(concerns_submission(why, record));
    CHECK_FALSE(concerns_submission(why, "\x84\xff nonsense"));
  }
  CHECK_FALSE(concerns_submission("a shard is away", record));
  CHECK_FALSE(concerns_submission("", record));
  CHECK(concerns_submission("the submission is nonsense", "nonsense"));
}

TEST_CASE("topic_submissions_once: what is passed on comes once") {
  made_history h{topic_submissions_once, with_topics()};
  h.decide({queue()});
  h.happen(record(0, "topic-a"));
  auto d = taking(h, 0, {});
  d.outbox.push_back(
      {shard_destination{shard_id{1}}, 1,
       to_shard{submit_job{made_job(1), {}, {}, {}, source, 0}}});
  h.decide(d);
  SECTION("to the other shard") {
    h.decide({job(1, "topic-a")}, shard_id{1});
    CHECK(h.end() == "");
  }
  SECTION("one that never arrives is told") {
    CHECK_FALSE(h.end().empty());
  }
  SECTION("one that arrives twice is told") {
    h.decide({job(1, "topic-a")}, shard_id{1});
    h.decide({job(1, "topic-a")}, shard_id{1});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("rejections_published: each refusal, as it was") {
  made_history h{rejections_published, with_topics()};
  h.happen(record(0, "refused-a"));
  h.decide(taking(h, 0, {refusal(0)}));
  SECTION("once or more") {
    h.happen(rejection(0)).happen(rejection(0));
    CHECK(h.end() == "");
  }
  SECTION("one that is not published is told") {
    CHECK_FALSE(h.end().empty());
  }
  SECTION("another reason is told") {
    h.happen(rejection(0, "because"));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that nobody refused is told") {
    h.happen(rejection(7));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("another original is told") {
    auto r = rejection(0);
    r.what.original = "another";
    h.happen(r);
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("changes_published: each change once, in order") {
  made_history h{changes_published, with_topics()};
  h.decide({job(1, "topic-a")});
  auto first = h.last_offset();
  h.decide({runnable(1)});
  auto second = h.last_offset();
  SECTION("and repeats as they were") {
    h.happen(change(first, 1, "SUBMITTED", "x"));
    h.happen(change(second, 1, "RUNNABLE", "y"));
    h.happen(change(first, 1, "SUBMITTED", "x"));
    CHECK(h.end() == "");
  }
  SECTION("one that is left out is told") {
    h.happen(change(first, 1, "SUBMITTED", "x"));
    CHECK_FALSE(h.end().empty());
  }
  SECTION("the wrong order is told") {
    h.happen(change(second, 1, "RUNNABLE", "y"));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("another status is told") {
    h.happen(change(first, 1, "FAILED", "x"));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a repeat with another id is told") {
    h.happen(change(first, 1, "SUBMITTED", "x"));
    h.happen(change(first, 1, "SUBMITTED", "z"));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that cannot be read yet is told") {
    h.happen(change(first, 1, "SUBMITTED", "x"));
    h.happen(change(second, 1, "RUNNABLE", "y"));
    h.decide_unseen({placed(attempt(1))});
    h.happen(change(h.last_offset(), 1, "STARTING", "v"));
    CHECK_FALSE(h.found().empty());
  }
}

} // namespace berth::sim
