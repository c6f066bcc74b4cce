// What is particular to the store on disk: damage, and the memory it takes.
#include "storage/rocksdb_store.hpp"

#include "storage/keys.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <rocksdb/db.h>
#include <rocksdb/perf_context.h>
#include <rocksdb/perf_level.h>

#ifdef __SANITIZE_ADDRESS__
// AddressSanitizer's; GCC does not install its header.
extern "C" size_t __sanitizer_get_current_allocated_bytes();
#endif

using namespace berth;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<store> must_open(const rocksdb_store_options& options) {
  auto [opened, error] = open_rocksdb_store(options);
  INFO(error.message);
  REQUIRE(opened);
  return std::move(opened);
}

void must_have_diverged(const fs::path& folder) {
  auto [opened, error] = open_rocksdb_store({.folder = folder});
  REQUIRE_FALSE(opened);
  INFO(error.message);
  CHECK(error.code == storage_errc::diverged);
  CHECK(error.message.find("set aside") != std::string::npos);
}

row_batch many_rows(size_t count, char fill = 'v') {
  row_batch rows;
  for (size_t i = 0; i < count; ++i)
    rows["row " + std::to_string(i)] = std::string(100, fill);
  return rows;
}

/// A closed store with rows in it, and its folder.
struct written_store {
  temporary_folder parent;
  fs::path folder = parent.path() / "store";

  written_store() {
    auto store = must_open({.folder = folder});
    checkpoint at;
    at.folded_offset = 5;
    REQUIRE_FALSE(store->write(many_rows(10'000), at));
  }

  std::vector<fs::path> files(const std::string& words) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator{folder})
      if (entry.path().filename().string().find(words) != std::string::npos)
        found.push_back(entry.path());
    return found;
  }
};

void flip_bytes(const fs::path& file, size_t from, size_t count) {
  std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
  for (size_t at = from; at < from + count; ++at) {
    bytes.seekg(static_cast<std::streamoff>(at));
    auto byte = static_cast<char>(bytes.get());
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(static_cast<char>(byte ^ 0x55));
  }
  REQUIRE(bytes.flush());
}

#ifdef __SANITIZE_ADDRESS__
/// Bytes allocated and not freed. AddressSanitizer keeps what was freed
/// resident for a while, to notice its use.
size_t bytes_in_use() {
  return __sanitizer_get_current_allocated_bytes();
}
#else
/// Bytes of memory that this process has in use.
size_t bytes_in_use() {
  std::ifstream file{"/proc/self/statm"};
  size_t total = 0;
  size_t resident = 0;
  file >> total >> resident;
  return resident * 4096;
}
#endif

} // namespace

TEST_CASE("a store without one of its files has diverged", "[rocksdb_store]") {
  written_store written;
  for (const auto& file :
       written.files(GENERATE("CURRENT", "MANIFEST", ".sst")))
    fs::remove(file);
  must_have_diverged(written.folder);
}

TEST_CASE("a store with a damaged manifest has diverged", "[rocksdb_store]") {
  written_store written;
  auto manifests = written.files("MANIFEST");
  REQUIRE(manifests.size() == 1);
  flip_bytes(manifests[0], fs::file_size(manifests[0]) / 2, 8);
  must_have_diverged(written.folder);
}

TEST_CASE("rows without a checkpoint have diverged", "[rocksdb_store]") {
  written_store written;
  rocksdb::DB* db = nullptr;
  REQUIRE(rocksdb::DB::Open({}, written.folder.string(), &db).ok());
  SECTION("missing") {
    REQUIRE(db->Delete({}, checkpoint_key()).ok());
  }
  SECTION("unreadable") {
    REQUIRE(db->Put({}, checkpoint_key(), "?").ok());
  }
  delete db;
  must_have_diverged(written.folder);
}

