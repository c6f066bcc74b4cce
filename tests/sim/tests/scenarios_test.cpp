#include "tests/sim/scenario.hpp"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::sim;

namespace {

void prepare(scenario& s) {
  s.environment("e", 4);
  s.queue("q", {"e"});
}

} // namespace

TEST_CASE("A job runs and succeeds") {
  scenario s{{}};
  prepare(s);
  auto job = s.submit("q", {.name = "a"});
  s.expect(job, job_status::succeeded);
  CHECK(s.starts_of(job) == 1);
  s.expect_rest();
}

TEST_CASE("A job outlives the crash of its scheduler") {
  scenario s{{}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 5'000});
  s.run_until_started(job);
  s.crash_node(0);
  s.run_for(1'000);
  s.start_node(0);
  s.expect(job, job_status::succeeded);
  CHECK(s.starts_of(job) == 1);
  s.expect_rest();
}

TEST_CASE("A job outlives the crash of its scheduler and the loss of its "
          "store") {
  scenario s{{.shards = 2}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 5'000});
  s.run_until_started(job);
  s.crash_node(0);
  s.lose_stores(0);
  s.start_node(0);
  s.expect(job, job_status::succeeded);
  CHECK(s.starts_of(job) == 1);
  s.expect_rest();
}

TEST_CASE("Another node takes over, and the job runs on") {
  scenario s{{.nodes = 2, .lease_ms = 60'000}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 5'000});
  s.run_until_started(job);
  s.crash_node(0);
  s.expect(job, job_status::succeeded);
  CHECK(s.starts_of(job) == 1);
  s.start_node(0);
  s.expect_rest();
}

TEST_CASE("A node that let a shard rest takes it over once both that rank "
          "before it are gone") {
  scenario s{{.nodes = 3, .shards = 4, .lease_ms = 60'000}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 30'000});
  s.run_until_started(job);
  // Each node in turn is the last one.
  for (uint32_t last = 0; last < 3; ++last) {
    for (uint32_t node = 0; node < 3; ++node)
      if (node != last) {
        s.crash_node(node);
        s.run_for(1'000);
      }
    s.ask_only(last);
    s.submit("q", {.name = "b"});
    for (uint32_t node = 0; node < 3; ++node)
      if (node != last)
        s.start_node(node);
    s.run_for(5'000);
  }
  s.expect(job, job_status::succeeded);
  CHECK(s.starts_of(job) == 1);
  s.expect_rest();
}

TEST_CASE("An attempt whose keeper died is tried again") {
  scenario s{{}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 5'000, .attempts = 2});
  s.run_until_started(job);
  s.crash_keeper(0);
  s.expect(job, job_status::succeeded);
  CHECK(s.starts_of(job) == 2);
  s.expect_rest();
}

TEST_CASE("An agent that is started again finds its attempts with the keeper") {
  scenario s{{}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 5'000});
  s.run_until_started(job);
  s.crash_agent(0);
  s.run_for(1'000);
  s.start_agent(0);
  s.expect(job, job_status::succeeded);
  CHECK(s.starts_of(job) == 1);
  s.expect_rest();
}

TEST_CASE("A job waits for the one that it depends on") {
  scenario s{{.shards = 2}};
  prepare(s);
  auto first = s.submit("q", {.name = "a", .run_ms = 2'000});
  auto second =
      s.submit("q", {.name = "b", .depends_on = {{to_string(first), {}}}});
  s.run_until_started(first);
  CHECK(s.describe(second).status == job_status::pending);
  s.expect(second, job_status::succeeded);
  CHECK(s.describe(first).status == job_status::succeeded);
  s.expect_rest();
}

TEST_CASE("A terminated job ends as FAILED") {
  scenario s{{}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 60'000});
  s.run_until_started(job);
  s.terminate(job);
  s.expect(job, job_status::failed);
  CHECK(s.describe(job).status_reason == "terminated");
  s.expect_rest();
}

TEST_CASE("A submission that is tried again is one job, though its queue was "
          "made anew in another shard") {
  scenario s{{.shards = 2}};
  s.environment("e", 4);
  s.environment("f", 4);
  s.queue("q", {"e"});
  auto job = s.submit("q", {.name = "a"});
  s.expect(job, job_status::succeeded);
  s.delete_queue("q");
  CHECK(s.submit_again() == job);
  s.queue("q", {"f"});
  CHECK(s.submit_again() == job);
  CHECK(s.starts_of(job) == 1);
  s.expect_rest();
}

TEST_CASE("An agent that is cut off ends its attempt before another agent has "
          "the job") {
  scenario s{{.nodes = 2, .machines = 2, .lease_ms = 5'000}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 60'000, .attempts = 2});
  s.run_until_started(job);
  auto machine = s.machine_of(job);
  s.cut_machine(machine, 0);
  s.run_until_starts(job, 2);
  CHECK(s.machine_of(job) != machine);
  s.heal_machine(machine, 0);
  s.terminate(job);
  s.expect(job, job_status::failed);
  CHECK(s.starts_of(job) == 2);
  s.expect_rest();
}

TEST_CASE("A machine that slept through its lease ends its attempts when it "
          "wakes") {
  scenario s{{.nodes = 2, .machines = 2, .lease_ms = 5'000}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 60'000, .attempts = 2});
  s.run_until_started(job);
  auto machine = s.machine_of(job);
  s.suspend_machine(machine);
  s.run_until_starts(job, 2);
  s.wake_machine(machine);
  s.run_for(5'000);
  s.terminate(job);
  s.expect(job, job_status::failed);
  CHECK(s.starts_of(job) == 2);
  s.expect_rest();
}

TEST_CASE(
    "An agent that drains finishes what it has, and is given more once it "
    "is started again") {
  scenario s{{.nodes = 2, .lease_ms = 30'000}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 5'000});
  s.run_until_started(job);
  s.drain_agent(0);
  s.run_for(1'000);
  auto next = s.submit("q", {.name = "b"});
  s.expect(job, job_status::succeeded);
  s.run_for(20'000);
  CHECK(s.describe(next).status == job_status::runnable);
  s.crash_agent(0);
  s.start_agent(0);
  s.expect(next, job_status::succeeded);
  s.expect_rest();
}

TEST_CASE("A node that starts behind the latest claim finds the owner") {
  scenario s{{.nodes = 2, .lease_ms = 60'000}};
  s.take_over(0, 0);
  prepare(s);
  s.run_for(5'000);
  s.crash_node(1);
  s.start_node(1);
  s.ask_only(1);
  auto job = s.submit("q", {.name = "a"});
  s.expect(job, job_status::succeeded);
  s.expect_rest();
}

TEST_CASE("A submission of the topic is one job, whoever reads the topic on, "
          "and each of its changes is published") {
  scenario s{{.nodes = 2, .lease_ms = 60'000, .has_topics = true}};
  prepare(s);
  for (const auto* name : {"topic-a", "topic-b", "topic-c"})
    s.produce("q", {.name = name, .run_ms = 3'000});
  auto first = s.job_named("topic-a");
  s.crash_node(0);
  s.produce("q", {.name = "topic-d"});
  s.run_for(1'000);
  s.start_node(0);
  s.take_over(0, 0);
  for (const auto* name : {"topic-a", "topic-b", "topic-c", "topic-d"})
    s.expect(s.job_named(name), job_status::succeeded);
  CHECK(s.job_named("topic-a") == first);
  s.expect_rest();
}

TEST_CASE("A submission that makes no sense is refused with its reason") {
  scenario s{{.shards = 2, .has_topics = true}};
  prepare(s);
  s.produce_text("q", R"({"jobName": "refused-a", "jobQueue": "nowhere",
                     "jobDefinition": "scenario",
                     "account": "111122223333", "region": "eu-west-1"})");
  s.produce("q", {.name = "topic-b"});
  std::string reason;
  s.run_until("a rejection", [&](const history_entry& e) {
    if (const auto* r = std::get_if<rejection_landed>(&e.what))
      reason = r->what.reason;
    return !reason.empty();
  });
  CHECK(reason == "JobQueue nowhere not found.");
  s.expect(s.job_named("topic-b"), job_status::succeeded);
  s.expect_rest();
}

TEST_CASE("A node whose disk is full says so and stops, and loses nothing") {
  scenario s{{}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 20'000});
  s.run_until_started(job);
  s.fill_disk(0);
  auto stops = [](const history_entry& e) {
    const auto* failed = std::get_if<node_failed>(&e.what);
    return failed != nullptr && failed->why == "the disk is full";
  };
  s.run_until("its stop", stops);
  // It is started again, and there is no room yet.
  s.run_until("its second stop", stops);
  s.free_disk(0);
  s.expect(job, job_status::succeeded);
  CHECK(s.starts_of(job) == 1);
  s.expect_rest();
}

TEST_CASE("An attempt has ended when nothing of it is left") {
  scenario s{{}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 1'000, .child_ms = -1});
  auto left_alone = s.submit("q", {.name = "b", .run_ms = 1'000});
  s.expect(job, job_status::succeeded);
  s.expect(left_alone, job_status::succeeded);
  size_t children = 0;
  for (const auto& e : s.story())
    children += std::holds_alternative<child_ended>(e.what);
  CHECK(children == 1);
  s.expect_rest();
}

TEST_CASE("Terminating a job reaches what its process has forked") {
  scenario s{{}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 60'000, .child_ms = -1});
  s.run_until("its child", [](const history_entry& e) {
    return std::holds_alternative<child_started>(e.what);
  });
  s.terminate(job);
  s.expect(job, job_status::failed);
  s.expect_rest();
}

TEST_CASE("A node of the former version stops at what a newer one wrote, which "
          "goes on") {
  scenario s{{.nodes = 2, .lease_ms = 60'000}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .run_ms = 5'000});
  s.run_until_started(job);
  s.upgrade_node(1);
  s.run_for(1'000);
  s.take_over(1, 0);
  s.run_until("the other's stop", [](const history_entry& e) {
    const auto* failed = std::get_if<node_failed>(&e.what);
    return failed != nullptr
           && failed->why.find("upgrade this node") != std::string::npos;
  });
  s.expect(job, job_status::succeeded);
  s.upgrade_node(0);
  CHECK(s.starts_of(job) == 1);
  s.expect_rest();
}

TEST_CASE("A scenario fails where a rule is broken, and tells the story") {
  auto run = [](std::optional<breakage> with) {
    scenario s{{}, with};
    prepare(s);
    auto job = s.submit("q", {.name = "a", .run_ms = 60'000, .vcpu = 4});
    auto next = s.submit("q", {.name = "b", .vcpu = 4});
    s.run_until_started(job);
    s.terminate(job);
    s.expect(next, job_status::succeeded);
    s.expect_rest();
  };
  CHECK_NOTHROW(run(std::nullopt));
  CHECK_THROWS_AS(run(breakage::lease_released_on_cancel), scenario_failure);
}

TEST_CASE("A scenario in which nothing comes of a job says so") {
  scenario s{{}};
  prepare(s);
  auto job = s.submit("q", {.name = "a", .exit_codes = {1}});
  CHECK_THROWS_WITH(s.expect(job, job_status::succeeded),
                    Catch::Contains("is FAILED")
                        && Catch::Contains("not SUCCEEDED"));
}
