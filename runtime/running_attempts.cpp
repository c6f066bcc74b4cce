#include "runtime/running_attempts.hpp"

#include "messages/assert.hpp"
#include "runtime/attempt_environment.hpp"
#include "runtime/attempt_files.hpp"
#include "runtime/process_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr size_t read_bytes = 64 * 1024;
/// Reads from one pipe before the others have their turn.
constexpr int reads_per_turn = 16;
/// Enough to empty any pipe; who still writes to it then is no process of the
/// attempt, and is not waited for.
constexpr int reads_at_end = 64;

int32_t exit_code_of(int wait_status) {
  constexpr int signal_offset = 128;
  return WIFSIGNALED(wait_status) ? signal_offset + WTERMSIG(wait_status)
                                  : WEXITSTATUS(wait_status);
}

process_limit own_open_files_limit() {
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  process_limit before{RLIMIT_NOFILE, now.rlim_cur, now.rlim_max, "nofile"};
  now.rlim_cur = now.rlim_max;
  setrlimit(RLIMIT_NOFILE, &now);
  return before;
}

std::string cannot_create(const std::string& why) {
  return "CannotCreateContainerError: " + why;
}

} // namespace

/// What is gathered before a process exists; what it owns goes with it when the
/// start fails.
struct running_attempts::launch {
  spawn_request request;
  std::unique_ptr<limit_slot> slot;
  std::string own_folder;
  file_descriptor read_end;
  file_descriptor write_end;
};

running_attempts::running_attempts(const keeper_options& options,
                                   resource_limits& limits,
                                   working_folders& folders, int epoll,
                                   uint64_t first_tag, bool own_pid_namespace)
    : options_(options), limits_(limits), folders_(folders), epoll_(epoll),
      next_tag_(first_tag), own_pid_namespace_(own_pid_namespace),
      open_files_(own_open_files_limit()),
      null_(open("/dev/null", O_RDONLY | O_CLOEXEC)), buffer_(read_bytes) {}

std::string running_attempts::prepare_limits(const start_attempt& what,
                                             launch& plan) {
  const auto& container = what.spec->container;
  plan.request.limits = limits_.rlimits(container.needs);
  plan.request.limits.push_back(open_files_);
  auto value = [](int64_t n) {
    return n < 0 ? static_cast<uint64_t>(RLIM_INFINITY)
                 : static_cast<uint64_t>(n);
  };
  for (const auto& limit : container.ulimits) {
    auto resource = find_limit(limit.name);
    if (!resource)
      return cannot_create("invalid ulimit type: " + limit.name);
    plan.request.limits.push_back(
        {*resource, value(limit.soft), value(limit.hard), limit.name});
  }
  if (limits_.by() == resource_limits::kind::rlimits)
    return {};
  std::string error;
  plan.slot = limits_.acquire(container.needs, error);
  if (!plan.slot)
    return cannot_create(error);
  plan.request.cgroup_fds = plan.slot->entry_fds();
  return {};
}

std::string
running_attempts::prepare(const start_attempt& what, launch& plan,
                          const std::vector<key_value>& node_environment) {
  const auto& container = what.spec->container;
  std::string error;
  if (!container.user.empty()) {
    plan.request.user = find_user(container.user, error);
    if (!plan.request.user)
      return cannot_create(error);
  }
  error = prepare_limits(what, plan);
  if (!error.empty())
    return error;
  plan.request.folder = asked_working_folder(*what.spec);
  if (plan.request.folder.empty()) {
    const auto& user = plan.request.user;
    plan.own_folder =
        folders_.make(what.attempt, user ? &*user : nullptr, error);
    if (plan.own_folder.empty())
      return cannot_create(error);
    plan.request.folder = plan.own_folder;
  }
  plan.request.command = container.command;
  plan.request.environment =
      make_attempt_environment(what, node_environment, plan.request.folder);
  int fds[2] = {-1, -1};
  if (pipe2(fds, O_CLOEXEC) != 0)
    return cannot_create(std::string{"pipe: "} + strerror(errno));
  plan.read_end = file_descriptor{fds[0]};
  plan.write_end = file_descriptor{fds[1]};
  // Only our end: the job's must block.
  fcntl(fds[0], F_SETFL, O_NONBLOCK);
  plan.request.input_fd = null_.get();
  plan.request.output_fd = fds[1];
  plan.request.dies_with_parent = !own_pid_namespace_;
  return {};
}

std::string
running_attempts::start(const start_attempt& what,
                        const std::vector<key_value>& node_environment) {
  launch plan;
  auto error = prepare(what, plan, node_environment);
  spawn_outcome outcome;
  if (error.empty()) {
    outcome = spawn_process(plan.request);
    error = outcome.error;
  }
  if (!error.empty()) {
    if (plan.slot)
      limits_.release(std::move(plan.slot), true);
    if (!plan.own_folder.empty())
      folders_.discard(plan.own_folder);
    return error;
  }
  attempt a;
  a.id = what.attempt;
  a.tag = next_tag_++;
  a.pid = outcome.pid;
  a.slot = std::move(plan.slot);
  a.folder = std::move(plan.own_folder);
  a.pipe = std::move(plan.read_end);
  a.output = std::make_unique<output_capture>(
      output_file_path(options_.data_folder, what.attempt),
      options_.output_bytes_max);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = a.tag;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, a.pipe.get(), &event);
  tag_of_attempt_[a.id] = a.tag;
  tag_of_process_[a.pid] = a.tag;
  attempts_.emplace(a.tag, std::move(a));
  return {};
}

