// How a benchmark reports: each figure beside the machine's own limit, measured
// in the same run, as a ratio against a bar.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace berth::bench {

struct measurement {
  std::string name;
  /// What was measured, with its unit.
  double value = 0;
  std::string unit;
  /// The machine's own limit; 0 when there is none to compare with.
  double limit = 0;
  std::string limit_name;
  /// The figure that the bar is about (a ratio, or the value itself).
  double figure = 0;
  double bar = 0;
  bool bar_is_minimum = true;
  bool holds() const { return bar_is_minimum ? figure >= bar : figure <= bar; }
};

/// One line per measurement: value, limit, ratio, bar, and whether it holds.
void print(const std::vector<measurement>& all);

/// The middle value; the mean of the two middle ones. Requires one at least.
double median(std::vector<double> values);
/// The value below which `share` (0 to 1) of them lie.
double percentile(std::vector<double> values, double share);

/// Seconds of CPU that this process has used.
double cpu_seconds();
/// Seconds on a steady clock.
double wall_seconds();
/// Bytes of memory resident, once what is free was given back.
uint64_t resident_bytes();

} // namespace berth::bench
