#include "runtime/process_spawner.hpp"

#include "runtime/attempt_environment.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth {

namespace {

enum class step { cgroup, limit, user, folder, output, exec };

/// What the child needs, and where it says how far it came. It shares our
/// memory: no allocation, no lock, no library state beyond `errno`. Nor does
/// AddressSanitizer watch it: its functions do not return, so the next child
/// would find their marks on the stack.
struct child_plan {
  const spawn_request* request = nullptr;
  /// Candidates for the exec, in the order of PATH.
  std::vector<char*> paths;
  std::vector<char*> arguments;
  std::vector<char*> variables;
  step failed_step = step::exec;
  const process_limit* failed_limit = nullptr;
  int failure = 0;
};

/// Raw system calls: glibc's setuid family signals the threads of the process
/// whose memory the child shares.
[[gnu::no_sanitize_address]] int become(const process_user& user) {
  if (syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0)
    return errno;
  if (syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0)
    return errno;
  if (syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0)
    return errno;
  return 0;
}

[[gnu::no_sanitize_address]] int fail(child_plan& plan, step at, int error) {
  plan.failed_step = at;
  plan.failure = error;
  return 127;
}

/// As the shell does: a file that may not be executed is passed over, but named
/// if nothing else is found.
[[gnu::no_sanitize_address]] int execute(child_plan& plan) {
  int error = ENOENT;
  for (auto* path : plan.paths) {
    execve(path, plan.arguments.data(), plan.variables.data());
    if (errno != ENOENT && errno != ENOTDIR)
      error = errno;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
      break;
  }
  return fail(plan, step::exec, error);
}

[[gnu::no_sanitize_address]] int run_child(void* argument) {
  auto& plan = *static_cast<child_plan*>(argument);
  const auto& request = *plan.request;
  if (request.dies_with_parent)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  for (int fd : request.cgroup_fds)
    if (write(fd, "0", 1) != 1)
      return fail(plan, step::cgroup, errno);
  for (const auto& limit : request.limits) {
    rlimit value{limit.soft, limit.hard};
    if (syscall(SYS_prlimit64, 0, limit.resource, &value, nullptr) != 0) {
      plan.failed_limit = &limit;
      return fail(plan, step::limit, errno);
    }
  }
  // Before it becomes somebody who may not walk through the data folder.
  if (chdir(request.folder.c_str()) != 0)
    return fail(plan, step::folder, errno);
  if (request.user)
    if (int error = become(*request.user))
      return fail(plan, step::user, error);
  if (dup2(request.input_fd, STDIN_FILENO) < 0
      || dup2(request.output_fd, STDOUT_FILENO) < 0
      || dup2(request.output_fd, STDERR_FILENO) < 0)
    return fail(plan, step::output, errno);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  return execute(plan);
}

std::vector<std::string> candidates(const spawn_request& request) {
  const auto& name = request.command.front();
  if (name.find('/') != std::string::npos)
    return {name};
  std::vector<std::string> paths;
  auto path = value_in(request.environment, "PATH");
  for (size_t at = 0; at <= path.size();) {
    auto end = path.find(':', at);
    if (end == std::string::npos)
      end = path.size();
    auto folder = path.substr(at, end - at);
    paths.push_back(folder.empty() ? name : folder + '/' + name);
    at = end + 1;
  }
  return paths;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (const auto& s : strings)
    list.push_back(const_cast<char*>(s.c_str()));
  list.push_back(nullptr);
  return list;
}

std::string lower_case_error(int error) {
  std::string text = strerror(error);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z')
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

std::string describe_exec_failure(const std::string& name, int error) {
  auto quoted = "exec: \"" + name + "\": ";
  bool is_path = name.find('/') != std::string::npos;
  if (error == ENOENT && !is_path)
    return quoted + "executable file not found in $PATH";
  if (error == ENOENT && access(name.c_str(), F_OK) != 0)
    return quoted + "stat " + name + ": no such file or directory";
  return quoted + lower_case_error(error);
}

std::string describe_failure(const child_plan& plan) {
  const auto& request = *plan.request;
  auto why = lower_case_error(plan.failure);
  switch (plan.failed_step) {
  case step::cgroup:
    return "cannot enter the cgroup of its limits: " + why;
  case step::limit:
    return "setting ulimit " + plan.failed_limit->name + " to "
           + std::to_string(static_cast<int64_t>(plan.failed_limit->soft)) + ":"
           + std::to_string(static_cast<int64_t>(plan.failed_limit->hard))
           + ": " + why;
  case step::user:
    return "becoming user " + std::to_string(request.user->uid) + ": " + why;
  case step::folder:
    return "chdir to cwd (\"" + request.folder + "\"): " + why;
  case step::output:
    return "connecting stdout and stderr: " + why;
  case step::exec:
    break;
  }
  return describe_exec_failure(request.command.front(), plan.failure);
}

/// What no exec could pass on; empty = nothing.
std::string find_bad_argument(const spawn_request& request) {
  if (request.command.empty() || request.command.front().empty())
    return "exec: \"\": no command specified";
  for (const auto& argument : request.command)
    if (argument.find('\0') != std::string::npos)
      return "exec: \"" + request.command.front()
             + "\": an argument holds a zero byte";
  return {};
}

constexpr size_t child_stack_bytes = 64 * 1024;
alignas(16) char child_stack[child_stack_bytes];

} // namespace

std::string cannot_start(const std::string& problem) {
  std::string quoted;
  for (char c : problem) {
    if (c == '"' || c == '\\')
      quoted += '\\';
    quoted += c;
  }
  return "CannotStartContainerError: Error response from daemon: OCI runtime "
         "create failed: container_linux.go:348: starting container process "
         "caused \""
         + quoted + "\": unknown";
}

spawn_outcome spawn_process(const spawn_request& request) {
  auto bad = find_bad_argument(request);
  if (!bad.empty())
    return {-1, cannot_start(bad)};
  auto paths = candidates(request);
  child_plan plan;
  plan.request = &request;
  plan.paths = pointers(paths);
  plan.paths.pop_back();
  plan.arguments = pointers(request.command);
  plan.variables = pointers(request.environment);
  // A handler of ours must not run in the child on our memory.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  auto pid = clone(run_child, child_stack + child_stack_bytes,
                   CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
  int error = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0)
    return {-1, cannot_start("fork: " + lower_case_error(error))};
  if (plan.failure == 0)
    return {pid, {}};
  waitpid(pid, nullptr, 0);
  return {-1, cannot_start(describe_failure(plan))};
}

} // namespace berth
