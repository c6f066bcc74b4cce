// The faults that later tests rely on are really done.
#include "tests/support/faulty_log.hpp"

#include "storage/memory_log.hpp"
#include "tests/unit/storage/log_fixture.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

constexpr shard_id first{0};
constexpr shard_id second{1};

/// A faulty log on a memory log in manual mode, and the answers it gave.
struct faulty_fixture {
  memory_log behind{memory_log_mode::manual, {.partitions = 2}};
  std::vector<std::string> answers;
  faulty_log log{behind};

  void append(shard_id partition, const std::string& bytes) {
    log.append(partition, bytes,
               [this, bytes](append_outcome outcome, storage_error error) {
                 auto failed = outcome != append_outcome::appended;
                 CHECK(failed == !error.message.empty());
                 answers.push_back(
                     bytes
                     + (outcome == append_outcome::appended  ? " appended"
                        : outcome == append_outcome::refused ? " refused"
                                                             : " unknown"));
               });
    behind.deliver();
  }

  std::vector<std::string> content(shard_id partition = first) {
    return bytes_of(behind.records(partition));
  }
};

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("without a plan a faulty log appends as the one behind it",
          "[faulty_log]") {
  faulty_fixture f;
  f.append(first, "a");
  f.append(second, "b");
  CHECK(f.answers == texts{"a appended", "b appended"});
  CHECK(f.content(first) == texts{"a"});
  CHECK(f.content(second) == texts{"b"});
  CHECK(f.log.held() == 0);
  CHECK_FALSE(f.log.release_one());
}

TEST_CASE("a refused and a lost append are not in the log", "[faulty_log]") {
  faulty_fixture f;
  f.log.plan(first, {append_fault::refused});
  f.log.plan(first, {append_fault::unknown_and_lost});
  f.append(second, "not planned");
  f.append(first, "a");
  f.append(first, "b");
  f.append(first, "c");
  CHECK(
      f.answers
      == texts{"not planned appended", "a refused", "b unknown", "c appended"});
  CHECK(f.content() == texts{"c"});
  CHECK(f.log.done(append_fault::refused) == 1);
  CHECK(f.log.done(append_fault::unknown_and_lost) == 1);
}

TEST_CASE("an append of unknown outcome can be in the log, now or later",
          "[faulty_log]") {
  faulty_fixture f;
  f.log.plan(first, {append_fault::unknown_and_kept});
  f.log.plan(first, {append_fault::unknown_and_late});
  f.append(first, "kept");
  f.append(first, "late");
  f.append(first, "next");
  CHECK(f.answers == texts{"kept unknown", "late unknown", "next appended"});
  CHECK(f.content() == texts{"kept", "next"});
  CHECK(f.log.held() == 1);
  f.log.release();
  f.behind.deliver();
  CHECK(f.content() == texts{"kept", "next", "late"});
  CHECK(f.answers.size() == 3);
  CHECK(f.log.held() == 0);
}

TEST_CASE("a late answer comes after the record was read back",
          "[faulty_log]") {
  faulty_fixture f;
  std::vector<std::string> seen;
  f.log.plan(first, {append_fault::late_answer});
  f.append(first, "a");
  CHECK(f.answers.empty());
  CHECK(f.content() == texts{"a"});
  auto reading = f.log.read(
      first, 0,
      [&](std::vector<log_record> records) {
        CHECK(f.answers.empty());
        seen = bytes_of(records);
      },
      [](storage_error) {});
  f.behind.deliver();
  CHECK(seen == texts{"a"});
  CHECK(f.answers == texts{"a appended"});
}

TEST_CASE("a late answer can be released without a reading", "[faulty_log]") {
  faulty_fixture f;
  f.log.plan(first, {append_fault::late_answer});
  f.append(first, "a");
  REQUIRE(f.answers.empty());
  CHECK(f.log.release_one());
  CHECK(f.answers == texts{"a appended"});
  CHECK_FALSE(f.log.release_one());
}

TEST_CASE("a slow append holds up its partition and keeps the order",
          "[faulty_log]") {
  faulty_fixture f;
  f.log.plan(first, {append_fault::slow});
  f.log.plan(first, {append_fault::none});
  f.log.plan(first, {append_fault::slow});
  for (const auto* bytes : {"a", "b", "c", "d"})
    f.append(first, bytes);
  f.append(second, "elsewhere");
  CHECK(f.answers == texts{"elsewhere appended"});
  CHECK(f.log.held() == 4);
  CHECK(f.log.release_one(1));
  f.behind.deliver();
  CHECK(f.content() == texts{"a", "b"});
  f.log.release();
  f.behind.deliver();
  CHECK(f.content() == texts{"a", "b", "c", "d"});
  CHECK(f.answers.size() == 5);
}

TEST_CASE("somebody else's records come right before", "[faulty_log]") {
  faulty_fixture f;
  f.log.plan(first, {append_fault::none, {"theirs", "theirs too"}});
  f.append(first, "ours");
  CHECK(f.content() == texts{"theirs", "theirs too", "ours"});
  CHECK(f.answers == texts{"ours appended"});
}

TEST_CASE("an append can be in the log twice and is answered once",
          "[faulty_log]") {
  faulty_fixture f;
  f.log.plan(first, {append_fault::twice});
  f.append(first, "a");
  CHECK(f.content() == texts{"a", "a"});
  CHECK(f.answers == texts{"a appended"});
}

TEST_CASE("destroying a faulty log answers what it held", "[faulty_log]") {
  memory_log behind{memory_log_mode::manual};
  int unknown = 0;
  {
    faulty_log log{behind};
    log.plan(first, {append_fault::slow});
    log.plan(first, {append_fault::none});
    for (int i = 0; i < 2; ++i)
      log.append(first, "x", [&](append_outcome outcome, storage_error) {
        unknown += outcome == append_outcome::unknown ? 1 : 0;
      });
  }
  behind.deliver();
  CHECK(unknown == 2);
  CHECK(behind.records(first).empty());
}

TEST_CASE("the same seed gives the same faults", "[faulty_log]") {
  auto run = [](uint64_t seed) {
    faulty_fixture f;
    random_faults faults{.seed = seed};
    for (auto& share : faults.per_mille)
      share = 100;
    faults.intruded_per_mille = 100;
    faults.intruder = [](shard_id, std::string_view bytes) {
      return "not " + std::string{bytes};
    };
    f.log.fail_at_random(faults);
    for (int i = 0; i < 500; ++i) {
      f.append(first, std::to_string(i));
      if (i % 7 == 0)
        f.log.release_one(static_cast<size_t>(i));
    }
    for (size_t i = 1; i < append_fault_count; ++i)
      CHECK(f.log.done(static_cast<append_fault>(i)) > 10);
    f.log.heal();
    f.log.release();
    f.behind.deliver();
    f.append(first, "healed");
    CHECK(f.answers.size() == 501);
    CHECK(f.content().back() == "healed");
    return std::pair{f.answers, f.content()};
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}
