#include "tests/sim/breakages.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/seed_commands.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <random>

namespace {

using namespace berth;

/// Seeds that are drawn stay short enough to be copied by hand.
constexpr uint64_t fresh_seed_max = 1'000'000'000'000;

struct command_line {
  uint64_t seed = 0;
  std::string seeds;
  uint64_t fresh = 0;
  std::string file;
  unsigned jobs = 1;
  bool story = false;
  std::string job;
  std::string breakage_name;
  std::vector<std::string> set;
  bool json = false;
  bool all_breakages = false;
  bool shrink = false;
  bool check_repeat = false;
};

sim::seed_range parse_range(const std::string& text) {
  auto dots = text.find("..");
  sim::seed_range range;
  try {
    range.first = std::stoull(text.substr(0, dots));
    range.last = dots == std::string::npos ? range.first
                                           : std::stoull(text.substr(dots + 2));
  } catch (const std::exception&) {
    throw CLI::ValidationError("--seeds",
                               "is \"" + text + "\"; it must be FIRST..LAST");
  }
  if (range.last < range.first)
    throw CLI::ValidationError("--seeds", "the last is before the first");
  return range;
}

sim::run_task task_of(const command_line& line) {
  sim::run_task task;
  task.seed = line.seed;
  task.check_repeat = line.check_repeat;
  if (!line.breakage_name.empty()) {
    task.with_breakage = sim::find_breakage(line.breakage_name);
    if (!task.with_breakage)
      throw CLI::ValidationError("--breakage",
                                 "there is none called \"" + line.breakage_name
                                     + "\"; --list-breakages lists them");
  }
  for (const auto& one : line.set) {
    auto equals = one.find('=');
    if (equals == std::string::npos)
      throw CLI::ValidationError("--set",
                                 "is \"" + one + "\"; it must be NAME=VALUE");
    task.changed[one.substr(0, equals)] = one.substr(equals + 1);
  }
  std::string error;
  if (!sim::parameters_of(task, error))
    throw CLI::ValidationError("--set", error);
  return task;
}

int list_breakages() {
  for (const auto& entry : sim::all_breakages())
    std::printf("%-36s %s\n", std::string(entry.name).c_str(),
                std::string(entry.what).c_str());
  return 0;
}

int list_checkers() {
  for (const auto& one : sim::all_checkers({}))
    std::printf("%-28s %s\n", std::string(one->name()).c_str(),
                std::string(one->promise()).c_str());
  return 0;
}

sim::seed_range draw_range(uint64_t count) {
  std::random_device device;
  auto first =
      std::uniform_int_distribution<uint64_t>{1, fresh_seed_max}(device);
  std::fprintf(stderr, "fresh seeds %llu..%llu\n",
               static_cast<unsigned long long>(first),
               static_cast<unsigned long long>(first + count - 1));
  return {first, first + count - 1};
}

int act(const command_line& line) {
  if (line.all_breakages)
    return sim::run_breakages(
        {parse_range(line.seeds.empty() ? "1..1000" : line.seeds), line.jobs,
         line.json});
  sim::many_seeds_options many;
  many.processes = line.jobs;
  many.like = task_of(line);
  many.json = line.json;
  if (!line.file.empty())
    return sim::run_seeds_of_file(line.file, many);
  if (line.fresh > 0 || !line.seeds.empty()) {
    many.seeds =
        line.fresh > 0 ? draw_range(line.fresh) : parse_range(line.seeds);
    return sim::run_many_seeds(many);
  }
  auto task = task_of(line);
  if (line.shrink)
    return sim::shrink(task);
  if (line.check_repeat) {
    auto outcome = sim::perform(task);
    std::printf("hash %016llx%s%s\n",
                static_cast<unsigned long long>(outcome.final_hash),
                outcome.held() ? ", the same again" : "; ",
                outcome.held() ? "" : outcome.what.c_str());
    return outcome.held() ? 0 : 1;
  }
  return sim::run_one_seed({task, line.story, line.job, line.json});
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs whole simulated clusters, with faults, and checks them.\n"
               "Exit status 0 only if every checker held.",
               "berth_sim"};
  command_line line;
  bool breakages = false;
  bool checkers = false;
  app.add_option("--seed", line.seed, "Run one seed and tell of it");
  app.add_option("--seeds", line.seeds, "FIRST..LAST: run many");
  app.add_option("--fresh", line.fresh,
                 "Run so many seeds; the first is drawn and printed");
  app.add_option("--file", line.file, "Run the seeds of a file, one per line");
  app.add_option("--jobs", line.jobs, "Processes side by side")
      ->check(CLI::Range(1U, 256U));
  app.add_flag("--story", line.story, "Print the whole history");
  app.add_option("--job", line.job,
                 "Print what concerns this job (its id, or how it begins)");
  app.add_option("--breakage", line.breakage_name,
                 "Make the runs with this deliberate error");
  app.add_flag("--breakages", line.all_breakages,
               "Run each deliberate error over --seeds until it is noticed");
  app.add_flag("--list-breakages", breakages, "Print the deliberate errors");
  app.add_flag("--list-checkers", checkers,
               "Print what runs are held to, and by which name");
  app.add_option("--set", line.set,
                 "NAME=VALUE: change a drawn parameter of the runs")
      ->type_size(1)
      ->allow_extra_args(false);
  app.add_flag("--shrink", line.shrink,
               "Look for a smaller run with the same violation");
  app.add_flag("--check-repeat", line.check_repeat,
               "Run each seed twice: the same final hash");
  app.add_flag("--json", line.json, "Print JSON");
  app.footer("Example: berth_sim --seeds 1..1000 --jobs 2");
  try {
    app.parse(argc, argv);
    if (breakages || checkers)
      return breakages ? list_breakages() : list_checkers();
    if (!line.all_breakages && app.count("--seed") == 0
        && app.count("--seeds") == 0 && app.count("--fresh") == 0
        && app.count("--file") == 0)
      throw CLI::RequiredError("--seed, --seeds, --fresh or --file");
    return act(line);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
}
