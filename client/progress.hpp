// Progress of jobs as bars that are drawn over and over. Pure.
#pragma once

#include "messages/job.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace berth {

/// How many children of an array are in each status.
using child_counts = std::array<uint32_t, job_status_count>;

struct job_progress {
  std::string id;
  std::string name;
  job_status status = job_status::submitted;
  std::string reason;
  /// 0 = not an array.
  uint32_t array_size = 0;
  child_counts children{};
  /// Finished attempts.
  uint32_t attempts = 0;
};

struct progress_frame {
  /// What the lines may take; the terminal's size.
  std::size_t width = 80;
  std::size_t height = 24;
  bool colours = false;
};

/// One line per job, without line feeds, none wider than the frame. When there
/// are more jobs than fit, unfinished ones come first and a last line counts
/// those that are not shown.
std::vector<std::string> print_progress(const std::vector<job_progress>& jobs,
                                        const progress_frame& frame);

/// One line for work that is counted: `WHAT [####....] 42% (N of M)`.
std::string print_count(const std::string& what, uint64_t done, uint64_t all,
                        const progress_frame& frame);

/// Bytes that replace the `drawn` lines above the cursor by `lines`.
std::string redraw(std::size_t drawn, const std::vector<std::string>& lines);

/// A line that tells of one job's present state, for outputs that are no
/// terminal: `NAME ID: STATUS (reason)`.
std::string print_change(const job_progress& job);

} // namespace berth
