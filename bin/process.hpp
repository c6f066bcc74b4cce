// What the long-lived commands do as processes: log, wait for signals, end.
#pragma once

#include <csignal>
#include <initializer_list>
#include <string>

namespace berth {

/// Prints the message and ends the process with 1, without cleaning up: for
/// what cannot go on, from any thread.
[[noreturn]] void end_fatally(const std::string& message);

/// Blocks the signals in this thread and those that it starts; SIGPIPE is
/// ignored. Comes before any thread.
sigset_t block_signals(std::initializer_list<int> which);

/// The next of these signals ends the process at once.
void end_at_next_signal(const sigset_t& signals);

/// To stderr; warnings and worse, or what SPDLOG_LEVEL says.
void start_logging();

} // namespace berth
