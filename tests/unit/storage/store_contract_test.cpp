// What every store promises, asked of each implementation.
#include "storage/memory_store.hpp"
#include "storage/rocksdb_store.hpp"
#include "tests/support/temporary_folder.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <thread>

using namespace berth;

namespace {

class store_fixture {
public:
  explicit store_fixture(const std::string& name) {
    if (name == "memory store")
      store_ = std::make_unique<memory_store>();
    else
      open();
  }
  ~store_fixture() { store_.reset(); }
  store_fixture(const store_fixture&) = delete;
  store_fixture& operator=(const store_fixture&) = delete;

  store& subject() { return *store_; }

  void open() {
    store_.reset();
    auto [opened, error] =
        open_rocksdb_store({.folder = folder_.path() / "store"});
    INFO(error.message);
    REQUIRE(opened);
    store_ = std::move(opened);
  }

private:
  temporary_folder folder_;
  std::unique_ptr<store> store_;
};

std::vector<std::string> all_stores() {
  return {"memory store", "rocksdb store"};
}

checkpoint checkpoint_at(log_offset offset) {
  checkpoint at;
  at.cluster_id = "c";
  at.folded_offset = offset;
  at.at_epoch = epoch{3};
  at.seq = static_cast<uint64_t>(offset) + 7;
  at.through = offset - 1;
  at.nonce = std::string("\0n", 2);
  at.at_ms = 1234567890123;
  at.cursors["submissions"] = 42;
  return at;
}

void write(store_fixture& fixture, const row_batch& rows,
           log_offset offset = 1) {
  auto error = fixture.subject().write(rows, checkpoint_at(offset));
  INFO(error.message);
  REQUIRE_FALSE(error);
}

std::vector<std::string> keys_of(const std::vector<row>& rows) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : rows)
    keys.push_back(key);
  return keys;
}

const std::string after_all(64, '\xff');

} // namespace

TEST_CASE("a new store is empty", "[store]") {
  store_fixture fixture{GENERATE(from_range(all_stores()))};
  CHECK_FALSE(fixture.subject().last_checkpoint());
  CHECK_FALSE(fixture.subject().get("a"));
  CHECK_FALSE(fixture.subject().get(""));
  CHECK(fixture.subject().scan("", after_all, 10).empty());
  CHECK(fixture.subject().scan_back("", after_all, 10).empty());
}

TEST_CASE("a store gives back the rows and the checkpoint written last",
          "[store]") {
  store_fixture fixture{GENERATE(from_range(all_stores()))};
  write(fixture, {{"a", "1"}, {"b", "2"}, {"c", "3"}}, 10);
  CHECK(fixture.subject().last_checkpoint() == checkpoint_at(10));
  write(fixture, {{"a", std::nullopt}, {"b", "two"}, {"d", "4"}}, 20);
  CHECK(fixture.subject().last_checkpoint() == checkpoint_at(20));
  CHECK_FALSE(fixture.subject().get("a"));
  CHECK(fixture.subject().get("b") == "two");
  CHECK(fixture.subject().get("c") == "3");
  CHECK(fixture.subject().get("d") == "4");
  CHECK(fixture.subject().scan("", after_all, 10)
        == std::vector<row>{{"b", "two"}, {"c", "3"}, {"d", "4"}});
}

TEST_CASE("many rows asked for at once are those asked for one by one",
          "[store]") {
  store_fixture fixture{GENERATE(from_range(all_stores()))};
  write(fixture, {{"a", "1"}, {"b", "2"}, {"", "none"}}, 1);
  write(fixture, {{"b", std::nullopt}, {"c", "3"}}, 2);
  CHECK(fixture.subject().get_each({}).empty());
  std::vector<std::string> keys{"c", "b", "a", "x", "", "c"};
  auto found = fixture.subject().get_each(keys);
  REQUIRE(found.size() == keys.size());
  for (size_t i = 0; i < keys.size(); ++i)
    CHECK(found[i] == fixture.subject().get(keys[i]));
}

TEST_CASE("a write without rows moves the checkpoint", "[store]") {
  store_fixture fixture{GENERATE(from_range(all_stores()))};
  write(fixture, {{"a", "1"}}, 1);
  write(fixture, {}, 2);
  CHECK(fixture.subject().last_checkpoint() == checkpoint_at(2));
  CHECK(fixture.subject().get("a") == "1");
}

TEST_CASE("any bytes may be key and value", "[store]") {
  store_fixture fixture{GENERATE(from_range(all_stores()))};
  row_batch rows;
  rows[""] = "the empty key";
  rows["empty value"] = "";
  rows["large"] = std::string(3 * 1024 * 1024, 'L');
  for (int i = 0; i < 256; ++i)
    rows[std::string(1, static_cast<char>(i)) + std::string("\0\xff", 2)] =
        std::string(1, static_cast<char>(i));
  write(fixture, rows);
  for (const auto& [key, value] : rows)
    REQUIRE(fixture.subject().get(key) == value);
  std::vector<row> expected;
  for (const auto& [key, value] : rows)
    expected.emplace_back(key, *value);
  CHECK(fixture.subject().scan("", after_all, 1000) == expected);
  std::reverse(expected.begin(), expected.end());
  CHECK(fixture.subject().scan_back("", after_all, 1000) == expected);
}

