#include "bench/dev_bench.hpp"

#include "bench/dev_server.hpp"
#include "bench/spawn_loop.hpp"
#include "messages/assert.hpp"
#include "storage/local_log.hpp"

#include <atomic>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <rocksdb/db.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace berth::bench {

namespace {

using nlohmann::json;

constexpr int rounds = 3;
constexpr int clients = 32;

std::string fresh(const std::string& folder, const std::string& name) {
  auto path = folder + "/" + name;
  std::filesystem::create_directories(path);
  return path;
}

/// Waits for the job's end on the stream of state changes.
class end_watch {
public:
  explicit end_watch(const std::string& url) {
    thread_ = std::thread([this, url] {
      http_client stream;
      stream.read_lines(
          url + "/v1/events",
          {{"Authorization",
            "AWS4-HMAC-SHA256 Credential=bench/20000101/us-east-1/batch/"
            "aws4_request, SignedHeaders=host, Signature="
            "000000000000000000000000000000000000000000000000000000000000000"
            "0"}},
          [this](std::string_view line) { return take(line); });
    });
    open_.get_future().wait();
  }
  ~end_watch() { thread_.join(); }

  /// The stream ends after this many arrays have.
  void expect(size_t arrays) { expected_ = arrays; }
  void wait() { ended_.get_future().wait(); }

private:
  bool take(std::string_view line) {
    if (line.empty()) {
      open_.set_value();
      return true;
    }
    auto event = json::parse(line, nullptr, false);
    const auto& detail = event.at("detail");
    if (!detail.contains("arrayProperties")
        || detail.at("arrayProperties").contains("index")
        || detail.at("status") != "SUCCEEDED")
      return true;
    if (++seen_ < expected_)
      return true;
    ended_.set_value();
    return false;
  }

  std::thread thread_;
  std::promise<void> open_;
  std::promise<void> ended_;
  std::atomic<size_t> expected_ = SIZE_MAX;
  size_t seen_ = 0;
};

double rate_of_arrays(const std::string& folder, size_t arrays, uint32_t size) {
  dev_server server{folder, 2};
  batch_client client{server.url()};
  // Sixteen in flight, for a slot is free again only once its job's end is in
  // the log; the loop beside it learns of its children's ends at once.
  client.prepare(2, R"(["/bin/true"])", "0.125");
  end_watch watch{server.url()};
  watch.expect(arrays);
  auto start = wall_seconds();
  for (size_t i = 0; i < arrays; ++i)
    client.call("submitjob",
                R"({"jobName":"noop","jobQueue":"q","jobDefinition":"d",)"
                R"("arrayProperties":{"size":)"
                    + std::to_string(size) + "}}");
  watch.wait();
  return static_cast<double>(arrays * size) / (wall_seconds() - start);
}

} // namespace

std::vector<measurement> process_jobs(const std::string& folder) {
  constexpr size_t arrays = 4;
  constexpr uint32_t size = 1000;
  std::vector<double> ours;
  std::vector<double> equal;
  std::vector<double> bare;
  for (int round = 0; round < rounds; ++round) {
    auto here = fresh(folder, "jobs" + std::to_string(round));
    ours.push_back(rate_of_arrays(here, arrays, size));
    equal.push_back(run_spawn_loop(spawn_loop_kind::as_keeper, arrays * size,
                                   fresh(here, "equal")));
    bare.push_back(run_spawn_loop(spawn_loop_kind::bare, arrays * size,
                                  fresh(here, "bare")));
  }
  auto value = median(ours);
  return {{"no-op process jobs", value, "jobs/s", median(equal),
           "spawn loop with the same", value / median(equal), 0.7, true},
          {"  against bare posix_spawn", value, "jobs/s", median(bare),
           "bare loop", value / median(bare), 0, true}};
}

namespace {

/// Seconds until a spawned process has written to a FIFO.
double spawn_once(const std::string& fifo) {
  auto start = wall_seconds();
  auto command = "echo > " + fifo;
  std::vector<std::string> words{"/bin/sh", "-c", command};
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), environ);
  std::FILE* in = std::fopen(fifo.c_str(), "r");
  std::fgetc(in);
  auto seconds = wall_seconds() - start;
  std::fclose(in);
  waitpid(child, nullptr, 0);
  return seconds;
}

