#include "tests/sim/tests/made_history.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

namespace {

jobs_enqueued enqueued(uint8_t job, queue_position position) {
  return {
      queue_uid{7}, {made_job(job), no_index, no_index}, position, vcpus(1), 0};
}

demand_run run(int64_t size, uint32_t count = 1) {
  return {vcpus(size), count, 0, false};
}

agents_reserved kept(uint64_t queue, int64_t size) {
  return {environment_uid{1}, queue_uid{queue}, vcpus(size), {"a"}};
}

} // namespace

TEST_CASE("priority_first: higher priorities are served first") {
  made_history h{priority_first};
  h.decide({environment(1), agent(1, "a", 4), wants(1, 7, 10, {run(2)}),
            wants(1, 8, 1, {run(1)})});
  SECTION("a lower one is served though a higher one fits") {
    h.decide({grants(1, 8, 1, 1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("also when its demand was folded in the same decision") {
    h.decide(
        {grants(1, 7, 2, 1), wants(1, 9, 5, {run(1)}), grants(1, 8, 1, 2)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("the higher one first is well") {
    h.decide({grants(1, 7, 2, 1), grants(1, 8, 1, 2)});
    CHECK(h.end().empty());
  }
  SECTION("what does not fit holds nobody up") {
    h.decide({wants(1, 7, 10, {run(5)}), grants(1, 8, 1, 1)});
    CHECK(h.end().empty());
  }
  SECTION("an agent that is kept for others is no room") {
    h.decide({grants(1, 7, 2, 1), wants(1, 9, 20, {run(4)}), kept(9, 4),
              wants(1, 6, 10, {run(1)}), grants(1, 8, 1, 2)});
    CHECK(h.end().empty());
  }
  SECTION("nor while jobs of that shape are only told as a number") {
    h.decide({grants(1, 7, 2, 1), wants(1, 9, 5, {run(4)}), kept(9, 4),
              wants(1, 6, 10, {run(1)})});
    h.decide(
        {wants(1, 9, 5, {run(3), {vcpus(4), 2, 0, true}}), grants(1, 8, 1, 2)});
    CHECK(h.end().empty());
  }
  SECTION("but is once nobody asks for that shape") {
    h.decide({grants(1, 7, 2, 1), wants(1, 9, 5, {run(4)}), kept(9, 4),
              wants(1, 6, 10, {run(1)})});
    h.decide({wants(1, 9, 5, {run(3)}), grants(1, 8, 1, 2)});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("order_in_queue: leases go to the first in line") {
  made_history h{order_in_queue};
  h.decide({enqueued(1, 10), enqueued(2, 20)});
  SECTION("not to the second") {
    h.decide({matches(1, 7, 1, 2, 20)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("nor to one that does not wait") {
    h.decide({matches(1, 7, 1, 3, 5)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("who was withdrawn is passed") {
    h.decide(
        {jobs_withdrawn{
             queue_uid{7}, {made_job(1), no_index, no_index}, 10, vcpus(1)},
         matches(1, 7, 1, 2, 20)});
    CHECK(h.end().empty());
  }
  SECTION("a retried job has its old place") {
    h.decide({matches(1, 7, 1, 1, 10), enqueued(1, 10)});
    CHECK(h.found().empty());
    h.decide({matches(1, 7, 2, 2, 20)});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("passed_within_head_wait: nobody is passed for ever") {
  made_history h{passed_within_head_wait};
  h.decide({environment(1, 8, 5000), agent(1, "a", 4), grants(1, 8, 2, 1),
            wants(1, 7, 1, {run(3), run(1, 9)})});
  SECTION("small jobs may pass for a while") {
    h.wait(4 * second).decide({grants(1, 7, 1, 2)});
    CHECK(h.end().empty());
  }
  SECTION("but no longer than that") {
    h.wait(7 * second).decide({grants(1, 7, 1, 2)});
    CHECK(h.found().empty());
    // A pass that is cut off goes on in a few decisions.
    for (uint64_t lease = 3; lease < 6; ++lease)
      h.wait(1 * second).decide({grants(1, 7, 1, lease)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("nor where the agent is kept") {
    h.wait(5 * second).decide({kept(7, 3)});
    CHECK(h.found().empty());
    h.decide({grants(1, 7, 1, 2)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("what is kept for another is given to that one") {
    h.wait(4 * second).decide({wants(1, 9, 5, {run(2)}), kept(9, 2)});
    h.wait(4 * second).decide({grants(1, 9, 2, 2)});
    CHECK(h.end().empty());
  }
  SECTION("what another gives up within a decision goes by priority") {
    h.wait(1 * second).decide({wants(1, 9, 5, {run(2)}), kept(9, 2)});
    h.wait(6 * second)
        .decide({leases_freed{environment_uid{1}, {lease_id{1}}},
                 grants(1, 9, 2, 2),
                 head_unblocked{environment_uid{1}, queue_uid{9}, vcpus(2)},
                 wants(1, 10, 9, {run(1)}), grants(1, 10, 1, 3)});
    CHECK(h.found().empty());
    for (uint64_t lease = 4; lease < 9; ++lease)
      h.wait(2 * second)
          .decide({wants(1, 10, 9, {run(1)}), grants(1, 10, 1, lease)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("the one who waited takes what is kept") {
    h.wait(5 * second).decide({kept(7, 3)});
    h.decide({leases_freed{environment_uid{1}, {lease_id{1}}},
              grants(1, 7, 3, 2), grants(1, 7, 1, 3)});
    CHECK(h.end().empty());
  }
}

TEST_CASE("no_idle_room: no job waits beside room for it") {
  parameters p;
  p.faults.node_crash_mean_ms = 1000;
  made_history h{no_idle_room, p};
  queue_configured queue;
  queue.object->uid = queue_uid{7};
  queue.environments = {{environment_uid{1}, {}, "environment"}};
  h.decide({queue, environment(1), agent(1, "a", 4), enqueued(1, 10)});
  SECTION("for longer than the bound, once faults have stopped") {
    h.happen(faults_ended{}).decide(std::vector<event>{}).wait(61 * second);
    CHECK_FALSE(h.end().empty());
  }
  SECTION("or from the beginning, where there are none") {
    made_history calm{no_idle_room};
    calm.decide({queue, environment(1), agent(1, "a", 4), enqueued(1, 10)});
    calm.wait(61 * second);
    CHECK_FALSE(calm.end().empty());
  }
  SECTION("during faults it may") {
    h.wait(600 * second);
    CHECK(h.end().empty());
  }
  SECTION("a job that has its lease waits no more") {
    h.happen(faults_ended{})
        .decide({grants(1, 7, 1, 1), matches(1, 7, 1, 1, 10)});
    h.wait(600 * second);
    CHECK(h.end().empty());
  }
  SECTION("without room there is nothing to tell") {
    h.happen(faults_ended{}).decide({grants(1, 8, 4, 1)});
    h.wait(600 * second);
    CHECK(h.end().empty());
  }
}

} // namespace berth::sim
