#include "tests/support/demand_world.hpp"

#include <catch2/catch.hpp>

namespace berth::testing {

namespace {

constexpr session_id first_session{1, 1};
constexpr session_id second_session{1, 2};
const auto small = make_shape(1);

/// Two slots in each of three environments, in one queue's order.
struct three_environments {
  demand_world world;
  environment_uid e1, e2, e3;
  queue_uid queue;

  three_environments(shard_id s1, shard_id s2, shard_id s3) {
    e1 = world.add_environment(s1);
    e2 = world.add_environment(s2);
    e3 = world.add_environment(s3);
    for (auto e : {e1, e2, e3})
      world.join(e, "agent", make_resources(2), first_session);
    queue = world.add_queue(s1, {e1, e2, e3});
    world.deliver_all();
  }

  job_key submit() {
    auto id = world.submit(queue, small);
    world.deliver_all();
    world.check();
    return {id, no_index};
  }
  environment_uid place_of(const job_key& job) {
    return world.running().at(job).environment;
  }
};

} // namespace

TEST_CASE("seed 001: jobs fill the environments in order and return to the "
          "first when it has room again") {
  auto shards = GENERATE(0U, 1U);
  three_environments t{shard_id{0}, shard_id{1 * shards}, shard_id{2 * shards}};
  std::vector<job_key> jobs;
  for (int i = 0; i < 5; ++i)
    jobs.push_back(t.submit());
  CHECK(t.place_of(jobs[0]) == t.e1);
  CHECK(t.place_of(jobs[1]) == t.e1);
  CHECK(t.place_of(jobs[2]) == t.e2);
  CHECK(t.place_of(jobs[3]) == t.e2);
  CHECK(t.place_of(jobs[4]) == t.e3);

  t.world.end(jobs[0]);
  t.world.deliver_all();
  auto sixth = t.submit();
  CHECK(t.place_of(sixth) == t.e1);
  CHECK(t.world.running_in(t.e3).size() == 1);
  t.world.check_balance();
}

TEST_CASE("seed 001: the first environment is preferred also when its room "
          "comes back in the run that brings the job") {
  three_environments t{shard_id{0}, shard_id{0}, shard_id{0}};
  std::vector<job_key> jobs;
  for (int i = 0; i < 5; ++i)
    jobs.push_back(t.submit());
  t.world.hold();
  auto sixth = job_key{t.world.submit(t.queue, small), no_index};
  t.world.end(jobs[0]);
  t.world.go();
  CHECK(t.place_of(sixth) == t.e1);
  t.world.check_balance();
}

} // namespace berth::testing