double append_once(log& to) {
  auto start = wall_seconds();
  std::promise<void> done;
  to.append(shard_id{0}, std::string(500, 'x'),
            [&](append_outcome, const storage_error&) { done.set_value(); });
  done.get_future().wait();
  return wall_seconds() - start;
}

} // namespace

std::vector<measurement> idle_latency(const std::string& folder) {
  constexpr int samples = 200;
  auto fifo = folder + "/fifo";
  BERTH_ASSERT(mkfifo(fifo.c_str(), 0600) == 0, "the folder takes a FIFO");
  auto opened = open_local_log({.folder = folder + "/log"});
  BERTH_ASSERT(opened.opened, "the folder takes a log");
  dev_server server{folder, 2};
  batch_client client{server.url()};
  client.prepare(2, json({"/bin/sh", "-c", "echo > " + fifo}).dump());
  std::vector<double> ours;
  std::vector<double> limit;
  for (int i = 0; i < samples; ++i) {
    auto start = wall_seconds();
    client.call("submitjob",
                R"({"jobName":"one","jobQueue":"q","jobDefinition":"d"})");
    std::FILE* in = std::fopen(fifo.c_str(), "r");
    std::fgetc(in);
    ours.push_back((wall_seconds() - start) * 1000);
    std::fclose(in);
    limit.push_back((append_once(*opened.opened) + spawn_once(fifo)) * 1000);
  }
  auto row = [&](const char* name, double share) {
    auto value = percentile(ours, share);
    auto raw = percentile(limit, share);
    return measurement{name,        value, "ms", raw, "append + spawn",
                       value / raw, 2.5,   false};
  };
  return {row("submit to first instruction, p50", 0.5),
          row("submit to first instruction, p99", 0.99)};
}

namespace {

double puts_per_second(const std::string& folder, size_t each) {
  rocksdb::DB* opened = nullptr;
  rocksdb::Options options;
  options.create_if_missing = true;
  auto status = rocksdb::DB::Open(options, folder, &opened);
  BERTH_ASSERT(status.ok(), "the folder takes a database");
  std::unique_ptr<rocksdb::DB> db{opened};
  rocksdb::WriteOptions durable;
  durable.sync = true;
  auto start = wall_seconds();
  std::vector<std::thread> threads;
  for (int t = 0; t < clients; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < each; ++i)
        db->Put(durable, std::to_string(t) + "-" + std::to_string(i),
                std::string(500, 'x'));
    });
  for (auto& t : threads)
    t.join();
  return static_cast<double>(each * clients) / (wall_seconds() - start);
}

double calls_per_second(const std::string& folder, size_t each) {
  dev_server server{folder, 2};
  // Room for none of the jobs, so that only submitting is measured.
  batch_client{server.url()}.prepare(1, R"(["/bin/sleep","1000"])");
  auto start = wall_seconds();
  std::vector<std::thread> threads;
  for (int t = 0; t < clients; ++t)
    threads.emplace_back([&] {
      batch_client client{server.url()};
      for (size_t i = 0; i < each; ++i)
        client.call("submitjob", R"({"jobName":"one","jobQueue":"q",)"
                                 R"("jobDefinition":"d"})");
    });
  for (auto& t : threads)
    t.join();
  return static_cast<double>(each * clients) / (wall_seconds() - start);
}

} // namespace

std::vector<measurement> submissions(const std::string& folder) {
  constexpr size_t each = 500;
  std::vector<double> ours;
  std::vector<double> limit;
  for (int round = 0; round < rounds; ++round) {
    auto here = fresh(folder, "calls" + std::to_string(round));
    ours.push_back(calls_per_second(here, each));
    limit.push_back(puts_per_second(fresh(here, "puts"), each));
  }
  auto value = median(ours);
  return {{"SubmitJob calls, 32 clients", value, "calls/s", median(limit),
           "32 threads of synchronous puts", value / median(limit), 0.5, true}};
}

} // namespace berth::bench
