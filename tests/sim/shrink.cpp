// Looks for a smaller run with the same violation: first without whole faults
// and features, then with smaller numbers.
#include "tests/sim/forked_work.hpp"
#include "tests/sim/parameter_fields.hpp"
#include "tests/sim/seed_commands.hpp"

#include <cstdio>
#include <utility>
#include <vector>

namespace berth::sim {

namespace {

run_outcome run_apart(const run_task& task) {
  run_outcome outcome;
  auto is_begun = false;
  forked_work w;
  w.next = [&]() -> std::optional<std::string> {
    if (std::exchange(is_begun, true))
      return std::nullopt;
    return to_bytes(task);
  };
  w.work = [](const std::string& t) { return to_bytes(perform(task_from(t))); };
  w.on_end = [&](const std::string&, const task_end& end) {
    outcome = end.answer ? outcome_from(*end.answer)
                         : outcome_of_death(end.last_words);
  };
  run(w);
  return outcome;
}

struct smaller {
  std::string name;
  std::string value;
};

/// What could be left out of the run, then what could be less of it.
std::vector<smaller> ideas_for(const parameters& p) {
  std::vector<smaller> without;
  std::vector<smaller> less;
  auto leave_out = [&](std::string_view name, const auto& value) {
    if (value != std::decay_t<decltype(value)>{})
      without.push_back({std::string(name), "0"});
  };
  auto reduce = [&](std::string_view name, auto value, int64_t least) {
    auto now = static_cast<int64_t>(value);
    if (now <= least)
      return;
    less.push_back({std::string(name), std::to_string(least)});
    if (now / 2 > least)
      less.push_back({std::string(name), std::to_string(now / 2)});
    if (now - 1 > least && now - 1 != now / 2)
      less.push_back({std::string(name), std::to_string(now - 1)});
  };
  each_field(p.faults, leave_out);
  each_field(p.workload, [&](std::string_view name, const auto& value) {
    if (name == "environments" || name == "queues" || name == "clients"
        || name == "jobs")
      reduce(name, value, 1);
    else if (name != "run_mean_ms" && name != "think_mean_ms")
      leave_out(name, value);
  });
  reduce("nodes", p.cluster.nodes, 1);
  reduce("shards", p.cluster.shards, 1);
  reduce("machines", p.cluster.machines, 1);
  reduce("faults_stop_ms", p.faults_stop_ms, 1000);
  without.insert(without.end(), less.begin(), less.end());
  return without;
}

} // namespace

int shrink(const run_task& t) {
  auto first = run_apart(t);
  if (first.held()) {
    std::printf("All checkers held: there is nothing to shrink.\n");
    return 0;
  }
  std::printf("%s: %s\n", first.checker.c_str(), first.what.c_str());
  auto best = t;
  auto outcome = first;
  size_t tried = 0;
  for (auto progressed = true; progressed;) {
    progressed = false;
    std::string error;
    auto p = parameters_of(best, error);
    for (const auto& idea : ideas_for(*p)) {
      auto candidate = best;
      candidate.changed[idea.name] = idea.value;
      if (candidate.changed == best.changed)
        continue;
      ++tried;
      auto came = run_apart(candidate);
      if (came.checker != first.checker)
        continue;
      std::printf("without it still: %s=%s\n", idea.name.c_str(),
                  idea.value.c_str());
      best = std::move(candidate);
      outcome = std::move(came);
      progressed = true;
    }
  }
  std::printf("\n%zu runs tried. The smallest: %s: %s\n%llu records, %.1f "
              "virtual seconds\n%s --story\n",
              tried, outcome.checker.c_str(), outcome.what.c_str(),
              static_cast<unsigned long long>(outcome.records),
              static_cast<double>(outcome.virtual_us) / second,
              command_of(best).c_str());
  return 1;
}

} // namespace berth::sim
