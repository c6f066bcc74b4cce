// A shard machine that owns its shard, with what a job needs to run: the world
// that tests of the log's rules start from.
#pragma once

#include "tests/support/shard_fixture.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <variant>

namespace berth::test {

/// A shard with one environment of `vcpus`, one queue and one agent.
struct small_cluster {
  explicit small_cluster(int64_t vcpus = 2)
      : log(std::make_shared<partition>()), fixture(log) {
    fixture.own("nonce-1");
    fixture.call(catalog_call{test_caller(), environment_of("e", vcpus)});
    fixture.call(catalog_call{test_caller(), queue_of("q", 1, {"e"})});
    auto environment =
        fixture.state().catalog().find_environment(test_owner(), "e")->uid;
    agent = std::make_unique<instant_agent>(fixture, environment, vcpus);
    fixture.on_dispatch = [this](const dispatch& d) { agent->take(d); };
    agent->join();
    fixture.run();
  }

  job_id submit(uint64_t number, const job_spec& spec = {}) {
    auto call = submission(fixture.state(), "q", number, spec);
    auto answer = fixture.call(call);
    REQUIRE(std::holds_alternative<response>(answer));
    return call.id;
  }

  void drain() {
    do {
      fixture.run();
      fixture.state().check_invariants();
    } while (agent->report());
  }

  job_view describe(const job_key& key) {
    auto answer = fixture.call(describe_jobs_call{test_owner(), {key}});
    auto jobs = std::get<jobs_response>(std::get<response>(answer)).jobs;
    REQUIRE(jobs.size() == 1);
    return jobs.front();
  }

  std::shared_ptr<partition> log;
  shard_fixture fixture;
  std::unique_ptr<instant_agent> agent;
};

} // namespace berth::test
