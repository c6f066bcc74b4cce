#include "actors/job_table.hpp"

#include "tests/unit/actors/job_world.hpp"

#include <catch2/catch.hpp>

namespace berth::testing {
namespace {

TEST_CASE("a single job lives from submission to success") {
  job_world world;
  auto id = test_id(1);
  job_key job{id, no_index};
  auto answer = world.submit(id, test_spec("sum"));
  const auto& submitted =
      std::get<submitted_response>(std::get<response>(answer));
  CHECK(submitted.id == id);
  CHECK(submitted.name == "sum");
  CHECK(submitted.arn
        == "arn:aws:batch:us-east-1:123456789012:job/" + to_string(id));
  CHECK(world.status(job) == job_status::runnable);
  CHECK(world.is_queued(job));
  auto submitted_at = world.now_ms;

  world.now_ms += 10;
  world.place(job);
  CHECK(world.status(job) == job_status::starting);
  REQUIRE(world.last_dispatches.size() == 1);
  const auto& dispatch = world.last_dispatches.front();
  CHECK(dispatch.agent == test_agent);
  CHECK(dispatch.session == test_session);
  const auto& start = std::get<start_attempt>(dispatch.body);
  CHECK(start.attempt == attempt_id{job, 1});
  CHECK(start.spec == nullptr);

  world.now_ms += 10;
  world.start(job);
  CHECK(world.status(job) == job_status::running);
  auto started_at = world.now_ms;
  world.now_ms += 10;
  world.finish(job);
  CHECK(world.messages_of<finish_lease>().size() == 1);

  for (auto stored : {false, true}) {
    if (stored)
      world.checkpoint();
    auto view = world.describe(job);
    REQUIRE(view);
    CHECK(view->status == job_status::succeeded);
    CHECK(view->status_reason == "Essential container in task exited");
    CHECK(view->created_ms == submitted_at);
    CHECK(view->started_ms == started_at);
    CHECK(view->stopped_ms == world.now_ms);
    CHECK(view->queue_name == "queue-7");
    CHECK(view->spec->container.command
          == std::vector<std::string>{"/bin/true"});
    REQUIRE(view->attempts.size() == 1);
    CHECK(view->attempts[0].exit_code == 0);
    CHECK(view->attempts[0].agent == "agent-1");
    CHECK(view->attempts[0].status_reason
          == "Essential container in task exited");
  }
  CHECK(world.table().live_count() == 0);
  world.replay();
}

} // namespace
} // namespace berth::testing
