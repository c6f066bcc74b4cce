// One run as a task for another process, and what came of it.
#pragma once

#include "tests/sim/parameters.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace berth::sim {

/// A run is its seed, and what differs from what the seed draws.
struct run_task {
  uint64_t seed = 0;
  std::optional<breakage> with_breakage;
  /// Parameters by name, see parameters.hpp.
  std::map<std::string, std::string> changed;
  /// Runs twice and compares.
  bool check_repeat = false;
};

/// Nothing when a changed parameter's name or value is none; `error` then says
/// which and what would be right.
std::optional<parameters> parameters_of(const run_task& t, std::string& error);
/// The command that makes the same run.
std::string command_of(const run_task& t);

struct run_outcome {
  uint64_t final_hash = 0;
  /// Name of the checker that was violated; empty = all held. `assertion` and
  /// `run_ends` when the process died of it.
  std::string checker;
  std::string what;
  uint64_t jobs_finished = 0;
  uint64_t records = 0;
  uint64_t steps = 0;
  int64_t virtual_us = 0;
  std::map<std::string, uint64_t> situations;
  std::map<std::string, uint64_t> faults;
  bool held() const { return checker.empty(); }
};

/// Makes the run in this process.
run_outcome perform(const run_task& t);

std::string to_bytes(const run_task& t);
run_task task_from(const std::string& bytes);
std::string to_bytes(const run_outcome& o);
run_outcome outcome_from(const std::string& bytes);
/// Of a run whose process died.
run_outcome outcome_of_death(const std::string& last_words);

} // namespace berth::sim
