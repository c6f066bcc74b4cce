// Random walks over everything that can happen to jobs of two shards; the
// invariants are walked after every step, and in the end every job has ended.
#include "tests/unit/actors/job_world.hpp"

#include <catch2/catch.hpp>
#include <iterator>
#include <rapidcheck.h>

namespace berth::testing {
namespace {

constexpr uint32_t shard_count = 2;

class walk {
public:
  explicit walk(uint32_t seed) : random_(seed) {}

  void step() {
    world_.now_ms += static_cast<int64_t>(below(50));
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
      submit();
      break;
    case 3:
    case 4:
      place();
      break;
    case 5:
      start();
      break;
    case 6:
    case 7:
      end();
      break;
    case 8:
      below(2) == 0 ? world_.cancel(any_job()) : world_.terminate(any_job());
      break;
    case 9:
      world_.advance({below(shard_count)});
      break;
    case 10:
      stale();
      break;
    default:
      below(8) == 0 ? world_.reload() : world_.checkpoint();
    }
  }

  void drain() {
    for (int round = 0; round < 20'000; ++round) {
      world_.advance_all();
      if (!world_.queued().empty())
        place();
      else if (!world_.placed().empty())
        end();
      else
        break;
    }
    for (const auto& id : ids_) {
      INFO(to_string(id));
      RC_ASSERT(is_terminal(world_.status({id, no_index})));
    }
    for (uint32_t s = 0; s < shard_count; ++s)
      RC_ASSERT(world_.table({s}).live_count() == 0U);
  }

  job_world& world() { return world_; }

private:
  uint32_t below(uint32_t n) {
    random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<uint32_t>(random_ >> 33) % n;
  }

  job_id fresh_id() {
    return test_id(static_cast<uint32_t>(ids_.size()) + 1,
                   {below(shard_count)});
  }

  job_key any_job() {
    if (ids_.empty() || below(20) == 0)
      return {test_id(9'999, {below(shard_count)}), no_index};
    auto id = ids_[below(static_cast<uint32_t>(ids_.size()))];
    return {id, below(3) == 0 ? static_cast<int32_t>(below(6)) : no_index};
  }

  void submit() {
    auto spec = test_spec();
    spec->retry.attempts = 1 + below(3);
    if (below(2) == 0)
      spec->array_size = 2 + below(4);
    auto dependencies = below(3);
    for (uint32_t n = 0; n < dependencies; ++n) {
      auto kind = static_cast<dependency_kind>(below(3));
      auto on = any_job();
      if (kind == dependency_kind::n_to_n)
        on.index = no_index;
      spec->depends_on.push_back({on, kind});
    }
    if (spec->array_size > 0 && below(4) == 0)
      spec->depends_on.push_back({std::nullopt, dependency_kind::sequential});
    auto id = fresh_id();
    world_.submit(id, spec);
    ids_.push_back(id);
  }

  void place() {
    if (world_.queued().empty())
      return;
    auto n = below(static_cast<uint32_t>(world_.queued().size()));
    world_.place(job_key{*std::next(world_.queued().begin(), n)});
  }

  std::optional<job_key> any_placed() {
    auto placed = world_.placed();
    if (placed.empty())
      return std::nullopt;
    return placed[below(static_cast<uint32_t>(placed.size()))];
  }

  void start() {
    if (auto job = any_placed())
      world_.start(*job);
  }

  void end() {
    auto job = any_placed();
    if (!job)
      return;
    switch (below(8)) {
    case 0:
      world_.lose(*job);
      break;
    case 1:
      world_.end(*job, attempt_end::timed_out, 137);
      break;
    case 2:
      world_.end(*job, attempt_end::not_started);
      break;
    case 3:
      world_.finish(*job, 1);
      break;
    default:
      world_.finish(*job, 0);
    }
  }

  void stale() {
    auto job = any_job();
    auto before = world_.hash(shard_of(job.id));
    world_.report(
        shard_of(job.id), test_agent, {1, 1},
        attempt_ended_report{{job, 1}, attempt_end::exited, 0, {}, 0, 0});
    RC_ASSERT(world_.hash(shard_of(job.id)) == before);
  }

  job_world world_{shard_count};
  std::vector<job_id> ids_;
  uint64_t random_;
};

TEST_CASE("whatever happens to jobs, each of them ends, once") {
  REQUIRE(rc::check([](uint32_t seed) {
    walk w{seed};
    for (int n = 0; n < 120; ++n)
      w.step();
    w.drain();
    w.world().replay();
    w.world().reload();
  }));
}

TEST_CASE("a queue that is deleted ends all of its jobs and says so once") {
  REQUIRE(rc::check([](uint32_t seed) {
    walk w{seed};
    for (int n = 0; n < 60; ++n)
      w.step();
    size_t told = 0;
    auto count_told = [&] {
      told += w.world().messages_of<jobs_of_queue_ended>().size();
    };
    for (uint32_t s = 0; s < shard_count; ++s) {
      w.world().close_queue(test_queue, {s});
      count_told();
    }
    for (int round = 0; round < 1'000; ++round) {
      auto placed = w.world().placed();
      auto busy = false;
      for (uint32_t s = 0; s < shard_count; ++s)
        if (w.world().table({s}).has_work()) {
          w.world().advance({s});
          count_told();
          busy = true;
          break;
        }
      if (!busy && placed.empty())
        break;
      if (!busy)
        w.world().end(placed.front(), attempt_end::stopped, 137);
    }
    RC_ASSERT(told == shard_count);
    w.drain();
    w.world().replay();
  }));
}

} // namespace
} // namespace berth::testing