TEST_CASE("damage met by a read is told and ends all writing",
          "[rocksdb_store]") {
  written_store written;
  auto tables = written.files(".sst");
  REQUIRE(tables.size() == 1);
  flip_bytes(tables[0], fs::file_size(tables[0]) / 2, 8);
  auto [store, error] = open_rocksdb_store({.folder = written.folder});
  // Found at once or by the first read that comes across it.
  if (!store) {
    CHECK(error.code == storage_errc::diverged);
    return;
  }
  CHECK_FALSE(store->damage());
  auto rows = store->scan("", "\xff", 1'000'000);
  CHECK(rows.size() < 10'000);
  CHECK(store->damage().code == storage_errc::diverged);
  CHECK(store->write({{"a", "b"}}, {}).code == storage_errc::diverged);
}

TEST_CASE("a write that a crash left unfinished is forgotten",
          "[rocksdb_store]") {
  written_store written;
  std::ofstream{written.folder / "unfinished.write"} << "half a file";
  auto store = must_open({.folder = written.folder});
  CHECK(store->last_checkpoint()->folded_offset == 5);
  REQUIRE_FALSE(store->write({{"a", "b"}}, *store->last_checkpoint()));
  CHECK(store->get("a") == "b");
}

TEST_CASE("a store opened for reading only gives all and takes nothing",
          "[rocksdb_store]") {
  written_store written;
  auto before = fs::last_write_time(written.folder);
  {
    auto store = must_open({.folder = written.folder, .read_only = true});
    CHECK(store->last_checkpoint()->folded_offset == 5);
    CHECK(store->scan("", "\xff", 1'000'000).size() == 10'000);
    CHECK(store->write({{"a", "b"}}, {}).code == storage_errc::fatal);
    CHECK_FALSE(store->get("a"));
  }
  CHECK(fs::last_write_time(written.folder) == before);
}

TEST_CASE("many checkpoints do not make many files", "[rocksdb_store]") {
  written_store written;
  auto store = must_open({.folder = written.folder});
  for (log_offset i = 0; i < 300; ++i) {
    checkpoint at;
    at.folded_offset = i;
    REQUIRE_FALSE(store->write(many_rows(20, static_cast<char>(i)), at));
  }
  store.reset();
  CHECK(written.files(".sst").size() < 40);
  store = must_open({.folder = written.folder});
  CHECK(store->last_checkpoint()->folded_offset == 299);
  CHECK(store->get("row 7") == std::string(100, static_cast<char>(299)));
}

TEST_CASE("a store does not keep in memory what it has written",
          "[rocksdb_store]") {
  temporary_folder parent;
  auto store = must_open(
      {.folder = parent.path() / "store", .cache_bytes = 4 * 1024 * 1024});
  auto before = bytes_in_use();
  constexpr size_t rows_written = 200'000;
  for (size_t batch = 0; batch < 10; ++batch) {
    row_batch rows;
    for (size_t i = batch; i < rows_written; i += 10)
      rows["job " + std::to_string(i * 7919)] = std::string(500, 'j');
    REQUIRE_FALSE(store->write(rows, {}));
  }
  auto after = bytes_in_use();
  auto grown = after - std::min(before, after);
  INFO("grown by " << grown << " bytes");
  CHECK(grown < rows_written * 500 / 2);
}

TEST_CASE("looking for a row that is not there reads little, however many "
          "there are and however small the cache") {
  temporary_folder folder;
  auto store = must_open({.folder = folder.path(), .cache_bytes = 64 * 1024});
  REQUIRE_FALSE(store->write(many_rows(100'000), checkpoint{}));
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
  rocksdb::get_perf_context()->Reset();
  constexpr size_t lookups = 1000;
  for (size_t i = 0; i < lookups; ++i)
    CHECK_FALSE(store->get("row " + std::to_string(i) + " x"));
  auto read = rocksdb::get_perf_context()->block_read_byte;
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  // A piece of the filter, of the index, and sometimes the rows.
  CHECK(read / lookups <= 3 * 4096);
}
