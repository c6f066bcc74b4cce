// DescribeJobs, ListJobs, tags, why (AWS reference 8, 11).
#include "actors/job_questions.hpp"

#include "actors/job_listing.hpp"
#include "tests/unit/actors/job_world.hpp"

#include <catch2/catch.hpp>

namespace berth::testing {
namespace {

job_key single(uint32_t n) {
  return {test_id(n), no_index};
}

list_jobs_call of_status(job_status s, uint32_t max_results = 0) {
  list_jobs_call call;
  call.queue = test_queue;
  call.status = s;
  call.page.max_results = max_results;
  return call;
}

list_jobs_call filtered(job_filter_kind kind, std::vector<std::string> values,
                        uint32_t max_results = 0) {
  list_jobs_call call;
  call.queue = test_queue;
  call.filter = kind;
  call.filter_values = std::move(values);
  call.page.max_results = max_results;
  return call;
}

std::vector<std::string> all_pages(job_world& world, list_jobs_call call) {
  std::vector<std::string> names;
  do {
    auto page = world.list(call);
    if (call.page.max_results != 0)
      CHECK(page.jobs.size() <= call.page.max_results);
    for (const auto& job : page.jobs)
      names.push_back(job.spec->name);
    call.page.token = page.next_token;
  } while (!call.page.token.empty());
  return names;
}

std::string name_of(uint32_t n) {
  return "job-" + std::to_string(n);
}

TEST_CASE("DescribeJobs answers in the order of the request, known ones only") {
  job_world world;
  world.submit(test_id(1), test_spec("a"));
  world.submit(test_id(2), test_spec("b"));
  world.submit(test_id(3), array_spec(2));
  world.run(single(1));
  world.checkpoint();
  describe_jobs_call call{test_owner,
                          {single(2),
                           single(9),
                           {test_id(3), 1},
                           {test_id(3), 2},
                           {test_id(1), 0},
                           single(1)}};
  fetched_rows rows;
  for (const auto& key : world.table().keys_needed(shard_call{call}).keys)
    if (auto found = world.rows().find(key); found != world.rows().end())
      rows[key] = found->second;
  auto answer = world.table().answer(call, rows);
  const auto& jobs = std::get<jobs_response>(std::get<response>(answer)).jobs;
  REQUIRE(jobs.size() == 3);
  CHECK(jobs[0].key == single(2));
  CHECK(jobs[1].key == job_key{test_id(3), 1});
  CHECK(jobs[2].key == single(1));
}

TEST_CASE("a queue's jobs are listed by status, oldest first") {
  job_world world;
  for (uint32_t n = 0; n < 6; ++n)
    world.submit(test_id(100 - n), test_spec(name_of(n)));
  auto key = [](uint32_t n) { return single(100 - n); };
  world.place(key(1));
  world.place(key(2));
  world.start(key(2));
  world.run(key(4));
  world.run(key(3));
  world.run(key(0), 1);
  world.submit(test_id(7), waiting_spec(key(5)));
  using names = std::vector<std::string>;
  for (auto stored : {false, true}) {
    if (stored)
      world.reload();
    CHECK(world.names(of_status(job_status::submitted)).empty());
    CHECK(world.names(of_status(job_status::pending)) == names{"waiting"});
    CHECK(world.names(of_status(job_status::runnable)) == names{"job-5"});
    CHECK(world.names(of_status(job_status::starting)) == names{"job-1"});
    CHECK(world.names(of_status(job_status::running)) == names{"job-2"});
    CHECK(world.names(of_status(job_status::succeeded))
          == names{"job-3", "job-4"});
    CHECK(world.names(of_status(job_status::failed)) == names{"job-0"});
    list_jobs_call no_status;
    no_status.queue = test_queue;
    CHECK(world.names(no_status) == names{"job-2"});
    no_status.queue = queue_uid{8};
    CHECK(world.names(no_status).empty());
  }
  auto failed = world.list(of_status(job_status::failed)).jobs.at(0);
  CHECK(failed.status_reason == "Essential container in task exited");
  CHECK(failed.attempts.at(0).exit_code == 1);
  CHECK(failed.queue_name == "queue-7");
  CHECK(failed.spec->definition_name == "calc");
  CHECK(failed.spec->definition_revision == 3);
  CHECK(failed.stopped_ms == world.now_ms);
}

TEST_CASE("a listing tells the same of an ended job once it is stored") {
  job_world world;
  world.submit(test_id(1), test_spec("job"));
  world.now_ms += 1000;
  world.place(single(1));
  auto placed_ms = world.now_ms;
  world.now_ms += 1000;
  world.start(single(1));
  world.now_ms += 1000;
  // The loss of its agent leaves no exit code.
  auto lost = GENERATE(false, true);
  if (lost)
    world.lose(single(1));
  else
    world.finish(single(1), 3);
  auto listed = [&] {
    auto jobs = world.list(of_status(job_status::failed)).jobs;
    REQUIRE(jobs.size() == 1);
    return jobs[0];
  };
  auto before = listed();
  world.reload();
  auto after = listed();
  REQUIRE(before.attempts.size() == 1);
  REQUIRE(after.attempts.size() == 1);
  CHECK(before.attempts[0].placed_ms == placed_ms);
  CHECK(after.attempts[0].placed_ms == placed_ms);
  CHECK(after.attempts[0].exit_code == before.attempts[0].exit_code);
  CHECK(after.attempts[0].reason == before.attempts[0].reason);
  CHECK(after.status_reason == before.status_reason);
  CHECK(after.created_ms == before.created_ms);
  CHECK(after.started_ms == before.started_ms);
  CHECK(after.stopped_ms == before.stopped_ms);
}

TEST_CASE("array parents are listed under PENDING, children never") {
  job_world world;
  world.submit(test_id(1), array_spec(3));
  CHECK(world.names(of_status(job_status::runnable)).empty());
  auto page = world.list(of_status(job_status::pending));
  REQUIRE(page.jobs.size() == 1);
  CHECK(page.jobs[0].spec->array_size == 3);
  CHECK(page.jobs[0].children == status_counts{0, 0, 3, 0, 0, 0, 0});
  for (int32_t i = 0; i < 3; ++i)
    world.run({test_id(1), i});
  auto before = world.list(of_status(job_status::succeeded));
  REQUIRE(before.jobs.size() == 1);
  CHECK(before.jobs[0].children_changed_ms > 0);
  world.checkpoint();
  page = world.list(of_status(job_status::succeeded));
  REQUIRE(page.jobs.size() == 1);
  CHECK(page.jobs[0].children_changed_ms == before.jobs[0].children_changed_ms);
  CHECK(page.jobs[0].spec->array_size == 3);
  CHECK(page.jobs[0].children == status_counts{0, 0, 0, 0, 0, 3, 0});
}

TEST_CASE("pages of a listing hold every job once, stored or not") {
  constexpr uint32_t count = 25;
  auto status = GENERATE(job_status::runnable, job_status::succeeded);
  auto stored_until = GENERATE(0U, 10U, 25U);
  auto page_size = GENERATE(1U, 7U, 25U, 100U);
  job_world world;
  std::vector<std::string> expected;
  for (uint32_t n = 0; n < count; ++n) {
    world.submit(test_id(500 - n), test_spec(name_of(n)));
    expected.push_back(name_of(n));
    if (status == job_status::succeeded)
      world.run(single(500 - n));
    if (n + 1 == stored_until)
      world.checkpoint();
  }
  CHECK(all_pages(world, of_status(status, page_size)) == expected);
  std::reverse(expected.begin(), expected.end());
  CHECK(all_pages(world,
                  filtered(job_filter_kind::job_name, {"job-*"}, page_size))
        == expected);
}

TEST_CASE("what is not stored yet is listed in its place") {
  job_world world;
  for (uint32_t n = 0; n < 6; ++n)
    world.submit(test_id(n), test_spec(name_of(n)));
  for (auto n : {1U, 4U})
    world.run(single(n));
  world.checkpoint();
  for (auto n : {0U, 2U, 5U})
    world.run(single(n));
  CHECK(
      all_pages(world, of_status(job_status::succeeded, 2))
      == std::vector<std::string>{"job-0", "job-1", "job-2", "job-4", "job-5"});
  CHECK(all_pages(world, filtered(job_filter_kind::job_name, {"JOB*"}, 2))
        == std::vector<std::string>{"job-5", "job-4", "job-3", "job-2", "job-1",
                                    "job-0"});
}

TEST_CASE("filters look at all statuses, newest first") {
  job_world world;
  auto definition = [](const std::string& name, const std::string& of,
                       uint32_t revision) {
    auto spec = test_spec(name);
    spec->definition_name = of;
    spec->definition_revision = revision;
    return spec;
  };
  auto first_ms = world.now_ms;
  world.submit(test_id(1), definition("Alpha", "calc", 1));
  world.now_ms += 1000;
  world.submit(test_id(2), definition("alphabet", "calc", 2));
  world.now_ms += 1000;
  world.submit(test_id(3), definition("beta", "calculus", 1));
  world.run(single(1), 1);
  world.run(single(2));
  world.submit(test_id(4), array_spec(2));
  for (auto stored : {false, true}) {
    if (stored)
      world.reload();
    using names = std::vector<std::string>;
    auto by = [&](job_filter_kind kind, const std::string& value) {
      return world.names(filtered(kind, {value}));
    };
    using kind = job_filter_kind;
    CHECK(by(kind::job_name, "ALPHA") == names{"Alpha"});
    CHECK(by(kind::job_name, "alpha*") == names{"alphabet", "Alpha"});
    CHECK(by(kind::job_name, "alph").empty());
    CHECK(by(kind::job_name, "array") == names{"array"});
    CHECK(by(kind::job_definition, "calculus") == names{"beta"});
    CHECK(by(kind::job_definition, "calc")
          == names{"array", "alphabet", "Alpha"});
    CHECK(by(kind::job_definition, "calcu*") == names{"beta"});
    CHECK(by(kind::job_definition, "Calc").empty());
    CHECK(by(kind::job_definition,
             "arn:aws:batch:us-east-1:123456789012:job-definition/calc:2")
          == names{"alphabet"});
    CHECK(by(kind::before_created_at, std::to_string(first_ms + 1))
          == names{"Alpha"});
    CHECK(by(kind::after_created_at, std::to_string(first_ms + 1000))
          == names{"array", "beta"});
    CHECK(by(kind::after_created_at, "9999999999999").empty());
  }
}

TEST_CASE("a filter's page looks at a bounded number of jobs") {
  constexpr uint32_t count = 10'300;
  job_world world;
  world.checks = false;
  world.submit(test_id(0), test_spec("needle"));
  auto spec = test_spec("hay");
  for (uint32_t n = 1; n < count; ++n)
    world.submit(test_id(n), spec);
  auto call = filtered(job_filter_kind::job_name, {"needle"});
  auto first = world.list(call);
  CHECK(first.jobs.empty());
  REQUIRE_FALSE(first.next_token.empty());
  CHECK(all_pages(world, call) == std::vector<std::string>{"needle"});
  for (uint32_t n = 0; n < count; ++n)
    world.run(single(n));
  world.checkpoint();
  CHECK(world.list(call).jobs.empty());
  CHECK(all_pages(world, call) == std::vector<std::string>{"needle"});
}

TEST_CASE("a bad token or time is refused by name") {
  job_world world;
  fetched_rows none;
  auto refused = [&](const list_jobs_call& call) {
    auto error = error_of(world.table().answer(call, none));
    REQUIRE(error);
    CHECK(error->code == api_errc::invalid);
    return error->message;
  };
  for (std::string token :
       {"x", "s12", "szzzzzzzzzzzzzzzz", "f0000000000000001",
        "s00000000000000011", "s-000000000000001"}) {
    auto call = of_status(job_status::running);
    call.page.token = token;
    CHECK(world.table().keys_needed(shard_call{call}).empty());
    CHECK_THAT(refused(call), Catch::Contains("nextToken"));
  }
  CHECK_THAT(refused(filtered(job_filter_kind::before_created_at, {"noon"})),
             Catch::Contains("\"noon\""));
  CHECK_THAT(refused(list_jobs_call{}), Catch::Contains("jobQueue"));
}

TEST_CASE("children of an array are listed by index and status") {
  job_world world;
  auto id = test_id(1);
  world.submit(id, array_spec(6));
  world.run({id, 0});
  world.run({id, 3}, 2);
  world.run({id, 5});
  world.place({id, 2});
  world.start({id, 2});
  list_jobs_call call;
  call.array_job = id;
  auto indices = [&](job_status s, uint32_t max_results = 0) {
    call.status = s;
    call.page = {max_results, {}};
    std::vector<int32_t> found;
    do {
      auto page = world.list(call);
      for (const auto& job : page.jobs) {
        found.push_back(job.key.index);
        CHECK(job.spec->name == "array");
        CHECK(job.status == s);
      }
      call.page.token = page.next_token;
    } while (!call.page.token.empty());
    return found;
  };
  using list = std::vector<int32_t>;
  for (auto phase : {0, 1, 2, 3}) {
    if (phase == 1 || phase == 3)
      world.reload();
    if (phase == 2) {
      world.finish({id, 2});
      world.cancel({id, 1}, "no");
      world.run({id, 4});
      CHECK(world.status({id, no_index}) == job_status::failed);
    }
    if (phase < 2) {
      CHECK(indices(job_status::succeeded) == list{0, 5});
      CHECK(indices(job_status::runnable, 1) == list{1, 4});
      CHECK(indices(job_status::running) == list{2});
    } else {
      CHECK(indices(job_status::succeeded, 2) == list{0, 2, 4, 5});
      CHECK(indices(job_status::failed) == list{1, 3});
    }
    call.status = job_status::failed;
    call.page = {};
    auto failed = world.list(call).jobs.back();
    CHECK(failed.attempts.at(0).exit_code == 2);
    CHECK(failed.status_reason == "Essential container in task exited");
    CHECK(failed.stopped_ms == world.now_ms);
  }
  call.array_job = test_id(9);
  CHECK(world.list(call).jobs.empty());
}

TEST_CASE("tags may be changed at any time of a job's life") {
  job_world world;
  auto spec = test_spec();
  spec->tags = {{"team", "x"}, {"cost", "1"}};
  world.submit(test_id(1), spec);
  CHECK(world.describe(single(1))->tags == spec->tags);
  CHECK(std::holds_alternative<response>(
      world.tag(test_id(1), {{"team", "y"}}, {"cost"})));
  CHECK(world.describe(single(1))->tags == tag_map{{"team", "y"}});
  world.reload();
  world.run(single(1));
  world.checkpoint();
  CHECK(world.describe(single(1))->tags == tag_map{{"team", "y"}});
  world.tag(test_id(1), {{"late", "yes"}});
  world.checkpoint();
  CHECK(world.describe(single(1))->tags
        == tag_map{{"team", "y"}, {"late", "yes"}});
  world.tag(test_id(1), {{"late", "yes"}});
  CHECK(world.last_events.empty());
}

TEST_CASE("tags are refused beyond their limit and for unknown jobs") {
  job_world world;
  world.submit(test_id(1));
  tag_map many;
  for (int i = 0; i < 51; ++i)
    many["key-" + std::to_string(i)] = "v";
  auto error = error_of(world.tag(test_id(1), many));
  REQUIRE(error);
  CHECK_THAT(error->message, Catch::Contains("tags") && Catch::Contains("51")
                                 && Catch::Contains("50"));
  CHECK(world.last_events.empty());
  CHECK(error_of(world.tag(test_id(2), {{"a", "b"}})));
}

TEST_CASE("why names what a job waits for") {
  job_world world;
  world.submit(test_id(1));
  CHECK(world.why(single(1)).reason == wait_reason::behind_in_queue);
  world.submit(test_id(2), waiting_spec(single(1)));
  auto waiting = world.why(single(2));
  CHECK(waiting.reason == wait_reason::dependencies);
  REQUIRE(waiting.sentences.size() == 1);
  CHECK_THAT(waiting.sentences[0], Catch::Contains(to_string(test_id(1))));
  world.submit(test_id(3),
               array_spec(2, {{std::nullopt, dependency_kind::sequential}}));
  auto array = world.why({test_id(3), no_index});
  CHECK(array.reason == wait_reason::children);
  CHECK_THAT(array.sentences.at(0), Catch::Contains("1 RUNNABLE"));
  CHECK_THAT(world.why({test_id(3), 1}).sentences.at(0),
             Catch::Contains("child 0"));
  world.place(single(1));
  CHECK(world.why(single(1)).reason == wait_reason::placed);
  world.finish(single(1), 1);
  auto finished = world.why(single(1));
  CHECK(finished.reason == wait_reason::finished);
  CHECK_THAT(finished.sentences.at(0), Catch::Contains("FAILED"));
  fetched_rows none;
  auto unknown =
      error_of(world.table().answer(why_call{test_owner, single(9)}, none));
  REQUIRE(unknown);
  CHECK_THAT(unknown->message, Catch::Contains(to_string(test_id(9))));
}

TEST_CASE("expired jobs are unknown to every question") {
  job_table_options options;
  options.retention_ms = 3'600'000;
  job_world world{1, options};
  world.submit(test_id(1), test_spec("old"));
  world.submit(test_id(2), array_spec(2));
  world.run(single(1));
  for (int32_t i = 0; i < 2; ++i)
    world.run({test_id(2), i});
  auto stored = GENERATE(false, true);
  if (stored)
    world.reload();
  auto due = world.table().next_due_ms();
  REQUIRE(due);
  CHECK(*due == world.now_ms + options.retention_ms + 1);
  world.now_ms += 1'800'000;
  world.submit(test_id(3), test_spec("young"));
  world.run(single(3));
  world.advance();
  CHECK(world.last_events.empty());

  world.now_ms = *due;
  world.advance();
  CHECK(world.events_of<jobs_expired>().size() == 1);
  world.advance();
  CHECK(world.last_events.empty());
  CHECK(*world.table().next_due_ms() >= world.now_ms + 60'000);
  CHECK_FALSE(world.describe(single(1)));
  CHECK_FALSE(world.describe({test_id(2), no_index}));
  CHECK_FALSE(world.describe({test_id(2), 1}));
  CHECK(world.describe(single(3)));
  CHECK(world.names(of_status(job_status::succeeded))
        == std::vector<std::string>{"young"});
  list_jobs_call children;
  children.array_job = test_id(2);
  children.status = job_status::succeeded;
  CHECK(world.list(children).jobs.empty());
  CHECK(error_of(world.tag(test_id(1), {{"a", "b"}})));
  world.submit(test_id(4), waiting_spec(single(1)));
  CHECK(world.status(single(4)) == job_status::failed);
  world.replay();

  world.checkpoint();
  auto before = world.rows().size();
  world.sweep();
  // Only rows of jobs that ended before the same checkpoint go together.
  if (stored) {
    CHECK(world.rows().size() == before - 9);
    CHECK_FALSE(world.rows().contains(job_table::body_key(test_id(1))));
  }
  CHECK(world.rows().contains(job_table::body_key(test_id(3))));
  world.now_ms += 2 * options.retention_ms;
  world.advance();
  CHECK_FALSE(world.table().next_due_ms());
  world.sweep();
  CHECK(world.rows().size() == 1); // The table's own.
  world.reload();
}

TEST_CASE("a job resubmitted after its expiry keeps its new rows") {
  job_table_options options;
  options.retention_ms = 1'000;
  job_world world{1, options};
  world.submit(test_id(1));
  world.run(single(1));
  world.checkpoint();
  world.now_ms += 5'000;
  world.advance();
  CHECK_FALSE(world.describe(single(1)));
  world.sweep();
  world.submit(test_id(1));
  CHECK(world.status(single(1)) == job_status::runnable);
  world.sweep();
  world.reload();
  CHECK(world.status(single(1)) == job_status::runnable);
  CHECK(world.describe(single(1)));
}

} // namespace
} // namespace berth::testing
