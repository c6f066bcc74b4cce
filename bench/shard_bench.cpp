#include "bench/shard_bench.hpp"

#include "bench/shard_world.hpp"
#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "storage/rocksdb_store.hpp"

namespace berth::bench {

namespace {

constexpr int rounds = 5;
constexpr int64_t agent_vcpus = 64;
/// Calls that a gateway has on the way at a time.
constexpr uint64_t calls_at_once = 1000;

void submit_all(shard_world& world, uint64_t from, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    world.submit(from + i);
    if (i % calls_at_once == calls_at_once - 1)
      world.step();
  }
}

double seconds_to_transcode(const std::vector<std::string>& records) {
  auto start = cpu_seconds();
  size_t bytes = 0;
  for (const auto& r : records) {
    auto decoded = decode<record>(r);
    bytes += encode(*decoded).size();
  }
  BERTH_ASSERT(bytes > 0, "there are records");
  return cpu_seconds() - start;
}

double seconds_to_decode(const std::vector<std::string>& records) {
  auto start = cpu_seconds();
  size_t decoded = 0;
  for (const auto& r : records)
    decoded += decode<record>(r).has_value() ? 1 : 0;
  BERTH_ASSERT(decoded == records.size(), "records are whole");
  return cpu_seconds() - start;
}

std::shared_ptr<store> open_store(const std::string& folder) {
  auto opened = open_rocksdb_store({folder});
  BERTH_ASSERT(opened.opened, "the bench's folder takes a store");
  return std::move(opened.opened);
}

} // namespace

std::vector<measurement> simulated_jobs(uint64_t jobs) {
  std::vector<double> ours;
  std::vector<double> raw;
  for (int round = 0; round < rounds; ++round) {
    shard_world world;
    world.open(agent_vcpus);
    auto start = cpu_seconds();
    submit_all(world, 1, jobs);
    world.run();
    ours.push_back(static_cast<double>(jobs) / (cpu_seconds() - start));
    BERTH_ASSERT(world.ended() == jobs, "every job ended");
    raw.push_back(static_cast<double>(jobs)
                  / seconds_to_transcode(world.records()));
  }
  auto value = median(ours);
  auto limit = median(raw);
  return {{"simulated jobs, submitted to finished", value, "jobs/s", limit,
           "encode+decode of the same bytes", value, 50'000, true},
          {"  ratio to encoding and decoding", value, "jobs/s", limit,
           "encode+decode", value / limit, 0, true}};
}

std::vector<measurement> replay(uint64_t jobs) {
  shard_world world;
  world.open(agent_vcpus);
  submit_all(world, 1, jobs);
  world.run();
  std::vector<double> ours;
  std::vector<double> raw;
  for (int round = 0; round < rounds; ++round) {
    auto machine = shard_world::make_machine();
    auto start = cpu_seconds();
    log_offset offset = 0;
    for (const auto& r : world.records()) {
      machine->on_record(offset++, 1, r);
      machine->take_effects();
    }
    ours.push_back(static_cast<double>(jobs) / (cpu_seconds() - start));
    BERTH_ASSERT(machine->state().hash() == world.machine().state().hash(),
                 "replay gives the live state");
    raw.push_back(static_cast<double>(jobs)
                  / seconds_to_decode(world.records()));
  }
  auto value = median(ours);
  auto limit = median(raw);
  return {{"replay of whole job lives", value, "lives/s", limit,
           "decode of the same bytes", value, 100'000, true},
          {"  ratio to decoding", value, "lives/s", limit, "decode",
           value / limit, 0.3, true}};
}

namespace {

/// Seconds per job in the steady state: each job that ends is replaced.
double steady_cost(shard_world& world, uint64_t& next) {
  constexpr uint64_t batch = 500;
  constexpr int batches = 20;
  auto start = cpu_seconds();
  for (int i = 0; i < batches; ++i) {
    for (uint64_t j = 0; j < batch; ++j)
      world.submit(next++);
    world.finish_jobs(batch);
  }
  return (cpu_seconds() - start) / (batch * batches);
}

struct queued_world {
  std::unique_ptr<shard_world> world;
  uint64_t next = 1;
};

queued_world make_queued(uint64_t count, const std::string& folder) {
  queued_world q;
  q.world = std::make_unique<shard_world>(open_store(folder));
  q.world->keep_records(false);
  q.world->open(agent_vcpus);
  q.world->let_agents_work(false);
  constexpr uint64_t between_checkpoints = 50'000;
  while (q.next <= count) {
    auto some = std::min(between_checkpoints, count - q.next + 1);
    submit_all(*q.world, q.next, some);
    q.next += some;
    q.world->write_checkpoint();
  }
  return q;
}

} // namespace

std::vector<measurement> queued_jobs(uint64_t many, uint64_t few,
                                     const std::string& folder) {
  auto small = make_queued(few, folder + "/few");
  auto before = resident_bytes();
  auto large = make_queued(many, folder + "/many");
  auto after = resident_bytes();
  auto describable = large.world->describe(1) && large.world->describe(many)
                     && large.world->describe(many / 2);
  BERTH_ASSERT(describable, "every queued job can be described");
  // The first machine's own share is there twice; the difference is the jobs'.
  auto per_job =
      static_cast<double>(after - before) / static_cast<double>(many - few);
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    auto cost_few = steady_cost(*small.world, small.next);
    auto cost_many = steady_cost(*large.world, large.next);
    ratios.push_back(cost_many / cost_few);
  }
  auto ratio = median(ratios);
  return {{"cost per job, many queued against few", ratio, "times", 0, "",
           ratio, 1.5, false},
          {"resident bytes per queued job", per_job, "bytes", 0, "", per_job,
           500, false}};
}

std::vector<measurement> waiting_children(const std::string& folder) {
  constexpr uint64_t arrays = 200;
  constexpr uint32_t size = 10'000;
  shard_world world{open_store(folder + "/arrays")};
  world.keep_records(false);
  world.open(agent_vcpus);
  world.let_agents_work(false);
  world.submit(1, size);
  world.write_checkpoint();
  auto before = resident_bytes();
  for (uint64_t i = 0; i < arrays; ++i) {
    world.submit(2 + i, size);
    world.run();
  }
  world.write_checkpoint();
  auto per_child = static_cast<double>(resident_bytes() - before)
                   / static_cast<double>(arrays * size);
  return {{"resident bytes per waiting array child", per_child, "bytes", 0, "",
           per_child, 16, false}};
}

} // namespace berth::bench
