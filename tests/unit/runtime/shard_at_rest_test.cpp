// A shard that its node does not follow: what rests, what it keeps, and how it
// comes back.
#include "runtime/shard_driver.hpp"

#include "tests/unit/runtime/driven_shard.hpp"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::test;

namespace {

/// An owner, and another node that follows or does not.
struct world {
  world() {
    log.deliver();
    other.driver().set_candidate(false);
    other.driver().set_followed(true);
    log.deliver();
    REQUIRE(owner.machine().role() == shard_role::owner);
    owner.call(catalog_call{test_caller(), environment_of("e", 4000)});
    owner.call(catalog_call{test_caller(), queue_of("q", 1, {"e"})});
  }
  void submit(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i)
      owner.call(submission(owner.machine().state(), "q", ++jobs, small_job()));
  }
  bool agree() const {
    return owner.machine().state().hash() == other.machine().state().hash();
  }

  memory_log log{memory_log_mode::manual};
  std::shared_ptr<memory_store> rows = std::make_shared<memory_store>();
  driven_shard owner{log, std::make_shared<memory_store>(), "owner"};
  driven_shard other{log, rows, "other", false};
  uint64_t jobs = 0;
};

} // namespace

TEST_CASE("a shard that is not followed is not read") {
  memory_log log{memory_log_mode::manual};
  driven_shard d{log, std::make_shared<memory_store>(), "n", false};
  log.deliver();
  CHECK(d.driver().is_at_rest());
  CHECK(d.driver().machine() == nullptr);
  CHECK(d.rests == 1);
  CHECK(d.reads_from.empty());
}

TEST_CASE(
    "a follower that is let go of reads nothing more and keeps its rows") {
  world w;
  w.submit(5);
  w.other.driver().set_followed(false);
  CHECK(w.other.driver().machine() == nullptr);
  CHECK_FALSE(w.other.reads());
  // Once at the start, too.
  CHECK(w.other.rests == 2);
  w.other.driver().set_followed(false);
  CHECK(w.other.rests == 2);
  // What it had folded is written, so that it need not be folded again.
  CHECK(w.other.finish_writes() == 1);
  CHECK(w.rows->last_checkpoint()->folded_offset
        == w.owner.machine().folded_offset());
  w.submit(5);
  CHECK(w.other.reads_from.size() == 1);
}

TEST_CASE("a shard that is followed again is folded on from its rows") {
  world w;
  w.submit(5);
  w.other.driver().set_followed(false);
  REQUIRE(w.other.finish_writes() == 1);
  w.submit(5);
  auto before = w.other.reads_from.size();
  w.other.driver().set_followed(true);
  w.log.deliver();
  CHECK(w.agree());
  CHECK(w.other.machine().role() == shard_role::follower);
  // The claim of its rows, then on behind them.
  REQUIRE(w.other.reads_from.size() == before + 2);
  CHECK(w.other.reads_from[before] == w.other.machine().claim_offset());
  CHECK(w.other.reads_from.back() == w.rows->last_checkpoint()->through + 1);
}

TEST_CASE("a shard followed again while its rows are written waits for them") {
  world w;
  w.submit(5);
  w.other.driver().set_followed(false);
  SECTION("and is then followed") {
    w.other.driver().set_followed(true);
    CHECK(w.other.driver().machine() == nullptr);
    REQUIRE(w.other.finish_writes() == 1);
    w.log.deliver();
    CHECK(w.agree());
  }
  SECTION("or rests after all") {
    w.other.driver().set_followed(true);
    w.other.driver().set_followed(false);
    REQUIRE(w.other.finish_writes() == 1);
    w.log.deliver();
    CHECK(w.other.driver().is_at_rest());
    CHECK_FALSE(w.other.reads());
  }
}

TEST_CASE("an owner that should not follow any more goes on until another one "
          "claims") {
  world w;
  w.submit(5);
  w.owner.driver().set_candidate(false);
  w.owner.driver().set_followed(false);
  w.submit(1);
  CHECK(w.owner.machine().role() == shard_role::owner);
  w.other.driver().set_candidate(true);
  w.log.deliver();
  CHECK(w.other.machine().role() == shard_role::owner);
  CHECK(w.owner.driver().is_at_rest());
  CHECK(w.owner.rests == 1);
  CHECK(w.other.machine().state().jobs().live_count() == 6);
}

TEST_CASE("an owner fenced with a decision in flight rests at once") {
  world w;
  w.other.driver().set_candidate(true);
  w.owner.driver().set_candidate(false);
  w.owner.driver().set_followed(false);
  // Decided by one that does not know of the claim before it.
  w.owner.driver().on_calls(
      {{99, submission(w.owner.machine().state(), "q", 1, small_job())}});
  w.log.deliver();
  w.owner.driver().on_restart();
  CHECK(w.owner.driver().is_at_rest());
  CHECK(w.other.machine().role() == shard_role::owner);
}

TEST_CASE("a candidate follows, and owns once it has folded all") {
  world w;
  w.submit(5);
  w.other.driver().set_followed(false);
  REQUIRE(w.other.finish_writes() == 1);
  w.submit(5);
  auto hash = w.owner.machine().state().hash();
  w.other.driver().set_candidate(true);
  w.log.deliver();
  CHECK(w.other.driver().is_followed());
  CHECK(w.other.machine().role() == shard_role::owner);
  CHECK(w.other.machine().state().hash() == hash);
}

TEST_CASE("calls for a shard at rest are turned away") {
  world w;
  w.other.driver().set_followed(false);
  auto answer = w.other.call(barrier_call{});
  REQUIRE(std::holds_alternative<api_error>(answer));
  CHECK(std::get<api_error>(answer).code == api_errc::unavailable);
  CHECK_FALSE(w.other.driver().on_submissions("s", -1, {}).owns);
}

TEST_CASE("who looks at a shard at rest sees nothing, at once and once") {
  world w;
  int looks = 0;
  auto never_content = [&](const shard* m) {
    ++looks;
    return m != nullptr && false;
  };
  w.other.driver().set_followed(false);
  w.other.driver().inspect(never_content);
  CHECK(looks == 1);
  w.other.finish_writes();
  w.other.driver().set_followed(true);
  w.log.deliver();
  CHECK(looks == 1);
  // Also who has waited since before it came to rest.
  w.other.driver().inspect(never_content);
  CHECK(looks == 2);
  w.other.driver().set_followed(false);
  CHECK(looks == 3);
}
