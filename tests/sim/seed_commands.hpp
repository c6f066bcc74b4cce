// What `berth_sim` does, one function per use; each returns the exit status: 0
// only if all held.
#pragma once

#include "tests/sim/run_task.hpp"

#include <cstdint>
#include <string>

namespace berth::sim {

struct seed_range {
  uint64_t first = 1;
  /// Included.
  uint64_t last = 1;
};

struct one_seed_options {
  run_task task;
  /// Prints every entry of the history; with a job, those that concern it.
  bool story = false;
  /// The id, or its first characters.
  std::string job;
  bool json = false;
};
int run_one_seed(const one_seed_options& o);

struct many_seeds_options {
  seed_range seeds;
  unsigned processes = 1;
  /// As each run is made, but for its seed.
  run_task like;
  bool json = false;
};
int run_many_seeds(const many_seeds_options& o);

/// Runs each seed of a file: a number per line, `#` begins a comment.
int run_seeds_of_file(const std::string& path, const many_seeds_options& o);

struct breakage_options {
  seed_range seeds;
  unsigned processes = 1;
  bool json = false;
};
/// Each breakage over the seeds until a checker notices it; 1 if one was not
/// noticed.
int run_breakages(const breakage_options& o);

/// Looks for a smaller run that is violated, too.
int shrink(const run_task& t);

} // namespace berth::sim