/// False when the pipe has ended.
bool running_attempts::read_pipe(attempt& a, int64_t wall_ms, int reads_max) {
  for (int i = 0; i < reads_max && a.pipe; ++i) {
    auto n = read(a.pipe.get(), buffer_.data(), buffer_.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return true;
    if (n <= 0) {
      a.pipe.reset();
      break;
    }
    a.output->take({buffer_.data(), static_cast<size_t>(n)}, wall_ms);
  }
  return static_cast<bool>(a.pipe);
}

void running_attempts::read_output(uint64_t tag, const keeper_clock& now) {
  auto found = attempts_.find(tag);
  if (found == attempts_.end())
    return;
  auto& a = found->second;
  read_pipe(a, now.wall_ms, reads_per_turn);
  a.read_boottime_ms = now.boottime_ms;
  if (!a.output->has_partial_line() || std::exchange(a.is_partial, true))
    return;
  partial_lines_.push_back({now.boottime_ms + partial_line_ms_max, tag});
}

void running_attempts::write_partial_lines(const keeper_clock& now) {
  while (!partial_lines_.empty()
         && partial_lines_.front().due_ms <= now.boottime_ms) {
    auto tag = partial_lines_.front().tag;
    partial_lines_.pop_front();
    auto found = attempts_.find(tag);
    if (found == attempts_.end())
      continue;
    auto& a = found->second;
    a.is_partial = false;
    if (!a.output->has_partial_line())
      continue;
    auto due_ms = a.read_boottime_ms + partial_line_ms_max;
    if (due_ms <= now.boottime_ms) {
      a.output->write_partial_line(now.wall_ms);
    } else {
      a.is_partial = true;
      partial_lines_.push_back({due_ms, tag});
    }
  }
}

std::optional<int64_t> running_attempts::next_partial_line_ms() const {
  if (partial_lines_.empty())
    return std::nullopt;
  return partial_lines_.front().due_ms;
}

std::optional<attempt_id> running_attempts::reaped(pid_t pid, int wait_status,
                                                   const keeper_clock& now) {
  auto found = tag_of_process_.find(pid);
  if (found == tag_of_process_.end())
    return std::nullopt;
  auto& a = attempts_.at(found->second);
  a.is_reaped = true;
  a.exit_code = exit_code_of(wait_status);
  endings_.reaped(a.id, now.boottime_ms);
  tag_of_process_.erase(found);
  return a.id;
}

/// A child of ours that is nobody's main process is somebody's orphan; while
/// there is none, no process can have outlived its main process.
std::vector<pid_t>
running_attempts::tree_without_cgroup(const attempt& a) const {
  if (a.is_reaped) {
    auto children = children_of_keeper();
    auto is_orphan = [this](pid_t pid) { return !tag_of_process_.count(pid); };
    if (std::none_of(children.begin(), children.end(), is_orphan))
      return {};
    if (attempts_.size() == 1) {
      std::erase_if(children, [&](pid_t pid) { return !is_orphan(pid); });
      return children;
    }
  }
  return processes_of_attempt(a.pid, a.id);
}

bool running_attempts::is_tree_gone(const attempt& a) const {
  return a.slot ? a.slot->is_empty() : tree_without_cgroup(a).empty();
}

void running_attempts::kill_tree(const attempt& a) const {
  if (a.slot)
    a.slot->kill_all();
  else
    signal_each(tree_without_cgroup(a), SIGKILL);
}

void running_attempts::signal(const attempt_id& id, bool kill) {
  auto found = tag_of_attempt_.find(id);
  if (found == tag_of_attempt_.end())
    return;
  const auto& a = attempts_.at(found->second);
  if (kill)
    kill_tree(a);
  else if (a.slot)
    a.slot->signal_all(SIGTERM);
  else
    signal_each(tree_without_cgroup(a), SIGTERM);
}

process_end running_attempts::finish(attempt& a, bool is_tree_gone,
                                     int64_t wall_ms) {
  process_end end;
  end.exit_code = a.exit_code;
  read_pipe(a, wall_ms, reads_at_end);
  a.output->finish(wall_ms);
  if (!a.output->problem().empty())
    std::fprintf(stderr, "berth keeper: output of %s is incomplete: %s\n",
                 to_string(a.id.job).c_str(), a.output->problem().c_str());
  if (a.slot) {
    end.out_of_memory = a.slot->take_out_of_memory();
    limits_.release(std::move(a.slot), is_tree_gone);
  }
  if (!a.folder.empty())
    folders_.discard(a.folder);
  return end;
}

class running_attempts::settling final : public attempt_processes {
public:
  settling(running_attempts& all, const keeper_clock& now, const on_end& tell)
      : all_(all), now_(now), tell_(tell) {}

  bool is_tree_gone(const attempt_id& id) const override {
    return all_.is_tree_gone(find(id));
  }
  void kill_tree(const attempt_id& id) override { all_.kill_tree(find(id)); }
  void tree_ended(const attempt_id& id, bool is_gone) override {
    if (!is_gone)
      std::fprintf(stderr,
                   "berth keeper: processes of %s do not die of SIGKILL\n",
                   to_string(id.job).c_str());
    auto& a = find(id);
    auto end = all_.finish(a, is_gone, now_.wall_ms);
    all_.attempts_.erase(a.tag);
    all_.tag_of_attempt_.erase(id);
    tell_(id, end);
  }

private:
  attempt& find(const attempt_id& id) const {
    return all_.attempts_.at(all_.tag_of_attempt_.at(id));
  }

  running_attempts& all_;
  const keeper_clock& now_;
  const on_end& tell_;
};

void running_attempts::settle(const keeper_clock& now, const on_end& tell) {
  settling host{*this, now, tell};
  endings_.settle(now.boottime_ms, host);
}

} // namespace berth
