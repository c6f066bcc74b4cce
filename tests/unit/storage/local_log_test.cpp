// What is particular to the log on disk: opening it, and its disk.
#include "storage/local_log.hpp"

#include "messages/codec.hpp"
#include "storage/keys.hpp"
#include "storage/log_database.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/storage/log_fixture.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <rocksdb/db.h>
#include <unistd.h>

using namespace berth;
namespace fs = std::filesystem;

namespace {

constexpr shard_id first{0};

std::unique_ptr<berth::log> must_open(const local_log_options& options) {
  auto [opened, error] = open_local_log(options);
  INFO(error.message);
  REQUIRE(opened);
  return std::move(opened);
}

/// Opening must fail, and the message must say `words`.
void must_refuse(const local_log_options& options, const std::string& words) {
  auto [opened, error] = open_local_log(options);
  REQUIRE_FALSE(opened);
  CHECK(error.code == storage_errc::fatal);
  INFO(error.message);
  CHECK(error.message.find(words) != std::string::npos);
}

/// The answer to one append.
answer append_one(berth::log& to, shard_id partition, std::string bytes) {
  collector<answer> answers;
  to.append(partition, std::move(bytes),
            [&](append_outcome outcome, storage_error error) {
              answers.add({outcome, std::move(error)});
            });
  REQUIRE(answers.wait(1));
  return answers.values()[0];
}

/// A closed log with 100 records in partition 0, and its folder.
struct written_log {
  temporary_folder parent;
  local_log_options options{.folder = parent.path() / "log",
                            .partitions = 2,
                            .cluster_id =
                                "11111111-2222-4333-8444-555555555555"};

  written_log() {
    auto log = must_open(options);
    for (int i = 0; i < 100; ++i)
      REQUIRE(append_one(*log, first, std::string(1000, 'x')).outcome
              == append_outcome::appended);
  }
};

log_offset end_of(berth::log& of, shard_id partition) {
  log_offset end = -1;
  of.end_offset(partition, [&](log_offset at, storage_error) { end = at; });
  return end;
}

/// Changes the database behind the log's back.
template <class F>
void tamper(const fs::path& folder, F&& change) {
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open({}, folder.string(), &db);
  INFO(status.ToString());
  REQUIRE(status.ok());
  change(*db);
  delete db;
}

/// Files of a database with this ending.
std::vector<fs::path> files(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator{folder})
    if (entry.path().extension() == ending && fs::file_size(entry.path()) > 0)
      found.push_back(entry.path());
  return found;
}

void flip_byte(const fs::path& file, size_t at) {
  std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
  bytes.seekg(static_cast<std::streamoff>(at));
  auto byte = static_cast<char>(bytes.get());
  bytes.seekp(static_cast<std::streamoff>(at));
  bytes.put(static_cast<char>(byte ^ 0x55));
  REQUIRE(bytes.flush());
}

} // namespace

TEST_CASE("a log has the partitions and the id it was made with",
          "[local_log]") {
  written_log written;
  auto log = must_open({.folder = written.options.folder});
  CHECK(log->partitions() == 2);
  CHECK(log->cluster_id() == written.options.cluster_id);
  CHECK(end_of(*log, first) == 100);
  CHECK(end_of(*log, shard_id{1}) == 0);
}

TEST_CASE("two new logs have different ids", "[local_log]") {
  temporary_folder parent;
  auto one = must_open({.folder = parent.path() / "one"});
  auto two = must_open({.folder = parent.path() / "two"});
  CHECK(one->partitions() == 1);
  CHECK(one->cluster_id() != two->cluster_id());
}

TEST_CASE("another number of partitions is refused", "[local_log]") {
  written_log written;
  auto options = written.options;
  options.partitions = 4;
  must_refuse(options, "has 2 shards");
  must_refuse(options, "4 are asked for");
}

TEST_CASE("a log of another cluster is refused", "[local_log]") {
  written_log written;
  auto options = written.options;
  options.cluster_id = "99999999-2222-4333-8444-555555555555";
  must_refuse(options, "belongs to cluster " + written.options.cluster_id);
}

TEST_CASE("a log that must be there is not made", "[local_log]") {
  temporary_folder parent;
  auto options = local_log_options{.folder = parent.path() / "log"};
  options.create_if_missing = false;
  must_refuse(options, "there is no log in");
  options.create_if_missing = true;
  options.read_only = true;
  must_refuse(options, "there is no log in");
  CHECK(fs::is_empty(parent.path()));
}

TEST_CASE("what a crash left of a log being made is made anew", "[local_log]") {
  temporary_folder parent;
  fs::create_directory(parent.path() / "log.unfinished");
  std::ofstream{parent.path() / "log.unfinished" / "MANIFEST-000001"} << "half";
  auto log = must_open({.folder = parent.path() / "log"});
  CHECK(end_of(*log, first) == 0);
  CHECK_FALSE(fs::exists(parent.path() / "log.unfinished"));
}

TEST_CASE("a log in use is refused", "[local_log]") {
  temporary_folder parent;
  auto options = local_log_options{.folder = parent.path() / "log"};
  auto log = must_open(options);
  must_refuse(options, "in use by another process");
}

TEST_CASE("a log of a newer version is refused", "[local_log]") {
  written_log written;
  tamper(written.options.folder, [](rocksdb::DB& db) {
    log_description newer;
    newer.layout_version = log_layout_version + 1;
    newer.partitions = 2;
    REQUIRE(db.Put({}, log_description_key(), encode(newer)).ok());
  });
  must_refuse(written.options, "written by a newer version");
}

