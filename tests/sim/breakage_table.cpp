// Whether the checkers notice each deliberate error, and how soon.
#include "tests/sim/breakages.hpp"
#include "tests/sim/forked_work.hpp"
#include "tests/sim/seed_commands.hpp"
#include "tests/sim/seed_progress.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace berth::sim {

namespace {

struct tried_breakage {
  const breakage_entry* what = nullptr;
  uint64_t next_seed = 0;
  bool is_running = false;
  /// Name of the checker that noticed it; empty = none so far.
  std::string caught_by;
  uint64_t caught_at = 0;
  bool is_caught() const { return !caught_by.empty(); }
};

void print_table(const std::vector<tried_breakage>& all, uint64_t first) {
  std::printf("%-36s %6s  %-32s %s\n", "breakage", "seeds", "caught by",
              "what it does");
  for (const auto& one : all) {
    auto seeds = one.is_caught() ? std::to_string(one.caught_at - first + 1)
                                 : std::string("-");
    std::printf("%-36s %6s  %-32s %s\n", std::string(one.what->name).c_str(),
                seeds.c_str(),
                one.is_caught() ? one.caught_by.c_str() : "NOT CAUGHT",
                std::string(one.what->what).c_str());
  }
}

void print_json(const std::vector<tried_breakage>& all, uint64_t first) {
  nlohmann::json table = nlohmann::json::array();
  for (const auto& one : all) {
    nlohmann::json row{{"breakage", one.what->name},
                       {"what", one.what->what},
                       {"caught", one.is_caught()}};
    if (one.is_caught()) {
      row["checker"] = one.caught_by;
      row["seeds"] = one.caught_at - first + 1;
      row["seed"] = one.caught_at;
    }
    table.push_back(std::move(row));
  }
  std::printf("%s\n", table.dump(2).c_str());
}

} // namespace

int run_breakages(const breakage_options& o) {
  std::vector<tried_breakage> all;
  for (const auto& entry : all_breakages())
    all.push_back({&entry, o.seeds.first, false, {}, 0});
  seed_progress progress{all.size()};
  auto caught = [&] {
    return std::count_if(all.begin(), all.end(),
                         [](const auto& one) { return one.is_caught(); });
  };
  forked_work w;
  w.processes = o.processes;
  w.next = [&]() -> std::optional<std::string> {
    for (auto& one : all) {
      if (one.is_caught() || one.is_running || one.next_seed > o.seeds.last)
        continue;
      one.is_running = true;
      return to_bytes(run_task{one.next_seed++, one.what->which, {}, false});
    }
    return std::nullopt;
  };
  w.work = [](const std::string& task) {
    return to_bytes(perform(task_from(task)));
  };
  w.on_end = [&](const std::string& bytes, const task_end& end) {
    auto task = task_from(bytes);
    auto outcome = end.answer ? outcome_from(*end.answer)
                              : outcome_of_death(end.last_words);
    auto one = std::find_if(all.begin(), all.end(), [&](const auto& tried) {
      return tried.what->which == *task.with_breakage;
    });
    one->is_running = false;
    if (!outcome.held()) {
      one->caught_by = outcome.checker;
      one->caught_at = task.seed;
    }
    progress.show(static_cast<uint64_t>(caught()), 0);
  };
  run(w);
  progress.clear();
  if (o.json)
    print_json(all, o.seeds.first);
  else
    print_table(all, o.seeds.first);
  auto count = static_cast<size_t>(caught());
  if (!o.json)
    std::printf("%zu of %zu breakages caught in %.0f s\n", count, all.size(),
                progress.seconds());
  return count == all.size() ? 0 : 1;
}

} // namespace berth::sim
