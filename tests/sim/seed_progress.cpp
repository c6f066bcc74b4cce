#include "tests/sim/seed_progress.hpp"

#include <cstdio>
#include <unistd.h>

namespace berth::sim {

namespace {

constexpr uint64_t bar_width = 30;
constexpr std::chrono::milliseconds redraw_interval{100};

} // namespace

seed_progress::seed_progress(uint64_t all)
    : all_(all), is_terminal_(::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {}

seed_progress::~seed_progress() {
  clear();
}

double seed_progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now()
                                       - start_)
      .count();
}

void seed_progress::show(uint64_t done, uint64_t violations) {
  auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || all_ == 0 || now - drawn_ < redraw_interval)
    return;
  drawn_ = now;
  auto filled = static_cast<size_t>(done * bar_width / all_);
  auto left = done == 0 ? 0.0
                        : seconds() * static_cast<double>(all_ - done)
                              / static_cast<double>(done);
  std::fprintf(stderr,
               "\r\x1b[2K[%s%s] %llu of %llu, %llu violations, %.0f s left",
               std::string(filled, '#').c_str(),
               std::string(bar_width - filled, '.').c_str(),
               static_cast<unsigned long long>(done),
               static_cast<unsigned long long>(all_),
               static_cast<unsigned long long>(violations), left);
}

void seed_progress::clear() {
  if (is_terminal_)
    std::fprintf(stderr, "\r\x1b[2K");
}

} // namespace berth::sim