TEST_CASE("a missing description is damage", "[local_log]") {
  written_log written;
  tamper(written.options.folder, [](rocksdb::DB& db) {
    REQUIRE(db.Delete({}, log_description_key()).ok());
  });
  must_refuse(written.options, "is damaged");
}

TEST_CASE("a missing file of the database is damage", "[local_log]") {
  written_log written;
  auto name = GENERATE("CURRENT", "MANIFEST");
  for (const auto& entry : fs::directory_iterator{written.options.folder})
    if (entry.path().filename().string().starts_with(name))
      fs::remove(entry.path());
  auto [opened, error] = open_local_log(written.options);
  REQUIRE_FALSE(opened);
  CHECK(error.code == storage_errc::fatal);
  CHECK_FALSE(error.message.empty());
}

TEST_CASE("damage within the write-ahead log is no crash's torn tail",
          "[local_log]") {
  written_log written;
  auto logs = files(written.options.folder, ".log");
  REQUIRE(logs.size() == 1);
  REQUIRE(fs::file_size(logs[0]) > 100'000);
  flip_byte(logs[0], fs::file_size(logs[0]) / 2);
  must_refuse(written.options, "is damaged");
  must_refuse(written.options, "Restore the data folder");
}

TEST_CASE("a torn tail is cut off and the log goes on", "[local_log]") {
  written_log written;
  auto logs = files(written.options.folder, ".log");
  REQUIRE(logs.size() == 1);
  fs::resize_file(logs[0], fs::file_size(logs[0]) - 10);
  {
    auto log = must_open(written.options);
    CHECK(end_of(*log, first) == 99);
    CHECK(append_one(*log, first, "on").outcome == append_outcome::appended);
  }
  CHECK(end_of(*must_open(written.options), first) == 100);
}

TEST_CASE("a record missing in the middle is fatal for a reading",
          "[local_log]") {
  written_log written;
  tamper(written.options.folder, [](rocksdb::DB& db) {
    REQUIRE(db.Delete({}, to_key(log_record_key{first, 50})).ok());
  });
  auto log = must_open(written.options);
  collector<storage_error> failures;
  std::mutex mutex;
  std::vector<log_record> given;
  auto reading = log->read(
      first, 0,
      [&](std::vector<log_record> records) {
        std::lock_guard lock{mutex};
        given.insert(given.end(), records.begin(), records.end());
      },
      [&](storage_error error) { failures.add(error); });
  REQUIRE(failures.wait(1));
  CHECK(failures.values()[0].code == storage_errc::fatal);
  CHECK(failures.values()[0].message.find("record 50 of partition 0 is missing")
        != std::string::npos);
  CHECK(given.empty());
}

TEST_CASE("a log opened for reading only gives all and takes nothing",
          "[local_log]") {
  written_log written;
  auto before = fs::last_write_time(written.options.folder);
  auto options = written.options;
  options.read_only = true;
  {
    auto log = must_open(options);
    CHECK(end_of(*log, first) == 100);
    auto given = append_one(*log, first, "x");
    CHECK(given.outcome == append_outcome::refused);
    CHECK(given.error.code == storage_errc::fatal);
    CHECK(given.error.message.find("reading only") != std::string::npos);
  }
  CHECK(fs::last_write_time(written.options.folder) == before);
}

TEST_CASE("appends are refused while the disk is nearly full", "[local_log]") {
  temporary_folder parent;
  auto log = must_open(
      {.folder = parent.path() / "log", .free_bytes_min = UINT64_MAX});
  auto given = append_one(*log, first, "x");
  CHECK(given.outcome == append_outcome::refused);
  CHECK(given.error.code == storage_errc::none);
  CHECK(given.error.message.find("nearly full") != std::string::npos);
  CHECK(end_of(*log, first) == 0);
}

TEST_CASE("reading a log much larger than a memory buffer gives all of it",
          "[local_log]") {
  temporary_folder parent;
  auto options =
      local_log_options{.folder = parent.path() / "log", .partitions = 3};
  constexpr size_t count = 60'000;
  auto bytes_at = [](size_t i) {
    return std::to_string(i) + std::string(1000, static_cast<char>(i));
  };
  {
    auto log = must_open(options);
    collector<append_outcome> outcomes;
    for (size_t i = 0; i < count; ++i)
      log->append(shard_id{static_cast<uint32_t>(i % 3)}, bytes_at(i),
                  [&](append_outcome outcome, storage_error) {
                    outcomes.add(outcome);
                  });
    REQUIRE(outcomes.wait(count));
    for (auto outcome : outcomes.values())
      REQUIRE(outcome == append_outcome::appended);
  }
  CHECK(files(options.folder, ".sst").size() > 1);
  auto log = must_open(options);
  for (uint32_t p = 0; p < 3; ++p) {
    collector<bool> ended;
    size_t next = p;
    bool right = true;
    auto reading = log->read(
        shard_id{p}, 0,
        [&](std::vector<log_record> records) {
          for (const auto& record : records) {
            right = right && record.bytes == bytes_at(next)
                    && record.offset == static_cast<log_offset>(next / 3);
            next += 3;
          }
          if (next >= count)
            ended.add(true);
        },
        [](storage_error) {});
    REQUIRE(ended.wait(1));
    CHECK(right);
  }
}
