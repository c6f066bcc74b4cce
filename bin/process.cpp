#include "bin/process.hpp"

#include "storage/kafka_connection.hpp"

#include <cstdio>
#include <cstdlib>
#include <spdlog/cfg/env.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <thread>

namespace berth {

namespace {

/// Of syslog.
constexpr int error_level = 3;
constexpr int warning_level = 4;

/// A broker that is lost for a while is nobody's error.
void log_of_kafka(int level, const char* topic, const char* text) {
  auto as = level <= error_level     ? spdlog::level::warn
            : level <= warning_level ? spdlog::level::info
                                     : spdlog::level::debug;
  spdlog::log(as, "kafka {}: {}", topic, text);
}

} // namespace

void end_fatally(const std::string& message) {
  std::fprintf(stderr, "berth: %s\n", message.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

sigset_t block_signals(std::initializer_list<int> which) {
  sigset_t set;
  sigemptyset(&set);
  for (auto signal : which)
    sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

void end_at_next_signal(const sigset_t& signals) {
  std::thread{[signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    std::_Exit(1);
  }}.detach();
}

void start_logging() {
  spdlog::set_default_logger(spdlog::stderr_color_mt("berth"));
  spdlog::set_level(spdlog::level::warn);
  spdlog::cfg::load_env_levels();
  send_kafka_log_to(log_of_kafka);
}

} // namespace berth
