#include "bench/measurement.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <jemalloc/jemalloc.h>
#include <string>
#include <unistd.h>

namespace berth::bench {

namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec)
         + static_cast<double>(now.tv_nsec) / 1e9;
}

} // namespace

void print(const std::vector<measurement>& all) {
  for (const auto& m : all) {
    std::printf("%-44s %12.1f %-8s", m.name.c_str(), m.value, m.unit.c_str());
    if (m.limit > 0)
      std::printf(" %s %.1f,", m.limit_name.c_str(), m.limit);
    std::printf(" figure %.3f, bar %s %.3g: %s\n", m.figure,
                m.bar_is_minimum ? ">=" : "<=", m.bar,
                m.holds() ? "holds" : "MISSED");
  }
  std::fflush(stdout);
}

double median(std::vector<double> values) {
  return percentile(std::move(values), 0.5);
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  auto at = share * static_cast<double>(values.size() - 1);
  auto below = static_cast<size_t>(at);
  auto above = std::min(below + 1, values.size() - 1);
  auto part = at - static_cast<double>(below);
  return values[below] * (1 - part) + values[above] * part;
}

double cpu_seconds() {
  return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double wall_seconds() {
  return seconds_of(CLOCK_MONOTONIC);
}

uint64_t resident_bytes() {
  const auto purge_all =
      "arena." + std::to_string(MALLCTL_ARENAS_ALL) + ".purge";
  mallctl(purge_all.c_str(), nullptr, nullptr, nullptr, 0);
  std::ifstream statm{"/proc/self/statm"};
  uint64_t total = 0;
  uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

} // namespace berth::bench
