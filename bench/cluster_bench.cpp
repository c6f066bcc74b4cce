#include "bench/cluster_bench.hpp"

#include "bench/cluster_world.hpp"

#include <memory>

namespace berth::bench {

namespace {

constexpr int64_t agent_vcpus = 1024;
/// More than are in use at a time, for a throughput: a job takes no time, but
/// what it runs on is in use from its placing until its end was read.
constexpr int64_t many_vcpus = 4096;
/// Calls that clients have on the way at a time.
constexpr uint64_t calls_at_once = 2000;
constexpr uint64_t latencies = 300;
/// Before anything counts.
constexpr uint64_t warm_up = 20;
/// Likewise, of a throughput: a broker that has just started compiles while it
/// serves, and the limit is measured on one that has run for a while.
constexpr uint64_t warm_up_jobs = 100'000;
/// About what a submission's decision takes.
constexpr size_t record_bytes = 600;

/// Lets only so many through at a time.
class limited {
public:
  explicit limited(uint64_t most) : left_(most) {}
  void take() {
    std::unique_lock lock{mutex_};
    freed_.wait(lock, [&] { return left_ > 0; });
    --left_;
  }
  void give_back() {
    std::lock_guard lock{mutex_};
    ++left_;
    freed_.notify_one();
  }

private:
  std::mutex mutex_;
  std::condition_variable freed_;
  uint64_t left_;
};

void submit_all(cluster_world& world, uint64_t jobs) {
  auto calls = std::make_shared<limited>(calls_at_once);
  for (uint64_t i = 0; i < jobs; ++i) {
    calls->take();
    world.submit([calls] { calls->give_back(); });
  }
}

std::unique_ptr<log> plain_topic(const kafka_cluster_address& like,
                                 const std::string& name) {
  auto at = like;
  at.prefix = name;
  at.partitions = 1;
  auto [opened, error] = open_topic(at, topic::log, true);
  if (error) {
    std::fprintf(stderr, "berth_bench: %s\n", error.message.c_str());
    std::exit(2);
  }
  return std::move(opened);
}

} // namespace

std::vector<measurement> cluster_jobs(uint64_t jobs,
                                      const std::string& folder) {
  cluster_world world{one_broker(), "jobs", folder, 1, many_vcpus};
  submit_all(world, warm_up_jobs);
  world.await_ended(warm_up_jobs);
  auto start = wall_seconds();
  submit_all(world, jobs);
  world.await_ended(warm_up_jobs + jobs);
  auto ours = static_cast<double>(jobs) / (wall_seconds() - start);
  auto records = world.records();
  auto raw_log = plain_topic(world.kafka(), "raw");
  auto raw = static_cast<double>(warm_up_jobs + jobs)
             / append_and_read_back(*raw_log, shard_id{0}, records);
  return {{"jobs on Kafka, submitted to finished", ours, "jobs/s", raw,
           "append + read back of the same bytes", ours / raw, 0.3, true}};
}

std::vector<measurement> cluster_latency(const std::string& folder) {
  cluster_world world{one_broker(), "idle", folder, 1, agent_vcpus};
  std::mutex mutex;
  std::condition_variable came;
  uint64_t started = 0;
  world.agent().on_start([&] {
    std::lock_guard lock{mutex};
    ++started;
    came.notify_one();
  });
  auto raw_log = plain_topic(world.kafka(), "raw-idle");
  round_trip append_and_read{*raw_log, shard_id{0}};
  std::vector<double> ours;
  std::vector<double> raw;
  // In turns: whatever else the machine does counts for both.
  for (uint64_t i = 1; i <= warm_up + latencies; ++i) {
    auto limit = append_and_read.once(std::string(record_bytes, 'x')) * 1000;
    auto start = wall_seconds();
    world.submit([] {});
    {
      std::unique_lock lock{mutex};
      came.wait(lock, [&] { return started >= i; });
    }
    auto took = (wall_seconds() - start) * 1000;
    world.await_ended(i);
    if (i <= warm_up)
      continue;
    raw.push_back(limit);
    ours.push_back(took);
  }
  auto row = [&](const char* name, double share, double bar) {
    auto value = percentile(ours, share);
    auto limit = percentile(raw, share);
    return measurement{name,          value, "ms", limit, "append + read back",
                       value / limit, bar,   false};
  };
  return {row("submission to dispatch on Kafka, idle, p50", 0.5, 3),
          row("submission to dispatch on Kafka, idle, p99", 0.99, 10)};
}

std::vector<measurement> cluster_cpu(uint64_t jobs, const std::string& folder) {
  auto cost = [&](const char* prefix, int nodes) {
    cluster_world world{one_broker(), prefix, folder, nodes, agent_vcpus};
    // Its shards have found their owners by then, too.
    submit_all(world, warm_up_jobs);
    world.await_ended(warm_up_jobs);
    auto start = cpu_seconds();
    submit_all(world, jobs);
    world.await_ended(warm_up_jobs + jobs);
    return (cpu_seconds() - start) * 1e6 / static_cast<double>(jobs);
  };
  auto one = cost("one", 1);
  auto three = cost("three", 3);
  return {{"CPU per job, three nodes", three, "us", one, "one node",
           three / one, 1.15, false}};
}

} // namespace berth::bench
