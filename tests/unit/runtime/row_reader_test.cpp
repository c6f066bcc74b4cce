// What a shard machine is given to read: the newest of what it will write, of
// what is being written, and of what the store has.
#include "runtime/row_reader.hpp"

#include "storage/memory_store.hpp"
#include "tests/support/shard_fixture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <rapidcheck.h>
#include <rapidcheck/catch.h>

using namespace berth;
using namespace berth::test;

namespace {

using texts = std::map<std::string, std::string>;

struct reader_of_rows {
  reader_of_rows() { fixture.own("nonce"); }

  void in_store(const texts& rows) {
    row_batch batch;
    for (const auto& [key, bytes] : rows)
      batch[key] = bytes;
    REQUIRE_FALSE(kept->write(batch, checkpoint{}));
  }
  void flushing(row_batch rows) {
    reader.set_flushing(std::make_shared<const row_batch>(std::move(rows)));
  }

  std::optional<std::string> get(const std::string& key) const {
    return reader.get_each(fixture.machine(), {key}).front();
  }
  /// What is fetched of a range; every row of it is there.
  texts range(row_range wanted) const {
    needed_rows needs;
    needs.ranges.push_back(std::move(wanted));
    texts found;
    for (const auto& [key, bytes] : reader.fetch(fixture.machine(), needs)) {
      REQUIRE(bytes);
      found[key] = *bytes;
    }
    return found;
  }

  mutable shard_fixture fixture{std::make_shared<partition>()};
  std::shared_ptr<memory_store> kept = std::make_shared<memory_store>();
  row_reader reader{kept};
};

} // namespace

TEST_CASE("a row is read from the store") {
  reader_of_rows r;
  r.in_store({{"a", "1"}});
  CHECK(r.get("a") == "1");
  CHECK_FALSE(r.get("b"));
}

TEST_CASE("what is being written hides what the store has") {
  reader_of_rows r;
  r.in_store({{"a", "1"}, {"b", "1"}, {"c", "1"}});
  r.flushing({{"a", "2"}, {"b", std::nullopt}});
  CHECK(r.get("a") == "2");
  CHECK_FALSE(r.get("b"));
  CHECK(r.get("c") == "1");
  CHECK(r.reader.get_each(r.fixture.machine(), {"c", "b", "a", "x"})
        == std::vector<std::optional<std::string>>{"1", std::nullopt, "2",
                                                   std::nullopt});
  r.reader.set_flushing(nullptr);
  CHECK(r.get("b") == "1");
}

TEST_CASE("rows of jobs that the machine will write hide what is being "
          "written") {
  reader_of_rows r;
  reader_of_rows twin;
  for (auto* fixture : {&r.fixture, &twin.fixture}) {
    fixture->call(catalog_call{test_caller(), environment_of("e", 2)});
    fixture->call(catalog_call{test_caller(), queue_of("q", 1, {"e"})});
    fixture->call(submission(fixture->state(), "q", 1));
  }
  // What the twin's checkpoint writes has another value everywhere else.
  auto cut = twin.fixture.machine().cut_checkpoint();
  REQUIRE(cut);
  row_batch stale;
  for (const auto& [key, bytes] : cut->rows)
    stale[key] = "stale";
  r.flushing(stale);
  size_t of_jobs = 0;
  for (const auto& [key, bytes] : cut->rows) {
    auto pending = r.fixture.machine().pending_row(key);
    of_jobs += pending ? 1 : 0;
    CHECK(r.get(key)
          == (pending ? bytes : std::optional<std::string>{"stale"}));
  }
  CHECK(of_jobs > 0);
}

TEST_CASE("keys that are nowhere are fetched as nothing") {
  reader_of_rows r;
  r.in_store({{"a", "1"}});
  needed_rows needs;
  needs.keys = {"a", "b"};
  auto rows = r.reader.fetch(r.fixture.machine(), needs);
  REQUIRE(rows.size() == 2);
  CHECK(rows.at("a") == "1");
  CHECK_FALSE(rows.at("b"));
}

TEST_CASE("a range merges the store with what is being written") {
  reader_of_rows r;
  r.in_store({{"a", "1"}, {"b", "1"}, {"d", "1"}, {"e", "1"}});
  r.flushing({{"b", std::nullopt}, {"c", "2"}, {"d", "2"}, {"f", "2"}});
  CHECK(r.range({"a", "f", 10, false})
        == texts{{"a", "1"}, {"c", "2"}, {"d", "2"}, {"e", "1"}});
  CHECK(r.range({"a", "f", 2, false}) == texts{{"a", "1"}, {"c", "2"}});
  CHECK(r.range({"a", "f", 2, true}) == texts{{"d", "2"}, {"e", "1"}});
  CHECK(r.range({"b", "c", 10, false}).empty());
}

TEST_CASE("a limit counts rows that are there, not those being deleted") {
  reader_of_rows r;
  r.in_store({{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}});
  r.flushing({{"a", std::nullopt}, {"b", std::nullopt}});
  CHECK(r.range({"a", "z", 2, false}) == texts{{"c", "1"}, {"d", "1"}});
  CHECK(r.range({"a", "z", SIZE_MAX, false}).size() == 2);
}

TEST_CASE("a range is what one store with everything written would give") {
  rc::prop("whatever is written, and whatever is asked", [] {
    auto keys = [] {
      return *rc::gen::container<std::vector<std::string>>(
          rc::gen::map(rc::gen::inRange(0, 20), [](int n) {
            return std::string(1, static_cast<char>('a' + n));
          }));
    };
    reader_of_rows r;
    texts all;
    for (const auto& key : keys())
      all[key] = "stored";
    r.in_store(all);
    row_batch batch;
    for (const auto& key : keys()) {
      auto is_deleted = *rc::gen::arbitrary<bool>();
      batch[key] = is_deleted ? std::nullopt : std::optional{"flushed"};
      if (is_deleted)
        all.erase(key);
      else
        all[key] = "flushed";
    }
    r.flushing(batch);
    row_range wanted{"c", "q", *rc::gen::inRange<size_t>(0, 25),
                     *rc::gen::arbitrary<bool>()};
    std::vector<row> expected{all.lower_bound("c"), all.lower_bound("q")};
    if (wanted.backwards)
      std::reverse(expected.begin(), expected.end());
    if (expected.size() > wanted.limit)
      expected.resize(wanted.limit);
    RC_ASSERT(r.range(wanted) == texts(expected.begin(), expected.end()));
  });
}
