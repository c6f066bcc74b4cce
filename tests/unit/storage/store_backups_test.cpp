#include "storage/store_backups.hpp"

#include "storage/rocksdb_store.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fstream>

using namespace berth;
namespace fs = std::filesystem;

namespace {

const std::string cluster = "0c4e8b8e-0000-4000-8000-000000000001";
const shard_id s3{3};

checkpoint checkpoint_at(log_offset offset, const std::string& id = cluster) {
  checkpoint at;
  at.cluster_id = id;
  at.folded_offset = offset;
  return at;
}

std::unique_ptr<store> must_open(const fs::path& folder) {
  auto [opened, error] = open_rocksdb_store({.folder = folder});
  INFO(error.message);
  REQUIRE(opened);
  return std::move(opened);
}

/// Where nodes share copies, and stores of nodes.
struct shared_folder {
  temporary_folder parent;

  store_backup_place place(const std::string& node) const {
    return {parent.path() / "shared", cluster, node};
  }
  fs::path store_of(const std::string& node) const {
    return parent.path() / node;
  }
  /// The node's store at this offset, with one row, and a copy of it.
  void back_up(const std::string& node, log_offset offset,
               const std::string& id = cluster) {
    auto store = must_open(store_of(node));
    row_batch rows{{"row", node + " " + std::to_string(offset)}};
    REQUIRE_FALSE(store->write(rows, checkpoint_at(offset, id)));
    auto error = store->back_up(place(node).folder_of(s3));
    INFO(error.message);
    REQUIRE_FALSE(error);
  }
  std::optional<log_offset> newest(shard_id shard = s3) const {
    auto found = newest_backup(place("any"), shard);
    return found ? std::optional(found->at.folded_offset) : std::nullopt;
  }
};

} // namespace

TEST_CASE("a copied store is restored with its rows and its checkpoint") {
  shared_folder shared;
  shared.back_up("n1", 10);
  shared.back_up("n1", 20);
  auto found = newest_backup(shared.place("n2"), s3);
  REQUIRE(found);
  CHECK(found->at.folded_offset == 20);
  REQUIRE_FALSE(restore_backup(*found, shared.store_of("n2")));
  auto restored = must_open(shared.store_of("n2"));
  CHECK(restored->last_checkpoint() == checkpoint_at(20));
  CHECK(restored->get("row") == "n1 20");
  row_batch more{{"another", "row"}};
  CHECK_FALSE(restored->write(more, checkpoint_at(21)));
}

TEST_CASE(
    "of several nodes' copies the one farthest in the log is the newest") {
  shared_folder shared;
  CHECK_FALSE(shared.newest());
  shared.back_up("n2", 30);
  shared.back_up("n1", 20);
  CHECK(shared.newest() == 30);
  CHECK_FALSE(shared.newest(shard_id{4}));
}

TEST_CASE("copies of another cluster are passed over") {
  shared_folder shared;
  shared.back_up("n1", 20);
  shared.back_up("n2", 30, "0c4e8b8e-0000-4000-8000-000000000002");
  CHECK(shared.newest() == 20);
}

TEST_CASE("two copies of each node are kept") {
  shared_folder shared;
  for (log_offset offset = 1; offset <= 5; ++offset)
    shared.back_up("n1", offset);
  size_t kept = 0;
  for ([[maybe_unused]] const auto& one :
       fs::directory_iterator{shared.place("n1").folder_of(s3) / "meta"})
    ++kept;
  CHECK(kept == 2);
  CHECK(shared.newest() == 5);
}

TEST_CASE("a damaged copy is passed over, or leaves nothing behind") {
  shared_folder shared;
  shared.back_up("n1", 20);
  auto folder = shared.place("n1").folder_of(s3);
  auto found = newest_backup(shared.place("n2"), s3);
  REQUIRE(found);
  SECTION("a file of it is damaged") {
    for (const auto& one : fs::recursive_directory_iterator{folder})
      if (one.path().extension() == ".sst")
        std::ofstream{one.path(), std::ios::app} << "more";
    auto error = restore_backup(*found, shared.store_of("n2"));
    CHECK(error.code == storage_errc::diverged);
    CHECK_FALSE(fs::exists(shared.store_of("n2")));
  }
  SECTION("what describes it is gone") {
    fs::remove_all(folder / "meta");
    CHECK_FALSE(shared.newest());
    CHECK(restore_backup(*found, shared.store_of("n2")));
  }
}

TEST_CASE("a store without a checkpoint makes no copy") {
  shared_folder shared;
  auto store = must_open(shared.store_of("n1"));
  CHECK_FALSE(store->back_up(shared.place("n1").folder_of(s3)));
  CHECK_FALSE(shared.newest());
}
