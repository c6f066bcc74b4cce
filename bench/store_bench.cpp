#include "bench/store_bench.hpp"

#include "actors/stable_hash.hpp"
#include "messages/assert.hpp"
#include "storage/rocksdb_store.hpp"

namespace berth::bench {

namespace {

/// So many files are there at most, whatever their sizes.
constexpr uint64_t checkpoints = 20;
constexpr uint64_t lookups = 100'000;

/// As scattered as job ids are.
std::string key_of(uint64_t number) {
  auto text = std::to_string(number);
  return std::to_string(stable_hash(text)) + "-" + text;
}

double seconds_per_lookup(uint64_t rows, const std::string& folder) {
  auto opened = open_rocksdb_store({folder});
  BERTH_ASSERT(opened.opened, "the bench's folder takes a store");
  auto& store = *opened.opened;
  for (uint64_t i = 0; i < rows;) {
    row_batch batch;
    for (; i < rows && batch.size() < rows / checkpoints; ++i)
      batch[key_of(i)] = std::string(100, 'v');
    auto error = store.write(batch, checkpoint{});
    BERTH_ASSERT(!error, "the bench's store takes rows");
  }
  auto start = wall_seconds();
  for (uint64_t i = 0; i < lookups; ++i)
    BERTH_ASSERT(!store.get(key_of(rows + i)), "the row was never written");
  return (wall_seconds() - start) / lookups;
}

} // namespace

std::vector<measurement> unknown_lookups(uint64_t many, uint64_t few,
                                         const std::string& folder) {
  auto small = seconds_per_lookup(few, folder + "/few") * 1e6;
  auto large = seconds_per_lookup(many, folder + "/many") * 1e6;
  return {{"lookup of an unknown id, " + std::to_string(many) + " rows", large,
           "us", small, std::to_string(few) + " rows", large / small, 10,
           false}};
}

} // namespace berth::bench
