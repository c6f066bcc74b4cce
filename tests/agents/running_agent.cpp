#include "tests/agents/running_agent.hpp"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace berth {

namespace {

constexpr std::chrono::seconds patience{60};
constexpr int between_looks_ms = 20;

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

} // namespace

bool comes_true(const std::function<bool()>& holds) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    poll(nullptr, 0, between_looks_ms);
  }
  return true;
}

running_agent::running_agent(kafka_cluster_address at, std::string environment)
    : at_(std::move(at)), environment_(std::move(environment)) {}

running_agent::~running_agent() {
  if (pid_ > 0)
    kill();
  if (auto keeper = keeper_pid(); keeper > 0) {
    // Its jobs die with it.
    ::kill(keeper, SIGKILL);
    comes_true([&] { return ::kill(keeper, 0) != 0; });
  }
}

void running_agent::start() {
  std::vector<std::string> words{
      BERTH_BINARY,     "agent",      "--data",
      folder(),         "--brokers",  at_.connection.brokers,
      "--environment",  environment_, "--name",
      "agent",          "--vcpus",    "4",
      "--topic-prefix", at_.prefix};
  for (const auto& setting : settings) {
    words.push_back("--set");
    words.push_back(setting);
  }
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  auto log = log_folder_.path().string() + "/stderr";
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  auto failed =
      posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0)
    throw std::runtime_error{"the agent cannot be started"};
}

void running_agent::signal(int number) {
  ::kill(pid_, number);
}

int running_agent::wait() {
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void running_agent::kill() {
  signal(SIGKILL);
  wait();
}

pid_t running_agent::keeper_pid() const {
  std::ifstream file{folder() + "/keeper.pid"};
  pid_t pid = 0;
  file >> pid;
  return pid > 0 && ::kill(pid, 0) == 0 ? pid : 0;
}

std::string running_agent::said() const {
  return text_of(log_folder_.path().string() + "/stderr");
}

void running_agent::wait_until_said(const std::string& text) const {
  if (!comes_true([&] { return said().find(text) != std::string::npos; }))
    throw std::runtime_error{"the agent did not say '" + text
                             + "', but: " + said()};
}

} // namespace berth
