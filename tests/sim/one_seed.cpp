// One run, told so that a person can follow it.
#include "tests/sim/breakages.hpp"
#include "tests/sim/field_text.hpp"
#include "tests/sim/seed_commands.hpp"
#include "tests/sim/simulation.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace berth::sim {

namespace {

/// Entries shown of a violation.
constexpr size_t shown_max = 25;
/// Entries kept for that.
constexpr size_t kept_max = 200'000;

/// What the run has done so far; also read when an assertion ends it.
struct told_run {
  one_seed_options options;
  std::deque<history_entry> entries;
  /// Calls that are about the job, known once they are answered.
  std::set<uint64_t> calls;
};
told_run* present = nullptr;

void print(const history_entry& e) {
  std::printf("%s\n", to_text(e).c_str());
}

std::optional<job_id> job_called(const std::deque<history_entry>& entries,
                                 const std::string& beginning) {
  for (const auto& e : entries)
    if (const auto* in_log = std::get_if<record_in_log>(&e.what))
      if (const auto* d = std::get_if<decision_record>(&in_log->what->body))
        for (const auto& one : d->events)
          if (const auto* submitted = std::get_if<job_submitted>(&one))
            if (to_string(submitted->id).starts_with(beginning))
              return submitted->id;
  return std::nullopt;
}

/// Entries about the job, with the calls that made it.
std::vector<const history_entry*> about(const std::deque<history_entry>& all,
                                        const job_id& job) {
  std::set<uint64_t> calls;
  for (const auto& e : all)
    if (const auto* answered = std::get_if<call_answered>(&e.what))
      if (concerns(e, job)
          && std::holds_alternative<response>(*answered->answer)
          && std::holds_alternative<submitted_response>(
              std::get<response>(*answered->answer)))
        calls.insert(answered->call);
  std::vector<const history_entry*> found;
  for (const auto& e : all) {
    const auto* sent = std::get_if<call_sent>(&e.what);
    const auto* failed = std::get_if<call_given_up>(&e.what);
    if (concerns(e, job) || (sent && calls.count(sent->call) != 0)
        || (failed && calls.count(failed->call) != 0))
      found.push_back(&e);
  }
  return found;
}

void print_last(const std::vector<const history_entry*>& entries) {
  auto shown = std::min(entries.size(), shown_max);
  if (shown < entries.size())
    std::printf("... %zu earlier ones\n", entries.size() - shown);
  for (auto i = entries.size() - shown; i < entries.size(); ++i)
    print(*entries[i]);
}

void print_last(const std::deque<history_entry>& entries) {
  std::vector<const history_entry*> all;
  for (const auto& e : entries)
    if (!std::holds_alternative<record_visible>(e.what)
        && !std::holds_alternative<decision_folded>(e.what))
      all.push_back(&e);
  print_last(all);
}

void print_repeat(const one_seed_options& o, const std::optional<job_id>& job) {
  auto command = command_of(o.task);
  std::printf("\nAgain:  %s\nStory:  %s --story%s\nSmaller: %s --shrink\n",
              command.c_str(), command.c_str(),
              job ? (" --job " + to_string(*job)).c_str() : "",
              command.c_str());
}

/// An assertion or a signal has ended the run: says how far it came.
void on_death(int signal) {
  std::signal(signal, SIG_DFL);
  if (auto* run = std::exchange(present, nullptr)) {
    std::printf("\nVIOLATED: %s\n\nThe last entries:\n",
                signal == SIGABRT ? "assertion (see stderr)" : "no_crash");
    if (!run->options.story)
      print_last(run->entries);
    print_repeat(run->options, std::nullopt);
    std::fflush(stdout);
  }
  std::_Exit(1);
}

void print_outcome(const one_seed_options& o, const run_result& r,
                   const std::deque<history_entry>& entries) {
  std::printf("\n%llu jobs, %llu records, %llu steps, %.1f virtual seconds, "
              "hash %016llx\n",
              static_cast<unsigned long long>(r.jobs_finished),
              static_cast<unsigned long long>(r.records),
              static_cast<unsigned long long>(r.steps),
              static_cast<double>(r.virtual_time) / second,
              static_cast<unsigned long long>(r.final_hash));
  for (const auto& [name, count] : r.faults)
    std::printf("  fault     %-36s %llu\n", name.c_str(),
                static_cast<unsigned long long>(count));
  for (const auto& [name, count] : r.situations)
    std::printf("  situation %-36s %llu\n", name.c_str(),
                static_cast<unsigned long long>(count));
  if (!r.found) {
    std::printf("\nAll checkers held.\n");
    return;
  }
  const auto& v = *r.found;
  std::printf("\nVIOLATED: %s at %.6f s: %s\n", std::string(v.checker).c_str(),
              static_cast<double>(v.at) / second, v.what.c_str());
  if (!o.story) {
    std::printf("\nThe last entries%s:\n",
                v.job ? (" about job " + to_string(*v.job)).c_str() : "");
    if (v.job)
      print_last(about(entries, *v.job));
    else
      print_last(entries);
  }
  print_repeat(o, v.job);
}

void print_json(const one_seed_options& o, const run_result& r) {
  nlohmann::json j{
      {"seed", o.task.seed},          {"held", !r.found},
      {"hash", r.final_hash},         {"jobs", r.jobs_finished},
      {"records", r.records},         {"steps", r.steps},
      {"virtual_us", r.virtual_time}, {"situations", r.situations},
      {"faults", r.faults},           {"command", command_of(o.task)}};
  if (r.found)
    j["violation"] = {{"checker", r.found->checker},
                      {"at_us", r.found->at},
                      {"what", r.found->what}};
  std::printf("%s\n", j.dump(2).c_str());
}

} // namespace

int run_one_seed(const one_seed_options& o) {
  std::string error;
  auto p = parameters_of(o.task, error);
  if (!p) {
    std::fprintf(stderr, "berth_sim: %s\n", error.c_str());
    return 2;
  }
  if (!o.json)
    std::printf("%s\n", to_text(*p).c_str());
  told_run run{o, {}, {}};
  present = &run;
  std::signal(SIGABRT, on_death);
  std::signal(SIGSEGV, on_death);
  auto whole_story = o.story && o.job.empty() && !o.json;
  auto result = sim::run(*p, [&](const history_entry& e) {
    if (whole_story)
      print(e);
    run.entries.push_back(e);
    if (run.entries.size() > kept_max)
      run.entries.pop_front();
  });
  present = nullptr;
  if (o.json) {
    print_json(o, result);
  } else {
    if (!o.job.empty()) {
      auto job = job_called(run.entries, o.job);
      if (!job)
        std::printf("No job of this run has an id that begins with %s.\n",
                    o.job.c_str());
      else
        for (const auto* e : about(run.entries, *job))
          print(*e);
    }
    print_outcome(o, result, run.entries);
  }
  return result.found ? 1 : 0;
}

} // namespace berth::sim
