#include "tests/sim/parameters.hpp"

#include "tests/sim/parameter_fields.hpp"
#include "tests/sim/run_task.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace berth;
using namespace berth::sim;

TEST_CASE("The same seed draws the same parameters, another one others") {
  CHECK(to_text(draw(17)) == to_text(draw(17)));
  CHECK(to_text(draw(17)) != to_text(draw(18)));
}

TEST_CASE("Seeds leave each fault and feature out, and have it") {
  std::map<std::string, int> on;
  constexpr int seeds = 300;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    auto p = draw(seed);
    auto count = [&](std::string_view name, const auto& value) {
      on[std::string(name)] += value != std::decay_t<decltype(value)>{};
    };
    each_field(p.faults, count);
    each_field(p.workload, count);
  }
  const std::set<std::string> always{"environments", "queues",
                                     "clients",      "jobs",
                                     "run_mean_ms",  "think_mean_ms"};
  for (const auto& [name, count] : on) {
    INFO(name);
    CHECK(count > seeds / 20);
    CHECK((count < seeds) == (always.count(name) == 0));
  }
}

TEST_CASE("Some runs are without any fault") {
  int calm = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed)
    calm += draw(seed).faults == fault_parameters{};
  CHECK(calm > 10);
  CHECK(calm < 100);
}

TEST_CASE("A single node has no rivals, and leases that lapse or do not") {
  int single = 0;
  int with_leases = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    auto p = draw(seed);
    if (p.cluster.nodes > 1) {
      CHECK(p.cluster.lease_ms > 0);
      continue;
    }
    ++single;
    with_leases += p.cluster.lease_ms > 0;
    CHECK(p.faults.takeover_mean_ms == 0);
    CHECK(p.faults.twin_node_mean_ms == 0);
    CHECK(p.faults.deposed_owner_mean_ms == 0);
  }
  CHECK(with_leases > 10);
  CHECK(single - with_leases > 10);
}

TEST_CASE("What a command line changes is in the parameters and the command") {
  run_task task;
  task.seed = 5;
  task.with_breakage = breakage::newest_first;
  task.changed = {{"jobs", "3"}, {"append_lost", "0.25"}};
  std::string error;
  auto p = parameters_of(task, error);
  REQUIRE(p);
  CHECK(p->workload.jobs == 3);
  CHECK(p->faults.append_lost == 0.25);
  CHECK(p->with_breakage == breakage::newest_first);
  CHECK(p->cluster.nodes == draw(5).cluster.nodes);
  CHECK(command_of(task)
        == "build/berth_sim --seed 5 --breakage newest_first "
           "--set append_lost=0.25 --set jobs=3");
}

TEST_CASE("A parameter that is none is refused by name") {
  run_task task;
  std::string error;
  task.changed = {{"jbos", "3"}};
  CHECK_FALSE(parameters_of(task, error));
  CHECK(error.find("\"jbos\"") != std::string::npos);
  task.changed = {{"jobs", "many"}};
  CHECK_FALSE(parameters_of(task, error));
  CHECK(error.find("jobs is \"many\"") != std::string::npos);
}

TEST_CASE("Tasks and outcomes survive their way between processes") {
  run_task task;
  task.seed = UINT64_MAX;
  task.with_breakage = breakage::priority_ignored;
  task.changed = {{"jobs", "3"}};
  task.check_repeat = true;
  auto again = task_from(to_bytes(task));
  CHECK(again.seed == task.seed);
  CHECK(again.with_breakage == task.with_breakage);
  CHECK(again.changed == task.changed);
  CHECK(again.check_repeat);

  run_outcome outcome;
  outcome.final_hash = UINT64_MAX;
  outcome.checker = "no_job_lost";
  outcome.what = "a \"job\"\nof \xff bytes";
  outcome.virtual_us = -1;
  outcome.situations = {{"a", 1}};
  auto came = outcome_from(to_bytes(outcome));
  CHECK(came.final_hash == outcome.final_hash);
  CHECK(came.checker == outcome.checker);
  CHECK(came.what.starts_with("a \"job\"\nof "));
  CHECK(came.situations == outcome.situations);
  CHECK_FALSE(came.held());
}
