// Whether the checkers notice each deliberate error, and how soon.
#include "tests/sim/breakages.hpp"
#include "tests/sim/forked_work.hpp"
#include "tests/sim/seed_commands.hpp"
#include "tests/sim/seed_progress.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace berth::sim {

namespace {

/// A run takes some hundredths of a second; one that never ends is caught.
constexpr unsigned run_seconds_max = 10;

struct tried_breakage {
  const breakage_entry* what = nullptr;
  uint64_t next_seed = 0;
  bool is_running = false;
  /// Name of the checker that noticed it; empty = none so far.
  std::string caught_by;
  uint64_t caught_at = 0;
  /// What a checker said of `caught_at`, until it is known whether that seed
  /// holds without the breakage.
  std::string suspected_by;
  bool is_caught() const { return !caught_by.empty(); }
};

/// Hands out the runs: each breakage at its next seed, and each seed that was
/// violated once without any, since a seed that does not hold anyway proves
/// nothing.
class breakage_hunt {
public:
  explicit breakage_hunt(const seed_range& seeds) : seeds_(seeds) {
    for (const auto& entry : all_breakages())
      all_.push_back({&entry, seeds.first, false, {}, 0, {}});
  }

  std::optional<run_task> next() {
    for (auto& one : all_) {
      if (one.is_caught() || one.is_running)
        continue;
      if (!one.suspected_by.empty()) {
        if (bare_.emplace(one.caught_at, std::nullopt).second)
          return run_task{one.caught_at, std::nullopt, {}, false};
        continue;
      }
      if (one.next_seed > seeds_.last)
        continue;
      one.is_running = true;
      return run_task{one.next_seed++, one.what->which, {}, false};
    }
    return std::nullopt;
  }

  void on_end(const run_task& task, const run_outcome& outcome) {
    if (!task.with_breakage) {
      bare_[task.seed] = outcome.held();
    } else {
      auto& one = all_[static_cast<size_t>(*task.with_breakage) - 1];
      one.is_running = false;
      if (!outcome.held()) {
        one.suspected_by = outcome.checker;
        one.caught_at = task.seed;
      }
    }
    for (auto& one : all_)
      judge(one);
  }

  const std::vector<tried_breakage>& all() const { return all_; }
  size_t caught() const {
    return static_cast<size_t>(
        std::count_if(all_.begin(), all_.end(),
                      [](const auto& one) { return one.is_caught(); }));
  }

private:
  void judge(tried_breakage& one) {
    if (one.suspected_by.empty())
      return;
    auto bare = bare_.find(one.caught_at);
    if (bare == bare_.end() || !bare->second)
      return;
    auto checker = std::exchange(one.suspected_by, {});
    if (*bare->second)
      one.caught_by = std::move(checker);
  }

  seed_range seeds_;
  std::vector<tried_breakage> all_;
  /// Whether a seed holds without breakages; nothing = being run.
  std::map<uint64_t, std::optional<bool>> bare_;
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
  breakage_hunt hunt{o.seeds};
  seed_progress progress{hunt.all().size()};
  forked_work w;
  w.processes = o.processes;
  w.seconds_per_task = run_seconds_max;
  w.next = [&]() -> std::optional<std::string> {
    auto task = hunt.next();
    return task ? std::optional{to_bytes(*task)} : std::nullopt;
  };
  w.work = [](const std::string& task) {
    return to_bytes(perform(task_from(task)));
  };
  w.on_end = [&](const std::string& task, const task_end& end) {
    hunt.on_end(task_from(task), end.answer ? outcome_from(*end.answer)
                                            : outcome_of_death(end.last_words));
    progress.show(hunt.caught(), 0);
  };
  run(w);
  progress.clear();
  if (o.json)
    print_json(hunt.all(), o.seeds.first);
  else
    print_table(hunt.all(), o.seeds.first);
  if (!o.json)
    std::printf("%zu of %zu breakages caught in %.0f s\n", hunt.caught(),
                hunt.all().size(), progress.seconds());
  return hunt.caught() == hunt.all().size() ? 0 : 1;
}

} // namespace berth::sim
