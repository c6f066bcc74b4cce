// A job's life told from decisions: every line that an operator can read.
#include "actors/job_story.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace berth;
using Catch::Contains;

namespace {

constexpr log_offset some_offset = 40;

job_id id_of(uint8_t number) {
  job_id id;
  id.bytes.fill(number);
  return id;
}

/// The queue "night" and the environment "cluster", which stories name.
constexpr queue_uid night{7};
constexpr environment_uid cluster{8};

decision_record decision_of(std::vector<event> events) {
  decision_record d;
  d.at_epoch = epoch{12};
  d.seq = 5;
  d.at_ms = 1'700'000'000'123;
  d.events = std::move(events);
  return d;
}

/// The story of a job whose queue and environment are known.
job_story story_of(const job_key& job) {
  job_story story{job};
  story.on_claim(30, claim_record{"node-a", "", "nonce"});
  queue_configured queue;
  queue.object->uid = night;
  queue.object->settings.name = "night";
  environment_configured environment;
  environment.object->uid = cluster;
  environment.object->settings.name = "cluster";
  story.on_decision(31, decision_of({queue, environment}));
  return story;
}

std::vector<std::string> told(const job_key& job, std::vector<event> events) {
  auto story = story_of(job);
  story.on_decision(some_offset, decision_of(std::move(events)));
  std::vector<std::string> texts;
  for (const auto& line : story.lines())
    texts.push_back(line.text);
  return texts;
}

std::string told_once(const job_key& job, event what) {
  auto texts = told(job, {std::move(what)});
  REQUIRE(texts.size() == 1);
  return texts.front();
}

job_submitted submission_of(const job_id& id, job_spec spec = {}) {
  spec.name = "sum";
  spec.definition_name = "calc";
  spec.definition_revision = 3;
  job_submitted e;
  e.id = id;
  e.queue = night;
  e.spec = std::make_shared<const job_spec>(std::move(spec));
  e.position = 9;
  return e;
}

attempt_finished finish_of(const job_key& job, attempt_end end,
                           after_attempt next) {
  attempt_finished e;
  e.attempt = {job, 2};
  e.end = end;
  e.next = next;
  e.status_reason = "Essential container in task exited";
  return e;
}

const job_key single{id_of(1), no_index};
const job_key child{id_of(1), 4};
const job_key other{id_of(2), no_index};

} // namespace

TEST_CASE("each line says where in the log it stands and who decided it") {
  auto story = story_of(single);
  story.on_decision(some_offset, decision_of({submission_of(single.id)}));
  REQUIRE(story.lines().size() == 1);
  const auto& line = story.lines().front();
  CHECK(line.offset == some_offset);
  CHECK(line.at_ms == 1'700'000'000'123);
  CHECK(line.seq == 5);
  CHECK(line.epoch == 12);
  CHECK(line.node == "node-a");
}

TEST_CASE("after another claim the lines name the new owner") {
  auto story = story_of(single);
  story.on_decision(some_offset, decision_of({submission_of(single.id)}));
  story.on_claim(41, claim_record{"node-b", "", "later"});
  story.on_decision(42, decision_of({jobs_became_runnable{{single.id}, 0}}));
  REQUIRE(story.lines().size() == 2);
  CHECK(story.lines()[0].node == "node-a");
  CHECK(story.lines()[1].node == "node-b");
}

TEST_CASE("a submission tells its name, queue, definition and position") {
  auto text = told_once(single, submission_of(single.id));
  for (const auto* part : {"\"sum\"", "\"night\"", "calc:3", "position 9"})
    CHECK_THAT(text, Contains(part));
  CHECK_THAT(text, !Contains("array"));
  CHECK_THAT(text, !Contains("after"));
}

TEST_CASE("a submission tells of its array and its dependencies") {
  job_spec spec;
  spec.array_size = 10;
  spec.depends_on = {{other, dependency_kind::n_to_n},
                     {std::nullopt, dependency_kind::sequential}};
  auto text = told_once(single, submission_of(single.id, spec));
  CHECK_THAT(text, Contains("an array of 10"));
  CHECK_THAT(text, Contains("after " + to_string(other)));
}

TEST_CASE("a queue that the log has not named is told by its number") {
  auto unnamed = submission_of(single.id);
  unnamed.queue = queue_uid{99};
  CHECK_THAT(told_once(single, unnamed), Contains("queue 99"));
}

TEST_CASE("what happens to other jobs is left out") {
  CHECK(told(single,
             {submission_of(other.id), jobs_became_runnable{{other.id}, 0},
              jobs_failed{{other.id}, "x", 0}, end_requested{other, true, "x"},
              array_finished{other.id, true, "x", 0}, job_tagged{other.id, {}},
              attempt_placed{{other, 1}, {}, cluster, "a", {}, 0},
              attempt_started{{other, 1}, 0},
              finish_of(other, attempt_end::exited, after_attempt::succeed)})
            .empty());
}

