// How far many runs are: one line on a terminal, drawn over and over.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace berth::sim {

class seed_progress {
public:
  /// Draws nothing when stderr is no terminal.
  explicit seed_progress(uint64_t all);
  ~seed_progress();
  seed_progress(const seed_progress&) = delete;
  seed_progress& operator=(const seed_progress&) = delete;

  void show(uint64_t done, uint64_t violations);
  /// Takes the line away, so that something else can be printed.
  void clear();
  double seconds() const;

private:
  uint64_t all_;
  bool is_terminal_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

} // namespace berth::sim
