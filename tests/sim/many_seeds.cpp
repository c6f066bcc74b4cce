#include "tests/sim/forked_work.hpp"
#include "tests/sim/seed_commands.hpp"
#include "tests/sim/seed_progress.hpp"
#include "tests/sim/simulation.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace berth::sim {

namespace {

/// Violations told one by one; of more only the number.
constexpr size_t told_max = 20;

struct violated_seed {
  run_task task;
  std::string checker;
  std::string what;
};

struct tally {
  uint64_t seeds = 0;
  uint64_t jobs = 0;
  double virtual_hours = 0;
  std::map<std::string, uint64_t> situations;
  std::map<std::string, uint64_t> faults;
  std::vector<violated_seed> violated;

  void add(const run_task& task, const run_outcome& o) {
    ++seeds;
    jobs += o.jobs_finished;
    virtual_hours += static_cast<double>(o.virtual_us) / second / 3600;
    for (const auto& [name, count] : o.situations)
      situations[name] += count;
    for (const auto& [name, count] : o.faults)
      faults[name] += count;
    if (!o.held())
      violated.push_back({task, o.checker, o.what});
  }
  std::vector<std::string> never_reached() const {
    std::vector<std::string> names;
    for (const auto& name : all_situations()) {
      auto found = situations.find(name);
      if (found == situations.end() || found->second == 0)
        names.push_back(name);
    }
    return names;
  }
};

void tell(const violated_seed& v) {
  std::printf("seed %llu: %s: %s\n    %s\n",
              static_cast<unsigned long long>(v.task.seed), v.checker.c_str(),
              v.what.c_str(), command_of(v.task).c_str());
}

void print_summary(const tally& t, double seconds) {
  std::printf("%llu seeds, %zu violations; %.0f simulated jobs a second, %.1f "
              "virtual hours a minute; ",
              static_cast<unsigned long long>(t.seeds), t.violated.size(),
              static_cast<double>(t.jobs) / seconds,
              t.virtual_hours / seconds * 60);
  auto never = t.never_reached();
  if (never.empty()) {
    std::printf("every situation was reached\n");
    return;
  }
  std::printf("never reached:");
  for (const auto& name : never)
    std::printf(" %s", name.c_str());
  std::printf("\n");
}

void print_json(const tally& t, double seconds) {
  nlohmann::json violations = nlohmann::json::array();
  for (const auto& v : t.violated)
    violations.push_back(
        {{"seed", v.task.seed}, {"checker", v.checker}, {"what", v.what}});
  nlohmann::json j{{"seeds", t.seeds},   {"violations", violations},
                   {"jobs", t.jobs},     {"virtual_hours", t.virtual_hours},
                   {"seconds", seconds}, {"situations", t.situations},
                   {"faults", t.faults}, {"never_reached", t.never_reached()}};
  std::printf("%s\n", j.dump(2).c_str());
}

int run_list(uint64_t count, const std::function<uint64_t(uint64_t)>& seed_at,
             const many_seeds_options& o) {
  tally t;
  seed_progress progress{count};
  uint64_t begun = 0;
  forked_work w;
  w.processes = o.processes;
  w.next = [&]() -> std::optional<std::string> {
    if (begun == count)
      return std::nullopt;
    auto task = o.like;
    task.seed = seed_at(begun++);
    return to_bytes(task);
  };
  w.work = [](const std::string& task) {
    return to_bytes(perform(task_from(task)));
  };
  w.on_end = [&](const std::string& task, const task_end& end) {
    t.add(task_from(task), end.answer ? outcome_from(*end.answer)
                                      : outcome_of_death(end.last_words));
    auto is_new = !t.violated.empty()
                  && t.violated.back().task.seed == task_from(task).seed;
    if (is_new && t.violated.size() <= told_max && !o.json) {
      progress.clear();
      tell(t.violated.back());
    }
    progress.show(t.seeds, t.violated.size());
  };
  run(w);
  progress.clear();
  if (o.json)
    print_json(t, progress.seconds());
  else
    print_summary(t, progress.seconds());
  return t.violated.empty() ? 0 : 1;
}

} // namespace

int run_many_seeds(const many_seeds_options& o) {
  auto count = o.seeds.last - o.seeds.first + 1;
  return run_list(
      count, [&](uint64_t i) { return o.seeds.first + i; }, o);
}

int run_seeds_of_file(const std::string& path, const many_seeds_options& o) {
  std::ifstream in(path);
  if (!in) {
    std::fprintf(stderr, "berth_sim: cannot read %s\n", path.c_str());
    return 2;
  }
  std::vector<uint64_t> seeds;
  for (std::string line; std::getline(in, line);) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t") == std::string::npos)
      continue;
    std::istringstream text(line);
    uint64_t seed = 0;
    if (!(text >> seed)) {
      std::fprintf(stderr, "berth_sim: %s: \"%s\" is not a seed\n",
                   path.c_str(), line.c_str());
      return 2;
    }
    seeds.push_back(seed);
  }
  return run_list(
      seeds.size(), [&](uint64_t i) { return seeds[i]; }, o);
}

} // namespace berth::sim
