#include "runtime/keeper_process.hpp"

#include "runtime/cgroup_tree.hpp"
#include "runtime/resource_limits.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sstream>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr int old_keeper_wait_ms = 60'000;

struct pipe_ends {
  file_descriptor read;
  file_descriptor write;
};

pipe_ends make_pipe() {
  int fds[2] = {-1, -1};
  if (pipe2(fds, O_CLOEXEC) != 0)
    return {};
  return {file_descriptor{fds[0]}, file_descriptor{fds[1]}};
}

int complain(const std::string& what) {
  std::fprintf(stderr, "berth keeper: %s\n", what.c_str());
  return 1;
}

std::string with_errno(const std::string& what) {
  return what + ": " + strerror(errno);
}

/// A process as nobody else will be again: pid, start time in ticks, boot.
std::string identity_of(pid_t pid) {
  auto stat = read_control("/proc/" + std::to_string(pid) + "/stat");
  auto after_name = stat.rfind(')');
  if (after_name == std::string::npos)
    return {};
  std::istringstream in{stat.substr(after_name + 1)};
  std::string field;
  // Field 22 of the file, the 20th after the name.
  for (int i = 0; i < 20; ++i)
    in >> field;
  return std::to_string(pid) + ' ' + field + ' '
         + read_control("/proc/sys/kernel/random/boot_id");
}

