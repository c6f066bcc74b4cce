// Dependencies between jobs, also of several shards (AWS reference 14).
#include "actors/job_waiters.hpp"
#include "tests/unit/actors/job_world.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace berth::testing {
namespace {

job_key single(uint32_t n, shard_id shard = {}) {
  return {test_id(n, shard), no_index};
}

TEST_CASE("a job runs once its dependency has succeeded") {
  job_world world;
  world.submit(single(1).id);
  world.submit(single(2).id, waiting_spec(single(1)));
  CHECK(world.status(single(2)) == job_status::pending);
  CHECK_FALSE(world.is_queued(single(2)));
  world.run(single(1));
  CHECK(world.status(single(2)) == job_status::runnable);
  CHECK(world.is_queued(single(2)));
  world.run(single(2));
  CHECK(world.status(single(2)) == job_status::succeeded);
  world.replay();
}

TEST_CASE("a late-met dependency keeps the place in the queue") {
  job_world world;
  world.submit(single(1).id);
  world.submit(single(2).id, waiting_spec(single(1)));
  auto submitted = world.events_of<job_submitted>().at(0);
  world.now_ms += 1000;
  world.submit(single(3).id);
  auto later = world.events_of<job_submitted>().at(0).position;
  world.run(single(1));
  auto enqueued = world.messages_of<enqueue_jobs>().at(0);
  CHECK(enqueued.position == submitted.position);
  CHECK(enqueued.position < later);
  CHECK(enqueued.submitted_ms == submitted.created_ms);
}

TEST_CASE("a failed dependency fails the job and those behind it") {
  auto shards = GENERATE(1U, 3U);
  job_world world{shards};
  auto key = [&](uint32_t n) { return single(n, {n % shards}); };
  world.submit(key(0).id);
  for (uint32_t n = 1; n < 20; ++n)
    world.submit(key(n).id, waiting_spec(key(n - 1)));
  world.run(key(0), 1);
  for (uint32_t n = 1; n < 20; ++n) {
    auto view = world.describe(key(n));
    REQUIRE(view);
    CHECK(view->status == job_status::failed);
    CHECK(view->status_reason == "Dependent Job failed");
    CHECK(view->attempts.empty());
    CHECK_FALSE(view->is_cancelled);
  }
  world.replay();
}

TEST_CASE("a chain over shards runs link by link") {
  job_world world{3};
  auto key = [](uint32_t n) { return single(n, {n % 3}); };
  world.submit(key(0).id);
  for (uint32_t n = 1; n < 9; ++n)
    world.submit(key(n).id, waiting_spec(key(n - 1)));
  for (uint32_t n = 0; n < 9; ++n) {
    CHECK(world.queued() == std::set<job_key>{key(n)});
    if (n == 4)
      world.reload();
    world.run(key(n));
  }
  world.replay();
}

TEST_CASE("a dependency that ended already is settled at once") {
  auto exit_code = GENERATE(0, 1);
  auto stored = GENERATE(false, true);
  job_world world{2};
  world.submit(single(1).id);
  world.run(single(1), exit_code);
  if (stored)
    world.reload();
  auto waiter = single(2, {1});
  world.submit(waiter.id, waiting_spec(single(1)));
  CHECK(world.status(waiter)
        == (exit_code == 0 ? job_status::runnable : job_status::failed));
}

TEST_CASE("an unknown dependency has failed") {
  job_world world;
  world.submit(single(2).id, waiting_spec(single(1)));
  CHECK(world.status(single(2)) == job_status::failed);
  CHECK(world.describe(single(2))->status_reason == "Dependent Job failed");
}

TEST_CASE("a job waits for all of its dependencies") {
  job_world world;
  auto spec = test_spec();
  for (uint32_t n = 0; n < 20; ++n) {
    world.submit(single(n).id);
    spec->depends_on.push_back({single(n), dependency_kind::plain});
  }
  // Named twice; sequential with an id is plain.
  spec->depends_on.push_back({single(0), dependency_kind::sequential});
  world.submit(single(50).id, spec);
  CHECK(world.messages_of<watch_job>().size() == 20);
  for (uint32_t n = 0; n < 20; ++n) {
    CHECK(world.status(single(50)) == job_status::pending);
    world.run(single(n));
  }
  CHECK(world.status(single(50)) == job_status::runnable);
}

TEST_CASE("the end of a dependency told twice counts once") {
  job_world world;
  world.submit(single(1).id);
  world.submit(single(2).id);
  auto spec = std::make_shared<job_spec>(*waiting_spec(single(1)));
  spec->depends_on.push_back({single(2), dependency_kind::plain});
  world.submit(single(3).id, spec);
  dependency_ended end{single(3).id, single(1), no_index, no_index, true};
  world.run(single(1));
  world.tell({}, end);
  CHECK(world.last_events.empty());
  CHECK(world.status(single(3)) == job_status::pending);
  world.tell(
      {}, dependency_ended{single(3).id, single(9), no_index, no_index, false});
  CHECK(world.last_events.empty());
  world.tell({}, dependency_ended{single(77).id, single(1), no_index, no_index,
                                  false});
  CHECK(world.last_events.empty());
}

TEST_CASE("a job waits for one child of an array") {
  job_world world;
  auto array = test_id(1);
  world.submit(array, array_spec(3));
  auto waiter = single(2);
  world.submit(waiter.id, waiting_spec({array, 1}));
  auto other = single(3);
  world.submit(other.id, waiting_spec({array, 3}));
  CHECK(world.status(other) == job_status::failed);
  world.run({array, 0});
  CHECK(world.status(waiter) == job_status::pending);
  world.run({array, 1});
  CHECK(world.status(waiter) == job_status::runnable);
  auto late = single(4);
  world.submit(late.id, waiting_spec({array, 1}));
  CHECK(world.status(late) == job_status::runnable);
  world.run({array, 2}, 1);
  world.checkpoint();
  auto last = single(5);
  world.submit(last.id, waiting_spec({array, 2}));
  CHECK(world.status(last) == job_status::failed);
}

TEST_CASE("one who waits for a child of an array that was never made fails") {
  job_world world;
  world.submit(single(1).id);
  auto array = test_id(2);
  world.submit(array, array_spec(3, {{single(1), dependency_kind::plain}}));
  world.submit(single(3).id, waiting_spec({array, 1}));
  CHECK(world.status(single(3)) == job_status::pending);
  world.run(single(1), 1);
  CHECK(world.status({array, no_index}) == job_status::failed);
  CHECK(world.status(single(3)) == job_status::failed);
}

TEST_CASE("a job waits for the whole of an array") {
  auto exit_code = GENERATE(0, 1);
  job_world world;
  auto array = test_id(1);
  world.submit(array, array_spec(2));
  auto waiter = single(2);
  world.submit(waiter.id,
               waiting_spec({array, no_index}, dependency_kind::sequential));
  world.run({array, 0}, exit_code);
  CHECK(world.status(waiter) == job_status::pending);
  world.run({array, 1});
  CHECK(world.status(waiter)
        == (exit_code == 0 ? job_status::runnable : job_status::failed));
}

TEST_CASE("n_to_n of a single job is an ordinary dependency") {
  job_world world;
  world.submit(test_id(1), array_spec(2));
  world.submit(single(2).id,
               waiting_spec({test_id(1), no_index}, dependency_kind::n_to_n));
  world.run({test_id(1), 0});
  CHECK(world.status(single(2)) == job_status::pending);
  world.run({test_id(1), 1});
  CHECK(world.status(single(2)) == job_status::runnable);
}

TEST_CASE("100,000 waiters are told in bounded steps") {
  constexpr uint32_t count = 100'000;
  job_world world{2};
  world.checks = false;
  world.submit(single(1).id);
  auto spec = waiting_spec(single(1));
  for (uint32_t n = 0; n < count; ++n)
    world.submit(test_id(n + 10, {n % 2}), spec);
  world.largest_step = 0;
  world.run(single(1));
  CHECK(world.queued_count() == 0);
  CHECK(world.table().has_work());
  // The job is over, its waiters are not lost with it.
  world.advance();
  world.reload();
  world.advance_all();
  CHECK(world.largest_step <= 1001);
  CHECK(world.queued_count() == count);
  CHECK(world.status(single(10)) != job_status::pending);
  CHECK(world.status(single(count + 9, {1})) != job_status::pending);
  for (uint32_t s = 0; s < 2; ++s)
    world.table({s}).check_invariants();
}

TEST_CASE("a watch that comes while others are being told is answered") {
  job_world world;
  world.submit(single(1).id);
  auto spec = waiting_spec(single(1));
  for (uint32_t n = 0; n < 150; ++n)
    world.submit(test_id(n + 10), spec);
  world.run(single(1));
  CHECK(world.table().has_work());
  world.submit(single(5).id, spec);
  CHECK(world.status(single(5)) == job_status::runnable);
  world.advance_all();
  CHECK(world.queued_count() == 151);
}

TEST_CASE("cursors of telling survive packing") {
  REQUIRE(
      rc::check([](uint32_t at, uint16_t run, bool succeeded, bool children) {
        auto bounded = at & 0x7fff'ffffU;
        auto back = unpack_tell_cursor(
            pack(tell_cursor{bounded, run, succeeded, children}));
        RC_ASSERT(back.at == bounded);
        RC_ASSERT(back.run == run);
        RC_ASSERT(back.succeeded == succeeded);
        RC_ASSERT(back.children_too == children);
      }));
}

} // namespace
} // namespace berth::testing
