// Arrays and their children (AWS reference 14, 15.6, 15.7).
#include "actors/array_job_actor.hpp"

#include "messages/codec.hpp"
#include "messages/limits.hpp"
#include "messages/record.hpp"
#include "tests/unit/actors/job_world.hpp"

#include <catch2/catch.hpp>

namespace berth::testing {
namespace {

const job_id array = test_id(1);
const job_key parent{array, no_index};

job_key child(int32_t index, const job_id& id = array) {
  return {id, index};
}

uint32_t count(job_world& world, job_status s, const job_key& of = parent) {
  return world.describe(of)->children.at(static_cast<size_t>(s));
}

dependency n_to_n(const job_id& on) {
  return {job_key{on, no_index}, dependency_kind::n_to_n};
}

const dependency sequential{std::nullopt, dependency_kind::sequential};

TEST_CASE("an array runs its children and succeeds with them") {
  job_world world;
  world.submit(array, array_spec(3));
  REQUIRE(world.messages_of<enqueue_jobs>().size() == 1);
  CHECK(world.messages_of<enqueue_jobs>()[0].jobs == job_range{array, 0, 3});
  CHECK(world.status(parent) == job_status::pending);
  CHECK(count(world, job_status::runnable) == 3);
  for (auto i : {2, 0, 1}) {
    world.place(child(i));
    CHECK(world.status(child(i)) == job_status::starting);
    CHECK(count(world, job_status::starting) == 1);
    world.start(child(i));
    CHECK(world.status(child(i)) == job_status::running);
    CHECK(world.status(parent) == job_status::pending);
    world.now_ms += 5;
    world.finish(child(i));
    world.reload();
  }
  for (auto stored : {false, true}) {
    if (stored)
      world.checkpoint();
    auto view = world.describe(parent);
    CHECK(view->status == job_status::succeeded);
    CHECK(view->status_reason.empty());
    CHECK(view->stopped_ms == world.now_ms);
    CHECK(view->started_ms == 0);
    CHECK(view->attempts.empty());
    CHECK(view->children == status_counts{0, 0, 0, 0, 0, 3, 0});
    auto first = world.describe(child(0));
    CHECK(first->status == job_status::succeeded);
    CHECK(first->attempts.size() == 1);
    CHECK(first->spec->name == "array");
  }
  CHECK_FALSE(world.describe(child(3)));
  CHECK_FALSE(world.describe(child(-2)));
  world.replay();
}

TEST_CASE("a failing child does not stop its siblings") {
  job_world world;
  world.submit(array, array_spec(3));
  world.run(child(1), 1);
  CHECK(world.status(parent) == job_status::pending);
  world.run(child(0));
  world.run(child(2));
  auto view = world.describe(parent);
  CHECK(view->status == job_status::failed);
  CHECK(view->status_reason == "Array Child Job failed");
  CHECK(world.status(child(0)) == job_status::succeeded);
  CHECK(world.status(child(1)) == job_status::failed);
}

TEST_CASE("each child has its own attempts") {
  auto spec = std::make_shared<job_spec>(*array_spec(2));
  spec->retry.attempts = 2;
  job_world world;
  world.submit(array, spec);
  world.run(child(0), 1);
  CHECK(world.status(child(0)) == job_status::runnable);
  auto again = world.messages_of<enqueue_jobs>().at(0);
  CHECK(again.jobs == job_range{array, 0, 1});
  world.reload();
  CHECK(world.describe(child(0))->attempts.size() == 1);
  world.place(child(0));
  world.lose(child(0));
  world.run(child(1), 1);
  world.run(child(1));
  CHECK(world.describe(child(0))->status == job_status::failed);
  CHECK(world.describe(child(0))->status_reason
        == "Host EC2 (instance agent-1) terminated.");
  CHECK(world.describe(child(1))->status == job_status::succeeded);
  CHECK(world.describe(child(1))->attempts.size() == 2);
  CHECK(world.status(parent) == job_status::failed);
  world.replay();
}

TEST_CASE("children are made when the array's dependencies are met") {
  job_world world;
  job_key first{test_id(9), no_index};
  world.submit(first.id);
  auto submitted_ms = world.now_ms;
  world.submit(array, array_spec(3, {{first, dependency_kind::plain}}));
  CHECK(world.status(parent) == job_status::pending);
  CHECK_FALSE(world.describe(child(0)));
  CHECK(count(world, job_status::pending) == 0);
  world.reload();
  world.now_ms += 100;
  world.run(first);
  CHECK(world.queued_count() == 3);
  CHECK(world.describe(parent)->created_ms == submitted_ms);
  CHECK(world.describe(child(0))->created_ms == world.now_ms);
  world.replay();
}

TEST_CASE("an array whose dependency fails has no children") {
  job_world world;
  job_key first{test_id(9), no_index};
  world.submit(first.id);
  world.submit(array, array_spec(3, {{first, dependency_kind::plain}}));
  world.run(first, 1);
  CHECK(world.describe(parent)->status_reason == "Dependent Job failed");
  CHECK_FALSE(world.describe(child(0)));
  world.checkpoint();
  CHECK_FALSE(world.describe(child(0)));
}

TEST_CASE("sequential children run one after the other") {
  job_world world;
  world.submit(array, array_spec(4, {sequential}));
  for (int32_t i = 0; i < 4; ++i) {
    CHECK(world.queued() == std::set<job_key>{child(i)});
    CHECK(count(world, job_status::pending) == static_cast<uint32_t>(3 - i));
    world.run(child(i));
  }
  CHECK(world.status(parent) == job_status::succeeded);
}

TEST_CASE("a failed sequential child fails those behind it") {
  job_world world;
  world.submit(array, array_spec(10'000, {sequential}));
  world.run(child(0));
  world.reload();
  world.run(child(1), 1);
  CHECK(world.events_of<jobs_failed>().size() == 1);
  CHECK(world.status(parent) == job_status::failed);
  CHECK(world.describe(child(0))->status == job_status::succeeded);
  CHECK(world.describe(child(9'999))->status == job_status::failed);
  CHECK(world.describe(child(2))->status_reason == "Dependent Job failed");
  CHECK(world.describe(child(1))->status_reason
        == "Essential container in task exited");
  CHECK(world.queued_count() == 0);
  world.replay();
}

TEST_CASE("a sequential child that is cancelled fails those behind it") {
  job_world world;
  world.submit(array, array_spec(5, {sequential}));
  world.cancel(child(3), "no");
  CHECK(world.status(child(4)) == job_status::failed);
  CHECK(world.status(child(2)) == job_status::pending);
  for (int32_t i = 0; i < 3; ++i)
    world.run(child(i));
  CHECK(world.status(parent) == job_status::failed);
  CHECK(world.describe(child(3))->status_reason == "no");
}

TEST_CASE("n_to_n: a child waits for the same child of the other array") {
  auto shards = GENERATE(1U, 2U);
  job_world world{shards};
  auto other = test_id(2, {shards - 1});
  world.submit(array, array_spec(3));
  world.submit(other, array_spec(3, {n_to_n(array)}));
  CHECK(count(world, job_status::pending, {other, no_index}) == 3);
  world.run(child(1));
  CHECK(world.status(child(1, other)) == job_status::runnable);
  CHECK(world.status(child(0, other)) == job_status::pending);
  world.reload();
  world.run(child(0), 1);
  CHECK(world.status(child(0, other)) == job_status::failed);
  CHECK(world.describe(child(0, other))->status_reason
        == "Dependent Job failed");
  world.run(child(1, other));
  world.run(child(2));
  CHECK(world.status({other, no_index}) == job_status::pending);
  world.run(child(2, other));
  CHECK(world.status({other, no_index}) == job_status::failed);
  world.replay();
}

TEST_CASE("n_to_n of 10,000 children submitted late is told in runs") {
  auto over = GENERATE(false, true);
  job_world world;
  world.checks = false;
  world.submit(array, array_spec(10'000));
  auto last = over ? 10'000 : 6'000;
  for (int32_t i = 0; i < last; ++i)
    world.run(child(i), i == 3'000 ? 1 : 0);
  world.reload();
  auto other = test_id(2);
  world.submit(other, array_spec(10'000, {n_to_n(array)}));
  CHECK(world.messages_of<dependency_ended>().size() == (over ? 4 : 3));
  CHECK(count(world, job_status::failed, {other, no_index}) == 1);
  CHECK(count(world, job_status::runnable, {other, no_index})
        == static_cast<uint32_t>(last - 1));
  CHECK(world.messages_of<enqueue_jobs>().size() == 2);
  world.table().check_invariants();
}

TEST_CASE("children without a counterpart wait for the whole") {
  auto exit_code = GENERATE(0, 1);
  job_world world;
  world.submit(array, array_spec(2));
  auto other = test_id(2);
  world.submit(other, array_spec(4, {n_to_n(array)}));
  world.run(child(0));
  CHECK(world.queued_count() == 2);
  CHECK(world.status(child(3, other)) == job_status::pending);
  world.run(child(1), exit_code);
  auto expected = exit_code == 0 ? job_status::runnable : job_status::failed;
  CHECK(world.status(child(0, other)) == job_status::runnable);
  CHECK(world.status(child(1, other)) == expected);
  CHECK(world.status(child(2, other)) == expected);
  CHECK(world.status(child(3, other)) == expected);
}

TEST_CASE("n_to_n on an array that never made children fails them all") {
  job_world world;
  job_key first{test_id(9), no_index};
  world.submit(first.id);
  world.submit(array, array_spec(3, {{first, dependency_kind::plain}}));
  auto other = test_id(2);
  world.submit(other, array_spec(3, {n_to_n(array)}));
  world.run(first, 1);
  CHECK(world.status({other, no_index}) == job_status::failed);
  CHECK(count(world, job_status::failed, {other, no_index}) == 3);
}

TEST_CASE("children wait for all kinds of dependencies at once") {
  job_world world;
  job_key first{test_id(9), no_index};
  auto other = test_id(2);
  world.submit(first.id);
  world.submit(other, array_spec(3));
  world.submit(array, array_spec(3, {{first, dependency_kind::plain},
                                     n_to_n(other),
                                     sequential}));
  world.run(child(0, other));
  world.run(child(1, other));
  CHECK_FALSE(world.describe(child(0)));
  world.run(first);
  CHECK(world.status(child(0)) == job_status::runnable);
  CHECK(world.status(child(1)) == job_status::pending);
  world.run(child(0));
  CHECK(world.status(child(1)) == job_status::runnable);
  world.run(child(1));
  CHECK(world.status(child(2)) == job_status::pending);
  world.run(child(2, other), 1);
  CHECK(world.status(child(2)) == job_status::failed);
  CHECK(world.status(parent) == job_status::failed);
  world.replay();
}

TEST_CASE("an n_to_n failure before the children are made is remembered") {
  job_world world;
  job_key first{test_id(9), no_index};
  auto other = test_id(2);
  world.submit(first.id);
  world.submit(other, array_spec(2));
  world.submit(array,
               array_spec(2, {{first, dependency_kind::plain}, n_to_n(other)}));
  world.run(child(0, other), 1);
  world.run(child(1, other), 1);
  CHECK(world.status(parent) == job_status::pending);
  world.run(first);
  CHECK(world.status(parent) == job_status::failed);
  CHECK(world.describe(child(1))->status_reason == "Dependent Job failed");
}

// AWS reference 15.6: a parent's id acts on all children, a child's on it.

TEST_CASE("cancelling an array fails its waiting children only") {
  job_world world;
  world.submit(array, array_spec(5'000));
  world.run(child(0));
  world.place(child(1));
  world.place(child(4'000));
  world.start(child(4'000));
  world.cancel(parent, "enough");
  world.largest_step = 0;
  world.advance_all();
  CHECK(world.largest_step <= 1'100);
  CHECK(world.queued_count() == 0);
  CHECK(world.status(child(1)) == job_status::starting);
  CHECK(world.status(parent) == job_status::pending);
  CHECK(count(world, job_status::failed) == 4'997);
  world.reload();
  auto waiting = world.describe(child(3));
  CHECK(waiting->status_reason == "enough");
  CHECK(waiting->is_cancelled);
  CHECK(waiting->stopped_ms == world.now_ms);
  world.start(child(1));
  world.finish(child(1));
  world.finish(child(4'000));
  CHECK(world.status(child(1)) == job_status::succeeded);
  CHECK(world.describe(parent)->status_reason == "Array Child Job failed");
  CHECK(world.describe(parent)->is_cancelled);
  world.checkpoint();
  CHECK(world.describe(child(3))->is_cancelled);
  CHECK_FALSE(world.describe(child(0))->is_cancelled);
  world.replay();
}

TEST_CASE("no event says of a running child that it fails with the waiting "
          "ones around it") {
  job_world world;
  world.submit(array, array_spec(4));
  world.place(child(1));
  world.start(child(1));
  world.cancel(parent, "enough");
  world.advance_all();
  auto failed = world.events_of<jobs_failed>();
  REQUIRE(failed.size() == 2);
  CHECK(failed[0].jobs.first == 0);
  CHECK(failed[0].jobs.last == 1);
  CHECK(failed[1].jobs.first == 2);
  CHECK(failed[1].jobs.last == 4);
  CHECK(world.status(child(1)) == job_status::running);
  world.replay();
}

TEST_CASE("an array that ends in many runs with a long reason ends in records "
          "of bounded size") {
  constexpr uint32_t size = 1'200;
  // No more than what else a decision may hold leaves free of a record.
  constexpr size_t bytes_max = 512 * 1024;
  job_world world;
  world.checks = false;
  world.submit(array, array_spec(size));
  for (int32_t i = 0; i < static_cast<int32_t>(size); i += 2)
    world.place(child(i));
  world.terminate(parent, std::string(limits::reason_length_max, 'x'));
  size_t failed = 0;
  while (world.table().has_work()) {
    world.advance();
    record r;
    decision_record d;
    d.events = world.last_events;
    r.body = std::move(d);
    CHECK(encode(r).size() < bytes_max);
    for (const auto& e : world.events_of<jobs_failed>())
      failed += static_cast<size_t>(e.jobs.last - e.jobs.first);
  }
  CHECK(failed == size / 2);
  CHECK(count(world, job_status::failed) == size / 2);
}

TEST_CASE("a cancelled array's running child is not tried again") {
  auto spec = std::make_shared<job_spec>(*array_spec(2));
  spec->retry.attempts = 5;
  job_world world;
  world.submit(array, spec);
  world.place(child(0));
  world.cancel(parent);
  world.advance_all();
  world.finish(child(0), 1);
  CHECK(world.status(child(0)) == job_status::failed);
  CHECK(world.describe(child(0))->status_reason
        == "Essential container in task exited");
  CHECK(world.status(parent) == job_status::failed);
}

TEST_CASE("terminating an array stops what runs and fails what waits") {
  auto spec = std::make_shared<job_spec>(*array_spec(2'500));
  spec->retry.attempts = 5;
  job_world world;
  world.submit(array, spec);
  world.run(child(7), 1); // Waits for its second attempt.
  world.place(child(0));
  world.place(child(2'400));
  world.start(child(2'400));
  world.terminate(parent, "stop it");
  size_t stops = 0;
  while (world.table().has_work()) {
    world.advance();
    stops += world.last_dispatches.size();
  }
  CHECK(stops == 2);
  CHECK(world.queued_count() == 0);
  CHECK(world.describe(child(7))->attempts.size() == 1);
  CHECK(world.describe(child(7))->status_reason == "stop it");
  world.terminate(parent, "again");
  CHECK(world.last_events.empty());
  world.end(child(0), attempt_end::not_started);
  world.end(child(2'400), attempt_end::stopped, 137);
  CHECK(world.describe(child(0))->status_reason == "stop it");
  CHECK(world.describe(child(2'400))->attempts.at(0).exit_code == 137);
  CHECK(world.status(parent) == job_status::failed);
  CHECK(world.describe(parent)->is_terminated);
  world.replay();
}

TEST_CASE("terminate after cancel stops what cancel left running") {
  job_world world;
  world.submit(array, array_spec(3));
  world.place(child(0));
  world.cancel(parent, "first");
  world.advance_all();
  world.terminate(parent, "second");
  world.advance_all();
  world.end(child(0), attempt_end::stopped, 143);
  CHECK(world.describe(child(0))->status_reason == "first");
  CHECK(world.status(parent) == job_status::failed);
}

TEST_CASE("an array that waits is ended when its dependencies have ended") {
  job_world world;
  job_key first{test_id(9), no_index};
  world.submit(first.id);
  world.submit(array, array_spec(3, {{first, dependency_kind::plain}}));
  world.cancel(parent, "enough");
  CHECK(world.status(parent) == job_status::pending);
  world.run(first);
  CHECK(world.describe(parent)->status_reason == "enough");
  CHECK_FALSE(world.describe(child(0)));
  CHECK(world.queued_count() == 0);
  world.replay();
}

TEST_CASE("cancelling a child leaves its siblings alone") {
  job_world world;
  world.submit(array, array_spec(3));
  world.cancel(child(1), "not this one");
  auto view = world.describe(child(1));
  CHECK(view->status == job_status::failed);
  CHECK(view->status_reason == "not this one");
  CHECK(view->is_cancelled);
  CHECK(view->attempts.empty());
  CHECK(world.queued_count() == 2);
  world.place(child(0));
  world.cancel(child(0));
  CHECK(world.last_events.empty());
  world.terminate(child(0), "stop this one");
  CHECK(world.last_dispatches.size() == 1);
  world.end(child(0), attempt_end::stopped, 137);
  CHECK(world.describe(child(0))->status_reason == "stop this one");
  world.run(child(2));
  CHECK(world.describe(parent)->status_reason == "Array Child Job failed");
  world.cancel(child(2));
  CHECK(world.last_events.empty());
  world.replay();
}

TEST_CASE("an array of 10,000 keeps a row for active children only") {
  job_world world;
  world.checks = false;
  world.submit(array, array_spec(10'000));
  world.place(child(5));
  world.start(child(5));
  world.checkpoint();
  CHECK(world.rows().size() == 3); // Body, array, active child.
  world.reload();
  for (int32_t i = 0; i < 10'000; ++i) {
    if (i != 5)
      world.place(child(i));
    world.finish(child(i));
  }
  CHECK(world.status(parent) == job_status::succeeded);
  world.checkpoint();
  // Body, terminal, listing, expiry, the table's own, and the children.
  CHECK(world.rows().size() == 10'005);
  world.replay();
}

TEST_CASE("a finished array tells those who wait for its children at once") {
  job_world world;
  world.submit(array, array_spec(2));
  std::vector<job_id> others;
  for (uint32_t n = 0; n < 120; ++n) {
    others.push_back(test_id(100 + n));
    world.submit(others.back(), array_spec(2, {n_to_n(array)}));
  }
  world.run(child(0));
  world.run(child(1), 1);
  CHECK(world.status(parent) == job_status::failed);
  CHECK(world.table().has_work());
  world.reload();
  world.advance_all();
  for (const auto& other : others) {
    CHECK(world.status(child(0, other)) == job_status::runnable);
    CHECK(world.status(child(1, other)) == job_status::failed);
  }
  world.reload();
  world.replay();
}

} // namespace
} // namespace berth::testing
