// `berth_bench [NAME...]`: prints each figure beside the machine's own limit,
// measured in the same run. Exit status 1 when a bar is missed.

#include "bench/cluster_bench.hpp"
#include "bench/dev_bench.hpp"
#include "bench/shard_bench.hpp"
#include "bench/store_bench.hpp"
#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace {

using berth::bench::measurement;

struct benchmark {
  std::string name;
  std::function<std::vector<measurement>(const std::string& folder)> run;
};

const std::vector<benchmark>& all_benchmarks() {
  using namespace berth::bench;
  static const std::vector<benchmark> all{
      {"jobs", [](auto& folder) { return process_jobs(folder); }},
      {"simulated", [](auto&) { return simulated_jobs(100'000); }},
      {"replay", [](auto&) { return replay(100'000); }},
      {"queued",
       [](auto& folder) { return queued_jobs(1'000'000, 10'000, folder); }},
      {"children", [](auto& folder) { return waiting_children(folder); }},
      {"lookups",
       [](auto& folder) { return unknown_lookups(3'000'000, 30'000, folder); }},
      {"latency", [](auto& folder) { return idle_latency(folder); }},
      {"calls", [](auto& folder) { return submissions(folder); }},
      {"cluster-jobs",
       [](auto& folder) { return cluster_jobs(200'000, folder); }},
      {"cluster-latency", [](auto& folder) { return cluster_latency(folder); }},
      {"cluster-cpu",
       [](auto& folder) { return cluster_cpu(100'000, folder); }},
  };
  return all;
}

} // namespace

int main(int argc, char** argv) {
  std::vector<std::string> wanted(argv + 1, argv + argc);
  auto missed = false;
  for (const auto& one : all_benchmarks()) {
    if (!wanted.empty()
        && std::find(wanted.begin(), wanted.end(), one.name) == wanted.end())
      continue;
    auto measured = [&] {
      berth::temporary_folder folder;
      return one.run(folder.path().string());
    }();
    berth::bench::print(measured);
    missed = missed
             || std::any_of(measured.begin(), measured.end(),
                            [](auto& m) { return !m.holds(); });
  }
  return missed ? 1 : 0;
}