TEST_CASE("a scan has its lower bound and not its upper one", "[store]") {
  store_fixture fixture{GENERATE(from_range(all_stores()))};
  write(fixture, {{"a", ""}, {"b", ""}, {"b1", ""}, {"c", ""}, {"d", ""}});
  auto& store = fixture.subject();
  using keys = std::vector<std::string>;
  CHECK(keys_of(store.scan("b", "d", 10)) == keys{"b", "b1", "c"});
  CHECK(keys_of(store.scan_back("b", "d", 10)) == keys{"c", "b1", "b"});
  CHECK(keys_of(store.scan("aa", "b0", 10)) == keys{"b"});
  CHECK(keys_of(store.scan_back("aa", "b0", 10)) == keys{"b"});
  CHECK(keys_of(store.scan("b", "d", 2)) == keys{"b", "b1"});
  CHECK(keys_of(store.scan_back("b", "d", 2)) == keys{"c", "b1"});
  CHECK(store.scan("b", "d", 0).empty());
  CHECK(store.scan_back("b", "d", 0).empty());
  CHECK(store.scan("d", "b", 10).empty());
  CHECK(store.scan_back("d", "b", 10).empty());
  CHECK(store.scan("b", "b", 10).empty());
  CHECK(store.scan("e", "z", 10).empty());
  CHECK(store.scan_back("", "a", 10).empty());
  CHECK(store.scan("", "", 10).empty());
}

TEST_CASE("a store holds what a map would hold", "[store]") {
  store_fixture fixture{GENERATE(from_range(all_stores()))};
  std::mt19937 random{4711};
  auto random_key = [&random] {
    std::string key(random() % 4, ' ');
    for (auto& c : key)
      c = static_cast<char>(random() % 5 * 63);
    return key;
  };
  std::map<std::string, std::string> expected;
  for (log_offset round = 0; round < 60; ++round) {
    row_batch rows;
    for (auto n = random() % 30; n > 0; --n) {
      auto key = random_key();
      if (random() % 3 == 0) {
        rows[key] = std::nullopt;
        expected.erase(key);
      } else {
        rows[key] = std::to_string(random());
        expected[key] = *rows[key];
      }
    }
    write(fixture, rows, round);
    auto from = random_key();
    auto to = random_key();
    size_t limit = random() % 20;
    std::vector<row> range;
    if (from < to)
      range.assign(expected.lower_bound(from), expected.lower_bound(to));
    auto upward = range;
    upward.resize(std::min(limit, range.size()));
    REQUIRE(fixture.subject().scan(from, to, limit) == upward);
    std::reverse(range.begin(), range.end());
    range.resize(std::min(limit, range.size()));
    REQUIRE(fixture.subject().scan_back(from, to, limit) == range);
  }
}

TEST_CASE("reads run while another thread writes", "[store]") {
  store_fixture fixture{GENERATE(from_range(all_stores()))};
  write(fixture, {{"counter", "0"}, {"mirror", "0"}}, 0);
  std::atomic<bool> done{false};
  std::thread writer{[&] {
    for (log_offset i = 1; i <= 100; ++i) {
      auto text = std::to_string(i);
      if (fixture.subject().write({{"counter", text}, {"mirror", text}},
                                  checkpoint_at(i)))
        break;
    }
    done = true;
  }};
  size_t torn = 0;
  do {
    auto rows = fixture.subject().scan("", after_all, 10);
    if (rows.size() != 2 || rows[0].second != rows[1].second)
      ++torn;
  } while (!done);
  writer.join();
  CHECK(torn == 0);
  CHECK(fixture.subject().get("counter") == "100");
}

TEST_CASE("a store that is opened again has everything", "[store]") {
  store_fixture fixture{"rocksdb store"};
  std::map<std::string, std::string> expected;
  for (log_offset round = 0; round < 12; ++round) {
    row_batch rows;
    for (int i = 0; i < 500; ++i) {
      auto key = "row " + std::to_string(i * 7919 % 1000 + 100 * round);
      rows[key] = std::to_string(round);
      expected[key] = std::to_string(round);
    }
    write(fixture, rows, round);
    if (round % 3 == 0)
      fixture.open();
    CHECK(fixture.subject().last_checkpoint() == checkpoint_at(round));
  }
  fixture.open();
  CHECK(fixture.subject().scan("", after_all, 1'000'000)
        == std::vector<row>(expected.begin(), expected.end()));
}
