#include "tests/sim/forked_work.hpp"

#include "messages/assert.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace berth::sim {

namespace {

constexpr size_t last_words_max = 2000;

bool write_all(int to, const void* bytes, size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  while (size > 0) {
    auto written = ::write(to, at, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    at += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

bool read_all(int from, void* bytes, size_t size) {
  auto* at = static_cast<char*>(bytes);
  while (size > 0) {
    auto got = ::read(from, at, size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool write_frame(int to, const std::string& text) {
  uint64_t size = text.size();
  return write_all(to, &size, sizeof size)
         && write_all(to, text.data(), text.size());
}

std::optional<std::string> read_frame(int from) {
  uint64_t size = 0;
  if (!read_all(from, &size, sizeof size))
    return std::nullopt;
  std::string text(size, '\0');
  if (!read_all(from, text.data(), text.size()))
    return std::nullopt;
  return text;
}

struct worker {
  pid_t pid = 0;
  int tasks = -1;
  int answers = -1;
  std::FILE* errors = nullptr;
  std::optional<std::string> task;
};

void close_pipes(worker& w) {
  ::close(w.tasks);
  ::close(w.answers);
  std::fclose(w.errors);
}

[[noreturn]] void serve(const forked_work& w, int tasks, int answers,
                        int errors) {
  ::dup2(errors, STDERR_FILENO);
  // How a task dies is told by whoever began it.
  for (auto signal : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS})
    std::signal(signal, SIG_DFL);
  while (auto task = read_frame(tasks)) {
    [[maybe_unused]] auto emptied = ::ftruncate(STDERR_FILENO, 0);
    ::lseek(STDERR_FILENO, 0, SEEK_SET);
    ::alarm(w.seconds_per_task);
    auto answer = w.work(*task);
    ::alarm(0);
    if (!write_frame(answers, answer))
      break;
  }
  ::_exit(0);
}

worker start_worker(const forked_work& w, std::vector<worker>& others) {
  int tasks[2];
  int answers[2];
  worker made;
  made.errors = std::tmpfile();
  BERTH_ASSERT(made.errors != nullptr && ::pipe(tasks) == 0
                   && ::pipe(answers) == 0,
               "pipes and a temporary file can be made");
  std::fflush(nullptr);
  made.pid = ::fork();
  BERTH_ASSERT(made.pid >= 0, "a process can be made");
  if (made.pid == 0) {
    for (auto& other : others) {
      ::close(other.tasks);
      ::close(other.answers);
    }
    ::close(tasks[1]);
    ::close(answers[0]);
    serve(w, tasks[0], answers[1], ::fileno(made.errors));
  }
  ::close(tasks[0]);
  ::close(answers[1]);
  made.tasks = tasks[1];
  made.answers = answers[0];
  return made;
}

std::string last_words_of(worker& w) {
  int status = 0;
  ::waitpid(w.pid, &status, 0);
  std::string words(last_words_max, '\0');
  auto got = ::pread(::fileno(w.errors), words.data(), words.size(), 0);
  words.resize(got > 0 ? static_cast<size_t>(got) : 0);
  while (!words.empty() && words.back() == '\n')
    words.pop_back();
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    return "does not end in real time";
  if (!words.empty())
    return words;
  if (WIFSIGNALED(status))
    return std::string("ended by signal: ") + ::strsignal(WTERMSIG(status));
  return "exited";
}

} // namespace

void run(const forked_work& w) {
  std::vector<worker> workers;
  std::signal(SIGPIPE, SIG_IGN);
  for (;;) {
    while (workers.size() < w.processes)
      workers.push_back(start_worker(w, workers));
    std::vector<pollfd> waiting;
    for (auto& one : workers) {
      if (!one.task && (one.task = w.next()))
        write_frame(one.tasks, *one.task);
      waiting.push_back({one.task ? one.answers : -1, POLLIN, 0});
    }
    auto is_idle = true;
    for (const auto& one : workers)
      is_idle = is_idle && !one.task;
    if (is_idle)
      break;
    if (::poll(waiting.data(), waiting.size(), -1) < 0)
      continue;
    for (size_t i = workers.size(); i-- > 0;) {
      auto& one = workers[i];
      if (waiting[i].revents == 0)
        continue;
      auto task = *std::exchange(one.task, std::nullopt);
      auto answer = read_frame(one.answers);
      if (answer) {
        w.on_end(task, {std::move(answer), {}});
        continue;
      }
      auto words = last_words_of(one);
      close_pipes(one);
      workers.erase(workers.begin() + static_cast<ptrdiff_t>(i));
      w.on_end(task, {std::nullopt, std::move(words)});
    }
  }
  for (auto& one : workers) {
    close_pipes(one);
    ::waitpid(one.pid, nullptr, 0);
  }
}

} // namespace berth::sim