TEST_CASE("a parent's story leaves out what its single children do, and a "
          "child's what its siblings do") {
  job_key sibling{child.id, 5};
  for (const auto& who : {single, sibling})
    CHECK(told(who,
               {attempt_placed{{child, 1}, {}, cluster, "a", {}, 0},
                attempt_started{{child, 1}, 0},
                finish_of(child, attempt_end::exited, after_attempt::succeed)})
              .empty());
  CHECK(told(child, {attempt_started{{child, 1}, 0}}).size() == 1);
}

TEST_CASE("a range of children is told to the parent and to those within") {
  jobs_became_runnable some{{child.id, 3, 5}, 0};
  CHECK_THAT(told_once(single, some), Contains("(children 3 to 4)"));
  CHECK_THAT(told_once(child, some), !Contains("children"));
  CHECK(told({child.id, 5}, {some}).empty());
  CHECK(told({child.id, 2}, {some}).empty());
  // A parent's own event covers all of its children.
  CHECK(told(child, {jobs_became_runnable{{child.id}, 0}}).size() == 1);
}

TEST_CASE("a dependency tells how it ended, and of which children") {
  auto whole = told_once(
      single, dependency_settled{single.id, other, no_index, no_index, true});
  CHECK_THAT(whole, Contains(to_string(other) + " succeeded"));
  auto part =
      told_once(single, dependency_settled{single.id, other, 2, 4, false});
  CHECK_THAT(part, Contains("(children 2 to 3) failed"));
  CHECK(
      told(other, {dependency_settled{single.id, other, 2, 4, false}}).empty());
}

TEST_CASE("a match tells why it was this job's turn") {
  leases_matched matched;
  matched.queue = night;
  matched.environment = cluster;
  matched.what.each = {1500, 512, {}};
  matched.matches = {{lease_id{77}, other, 1}, {lease_id{78}, single, 2}};
  auto text = told_once(single, matched);
  for (const auto* part : {"lease 78", "\"cluster\"", "\"night\"", "1.5 vCPU"})
    CHECK_THAT(text, Contains(part));
}

TEST_CASE("an attempt is told from its placing to its end") {
  attempt_placed placed{{single, 2}, {}, cluster, "agent-1", {}, 0};
  placed.session.keeper_start = 3;
  placed.session.lease_number = 4;
  auto finish = finish_of(single, attempt_end::exited, after_attempt::retry);
  finish.exit_code = 3;
  finish.reason = "because";
  auto texts = told(single, {placed, attempt_started{{single, 2}, 0}, finish});
  REQUIRE(texts.size() == 3);
  for (const auto* part :
       {"STARTING (attempt 2)", "\"agent-1\"", "\"cluster\"", "3.4"})
    CHECK_THAT(texts[0], Contains(part));
  CHECK_THAT(texts[1], Contains("RUNNING (attempt 2)"));
  for (const auto* part :
       {"attempt 2 ended", "its process ended", "exit code 3", "\"because\"",
        "RUNNABLE again", "Essential container in task exited"})
    CHECK_THAT(texts[2], Contains(part));
}

TEST_CASE("every kind of end has words of its own") {
  std::vector<std::string> seen;
  for (auto end : {attempt_end::exited, attempt_end::failed_to_start,
                   attempt_end::timed_out, attempt_end::stopped,
                   attempt_end::out_of_memory, attempt_end::lost,
                   attempt_end::not_started}) {
    auto text = told_once(single, finish_of(single, end, after_attempt::fail));
    CHECK_THAT(text, Contains("the job FAILED"));
    CHECK_THAT(text, !Contains("exit code"));
    CHECK(std::find(seen.begin(), seen.end(), text) == seen.end());
    seen.push_back(text);
  }
  CHECK_THAT(told_once(single, finish_of(single, attempt_end::exited,
                                         after_attempt::succeed)),
             Contains("the job SUCCEEDED"));
}

TEST_CASE("calls to end a job are told by their names, with the reason") {
  CHECK_THAT(told_once(single, end_requested{single, true, "too long"}),
             Contains("TerminateJob") && Contains("\"too long\""));
  CHECK_THAT(told_once(single, end_requested{single, false, "no need"}),
             Contains("CancelJob") && Contains("\"no need\""));
}

TEST_CASE("the end of an array is told to the parent alone") {
  array_finished finished{child.id, false, "Array Child Job failed", 0};
  CHECK_THAT(told_once(single, finished),
             Contains("FAILED") && Contains("Array Child Job failed"));
  CHECK(told(child, {finished}).empty());
}

TEST_CASE("a failure without an attempt gives its reason") {
  CHECK_THAT(
      told_once(single, jobs_failed{{single.id}, "Dependent Job failed", 0}),
      Contains("FAILED without an attempt")
          && Contains("Dependent Job failed"));
}

TEST_CASE("changed tags are told") {
  CHECK_THAT(told_once(single, job_tagged{single.id, {{"a", "b"}}}),
             Contains("tags"));
}
