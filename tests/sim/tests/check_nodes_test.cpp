#include "tests/sim/tests/made_history.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

namespace {

checkpoint_written written(uint32_t node) {
  return {node, shard_id{0}, {}};
}

record of_format(const made_history& h, uint32_t format) {
  record r;
  r.format = format;
  r.body = h.next();
  return r;
}

decision_folded folded(uint32_t node, log_offset at) {
  return {node, shard_id{0}, at, std::nullopt};
}

} // namespace

TEST_CASE("full_stores_stop: says why and stops") {
  made_history h{full_stores_stop};
  h.happen(store_refused{1, shard_id{0}, "the disk is full"});
  SECTION("and goes on when it was started again") {
    h.happen(written(2));
    h.happen(node_failed{1, "the disk is full"});
    h.happen(written(1));
    CHECK(h.end() == "");
  }
  SECTION("one that goes on is told") {
    h.happen(written(1));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that goes on to send is told") {
    h.happen(dispatch_sent{1, std::make_shared<const dispatch>()});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("another reason is told") {
    h.happen(node_failed{1, "it rains"});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("newer_formats_refused: stops at what it cannot read") {
  made_history h{newer_formats_refused};
  h.happen(node_started{0, 1}).happen(node_started{1, 2});
  h.decide({runnable(1)});
  auto before = h.last_offset();
  SECTION("one that is of that version goes on") {
    h.append(of_format(h, 2));
    h.happen(folded(0, before)).happen(folded(1, h.last_offset()));
    h.happen(node_failed{0, "written by a newer version"});
    CHECK(h.end() == "");
  }
  SECTION("one that folds it is told") {
    h.append(of_format(h, 2));
    h.happen(folded(0, h.last_offset()));
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that stops without need is told") {
    h.happen(node_failed{0, "written by a newer version"});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one of the newer version that stops is told") {
    h.append(of_format(h, 2));
    h.happen(node_failed{1, "written by a newer version"});
    CHECK_FALSE(h.found().empty());
  }
}

TEST_CASE("attempts_leave_nothing: all is gone when they have ended") {
  made_history h{attempts_leave_nothing};
  h.start(attempt(1), 7).happen(child_started{8, 0, attempt(1)});
  h.exit(attempt(1), 7);
  SECTION("as it must") {
    h.happen(child_ended{8, attempt(1)});
    h.decide({finished(attempt(1), after_attempt::succeed)});
    CHECK(h.end() == "");
  }
  SECTION("an end that comes too early is told") {
    h.decide({finished(attempt(1), after_attempt::succeed)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("what never goes is told") {
    CHECK_FALSE(h.end().empty());
  }
}

} // namespace berth::sim