/// A keeper that is process 1 of a namespace has ended, for a pidfd, when all
/// processes of the namespace have; its lock is gone earlier.
bool wait_for_old_keeper(const std::string& folder) {
  auto recorded = read_control(folder + "/keeper/process");
  pid_t pid = 0;
  std::from_chars(recorded.data(), recorded.data() + recorded.size(), pid);
  if (pid <= 0 || identity_of(pid) != recorded)
    return true;
  file_descriptor process{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
  if (!process || identity_of(pid) != recorded)
    return true;
  pollfd p{process.get(), POLLIN, 0};
  return poll(&p, 1, old_keeper_wait_ms) > 0;
}

/// The next number, durable when this returns; 0 and errno set otherwise.
uint64_t take_start_number(const std::string& folder) {
  auto path = folder + "/keeper/session";
  auto text = read_control(path);
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  ++number;
  auto temporary = path + ".new";
  file_descriptor file{
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  auto line = std::to_string(number) + '\n';
  if (!file
      || write(file.get(), line.data(), line.size())
             != static_cast<ssize_t>(line.size())
      || fsync(file.get()) != 0 || rename(temporary.c_str(), path.c_str()) != 0)
    return 0;
  file_descriptor parent{
      open((folder + "/keeper").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return fsync(parent.get()) == 0 ? number : 0;
}

bool write_file(const std::string& path, const std::string& text) {
  file_descriptor file{
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  return file
         && write(file.get(), text.data(), text.size())
                == static_cast<ssize_t>(text.size());
}

/// In the new namespaces: a /proc that shows them. False when it must not be.
bool settle_in_namespace(uid_t uid, gid_t gid, bool in_user_namespace) {
  if (in_user_namespace) {
    auto map = [](uint64_t id) {
      return std::to_string(id) + ' ' + std::to_string(id) + " 1";
    };
    if (write_control("/proc/self/setgroups", "deny") != 0
        || write_control("/proc/self/uid_map", map(uid)) != 0
        || write_control("/proc/self/gid_map", map(gid)) != 0)
      return false;
  }
  return mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0
         && mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                  nullptr)
                == 0;
}

struct child_process {
  pid_t pid = -1;
  bool own_pid_namespace = false;
  /// Tells the child that its parent has noted who it is.
  file_descriptor go;
  /// What the child says when it is ready.
  file_descriptor ready;
};

/// In the parent: the child, which has settled. In the child: pid 0, where `go`
/// is to be read and `ready` to be written.
child_process make_child(int flags) {
  auto settled = make_pipe();
  auto go = make_pipe();
  auto ready = make_pipe();
  if (!settled.read || !go.read || !ready.read)
    return {};
  auto uid = geteuid();
  auto gid = getegid();
  // As fork, for this process has one thread; glibc's own takes no flags.
  auto pid = static_cast<pid_t>(
      syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid < 0)
    return {};
  bool apart = (flags & CLONE_NEWPID) != 0;
  if (pid == 0) {
    if (apart && !settle_in_namespace(uid, gid, (flags & CLONE_NEWUSER) != 0))
      _exit(1);
    if (write(settled.write.get(), "s", 1) != 1)
      _exit(1);
    return {0, apart, std::move(go.read), std::move(ready.write)};
  }
  settled.write.reset();
  char byte = 0;
  if (read(settled.read.get(), &byte, 1) == 1)
    return {pid, apart, std::move(go.write), std::move(ready.read)};
  waitpid(pid, nullptr, 0);
  return {};
}

child_process make_best_child(const keeper_options& options) {
  if (!options.shared_pid_namespace) {
    for (int flags : {CLONE_NEWPID | CLONE_NEWNS,
                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS}) {
      auto child = make_child(flags);
      if (child.pid >= 0)
        return child;
    }
  }
  return make_child(0);
}

/// Nothing of whoever started us may reach the jobs.
void shed_inheritance() {
  syscall(SYS_close_range, 3U, ~0U, 0U);
  // By the system call: glibc's sigaction keeps two signals for itself, and its
  // posix_spawn may have left them ignored. All zero is SIG_DFL, no flags, no
  // mask.
  constexpr std::array<unsigned long, 4> by_default{};
  constexpr size_t kernel_mask_bytes = 8;
  for (int signal = 1; signal < NSIG; ++signal)
    syscall(SYS_rt_sigaction, signal, by_default.data(), nullptr,
            kernel_mask_bytes);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(022);
}

int run_child(child_process self, uint64_t start_number,
              const std::function<int(keeper_birth)>& body) {
  setsid();
  if (!self.own_pid_namespace)
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t outside = 0;
  if (read(self.go.get(), &outside, sizeof outside) != sizeof outside)
    return 1;
  return body(
      {start_number, outside, self.own_pid_namespace, std::move(self.ready)});
}

/// In the parent, to the end: 0 when the child answers.
int see_off(child_process child, const std::string& folder, int lock) {
  auto line = std::to_string(child.pid) + '\n';
  bool is_noted =
      ftruncate(lock, 0) == 0
      && pwrite(lock, line.data(), line.size(), 0)
             == static_cast<ssize_t>(line.size())
      && write_file(folder + "/keeper/process", identity_of(child.pid));
  if (!is_noted) {
    auto why = with_errno("cannot note the keeper's process in " + folder);
    kill(child.pid, SIGKILL);
    return complain(why);
  }
  if (write(child.go.get(), &child.pid, sizeof child.pid) != sizeof child.pid)
    return complain("the keeper ended before it began");
  std::string said;
  char buffer[512];
  ssize_t n = 0;
  while ((n = read(child.ready.get(), buffer, sizeof buffer)) > 0)
    said.append(buffer, static_cast<size_t>(n));
  if (said == "r")
    return 0;
  if (!said.empty())
    return complain(said);
  complain("the keeper died while it started");
  return keeper_exit_died;
}

} // namespace

std::string keeper_cgroup_name(const std::string& data_folder) {
  struct stat s = {};
  stat(data_folder.c_str(), &s);
  return std::to_string(s.st_dev) + '-' + std::to_string(s.st_ino);
}

int give_birth(const keeper_options& options,
               const std::function<int(keeper_birth)>& body) {
  const auto& folder = options.data_folder;
  shed_inheritance();
  if (mkdir((folder + "/keeper").c_str(), 0700) != 0 && errno != EEXIST)
    return complain(with_errno("cannot make " + folder + "/keeper"));
  auto pid_path = folder + "/keeper.pid";
  file_descriptor lock{
      open(pid_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (!lock)
    return complain(with_errno("cannot open " + pid_path));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    complain("another keeper works in " + folder);
    return keeper_exit_busy;
  }
  if (!wait_for_old_keeper(folder))
    return complain("the last keeper's processes do not end; its pid is in "
                    + folder + "/keeper/process");
  cgroup_settings cgroups{keeper_cgroup_name(folder), false, false};
  if (!resource_limits::end_leftovers(cgroups))
    return complain("processes of the last keeper's jobs do not end; they are "
                    "in cgroups named "
                    + (keeper_cgroup_prefix + cgroups.name));
  resource_limits::remove_orphans(cgroups);
  auto number = take_start_number(folder);
  if (number == 0)
    return complain(with_errno("cannot write " + folder + "/keeper/session"));
  auto child = make_best_child(options);
  if (child.pid < 0)
    return complain(with_errno("cannot start a process"));
  if (child.pid == 0) {
    auto status = run_child(std::move(child), number, body);
    _exit(status);
  }
  return see_off(std::move(child), folder, lock.get());
}

} // namespace berth
