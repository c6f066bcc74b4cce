#include "runtime/keeper.hpp"

#include "actors/keeper_machine.hpp"
#include "runtime/keeper_process.hpp"
#include "runtime/keeper_socket.hpp"
#include "runtime/report_journal.hpp"
#include "runtime/running_attempts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace berth {

namespace {

enum tag : uint64_t {
  signal_tag,
  listener_tag,
  connection_tag,
  first_pipe_tag
};

/// Starts between two looks at everything else; each takes some 0.4 ms.
constexpr size_t starts_per_turn = 4;
/// Starts that wait; beyond, no more requests are read.
constexpr size_t starts_waiting_max = 2000;
constexpr int64_t wait_ms_max = 60'000;

int64_t read_clock(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
}

keeper_clock now() {
  return {read_clock(CLOCK_BOOTTIME), read_clock(CLOCK_REALTIME)};
}

void log_line(const std::string& text) {
  std::fprintf(stderr, "berth keeper: %s\n", text.c_str());
}

keeper_hello make_hello(const keeper_birth& birth,
                        const resource_limits& limits,
                        const keeper_options& options) {
  keeper_hello hello;
  hello.stop_grace_ms = options.stop_grace_ms;
  hello.keeper_start = birth.start_number;
  hello.pid = birth.outside_pid;
  hello.limits_by = limits.description();
  hello.own_pid_namespace = birth.own_pid_namespace;
  return hello;
}

class keeper {
public:
  keeper(const keeper_options& options, const keeper_birth& birth)
      : options_(options),
        limits_({keeper_cgroup_name(options.data_folder),
                 options.hard_cpu_limit, options.rlimits_only}),
        folders_(options.data_folder), epoll_(epoll_create1(EPOLL_CLOEXEC)),
        socket_(epoll_.get(), listener_tag, connection_tag),
        running_(options_, limits_, folders_, epoll_.get(), first_pipe_tag,
                 birth.own_pid_namespace),
        journal_(options.data_folder + "/keeper/reports") {
    std::string warning;
    keeper_settings settings;
    settings.keeper_start = birth.start_number;
    settings.stop_grace_ms = options.stop_grace_ms;
    settings.hello = make_hello(birth, limits_, options);
    machine_.emplace(std::move(settings), journal_.read(warning));
    if (!warning.empty())
      log_line(warning);
  }

  /// Empty, or why it cannot work.
  std::string open() {
    mkdir((options_.data_folder + "/output").c_str(), 0755);
    if (!journal_.rewrite(machine_->journal()))
      return journal_.error();
    sigset_t mask;
    sigemptyset(&mask);
    for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP})
      sigaddset(&mask, signal);
    sigprocmask(SIG_BLOCK, &mask, nullptr);
    signals_ = file_descriptor{signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK)};
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = signal_tag;
    if (!epoll_ || !signals_
        || epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, signals_.get(), &event) != 0
        || !socket_.listen(options_.data_folder))
      return "cannot listen on " + options_.data_folder
             + "/keeper.sock: " + strerror(errno);
    return {};
  }

  void run() {
    while (!is_done_)
      turn();
    unlink((options_.data_folder + "/keeper.sock").c_str());
  }

private:
  int wait_ms() const {
    if (more_starts_ || more_removals_)
      return 0;
    auto wait = running_.is_settling() ? settle_wait_ms : wait_ms_max;
    for (auto due :
         {machine_->next_deadline_ms(), running_.next_partial_line_ms()})
      if (due)
        wait = std::clamp<int64_t>(*due - read_clock(CLOCK_BOOTTIME), 0, wait);
    return static_cast<int>(wait);
  }

  void turn() {
    std::array<epoll_event, 64> events;
    int count = epoll_wait(epoll_.get(), events.data(),
                           static_cast<int>(events.size()), wait_ms());
    auto woken = now();
    for (int i = 0; i < count; ++i)
      handle(events[static_cast<size_t>(i)], woken);
    reap();
    auto clock = now();
    running_.write_partial_lines(clock);
    running_.settle(clock, [&](const auto& attempt, const auto& end) {
      machine_->ended(attempt, end, clock);
    });
    machine_->look_at_clock(clock);
    start_some();
    act();
    socket_.pause_reading(machine_->starts_waiting() > starts_waiting_max);
    more_removals_ = folders_.remove_some(count > 0);
  }

  void handle(const epoll_event& event, const keeper_clock& woken) {
    switch (event.data.u64) {
    case signal_tag:
      return read_signals();
    case listener_tag:
      if (socket_.accept())
        machine_->connected();
      return;
    case connection_tag: {
      auto take = [this](const keeper_request& r) {
        machine_->handle(r, now());
      };
      if ((event.events & ~EPOLLOUT) != 0 && !socket_.read(take))
        lose_agent();
      return;
    }
    default:
      running_.read_output(event.data.u64, woken);
    }
  }

  void read_signals() {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == sizeof info)
      if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
        machine_->shut_down(now());
  }

  /// As process 1, or as a subreaper, this reaps everybody's orphans too.
  void reap() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
      if (auto ended = running_.reaped(pid, status, now()))
        machine_->exited(*ended);
  }

  void start_some() {
    more_starts_ = false;
    for (size_t i = 0; i < starts_per_turn; ++i) {
      auto next = machine_->next_start(now());
      if (!next)
        return;
      auto error = running_.start(*next, machine_->node_environment());
      if (error.empty())
        machine_->started(next->attempt, now());
      else
        machine_->failed_to_start(next->attempt, error, now());
    }
    more_starts_ = true;
  }

  void act() {
    auto actions = machine_->take_actions();
    for (const auto& action : actions) {
      if (const auto* s = std::get_if<signal_attempt>(&action))
        running_.signal(s->attempt, s->kill);
      else if (const auto* r = std::get_if<keep_record>(&action))
        journal_.append(r->record);
      else if (const auto* e = std::get_if<send_to_agent>(&action))
        socket_.append(e->event);
      else if (std::holds_alternative<end_keeper>(action))
        is_done_ = true;
    }
    keep_journal();
    bool is_over = !socket_.flush();
    for (const auto& action : actions)
      is_over |= std::holds_alternative<drop_agent>(action);
    if (is_over)
      lose_agent();
  }

  void keep_journal() {
    bool ok = journal_.write();
    if (ok && journal_.is_due_for_rewrite())
      ok = journal_.rewrite(machine_->journal());
    // Reports are still in memory; the journal only matters once we die.
    if (!ok && !journal_failed_)
      log_line(journal_.error());
    journal_failed_ = !ok;
  }

  void lose_agent() {
    socket_.drop();
    machine_->disconnected();
  }

  const keeper_options options_;
  resource_limits limits_;
  working_folders folders_;
  file_descriptor epoll_;
  file_descriptor signals_;
  keeper_socket socket_;
  running_attempts running_;
  report_journal journal_;
  std::optional<keeper_machine> machine_;
  bool more_starts_ = false;
  bool more_removals_ = true;
  bool journal_failed_ = false;
  bool is_done_ = false;
};

int live(const keeper_options& options, keeper_birth birth) {
  auto say = [&](const std::string& text) {
    [[maybe_unused]] auto n =
        write(birth.ready.get(), text.data(), text.size());
    birth.ready.reset();
  };
  keeper self{options, birth};
  auto problem = self.open();
  if (!problem.empty()) {
    say(problem);
    return 1;
  }
  say("r");
  self.run();
  return 0;
}

} // namespace

int run_keeper(const keeper_options& options) {
  return give_birth(options, [&](keeper_birth birth) {
    return live(options, std::move(birth));
  });
}

} // namespace berth
