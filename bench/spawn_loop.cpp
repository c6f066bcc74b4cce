#include "bench/spawn_loop.hpp"

#include "messages/assert.hpp"
#include "runtime/cgroup_tree.hpp"
#include "runtime/file_descriptor.hpp"

#include <array>
#include <chrono>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace berth {

namespace {

constexpr size_t in_flight = 2;
char program[] = "/bin/true";
char* const arguments[] = {program, nullptr};
char* const no_variables[] = {nullptr};

/// One of the two places in which a child runs.
struct place {
  std::vector<std::string> cgroups;
  std::vector<file_descriptor> entries;
  pid_t pid = -1;
  file_descriptor output;
  std::string folder;
};

void make_cgroups(place& p, size_t index) {
  for (const char* controller : {"memory", "cpu", "pids"}) {
    auto base = own_cgroup_v1(controller);
    if (!base)
      continue;
    auto own = *base + "/berth-bench-" + std::to_string(getpid()) + '-'
               + std::to_string(index);
    mkdir(own.c_str(), 0755);
    write_control(own + "/memory.limit_in_bytes", "268435456");
    write_control(own + "/cpu.shares", "1024");
    file_descriptor entry{
        open((own + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)};
    if (!entry)
      continue;
    p.cgroups.push_back(own);
    p.entries.push_back(std::move(entry));
  }
}

/// vfork, for posix_spawn can neither enter a cgroup nor change the folder.
void start_as_keeper(place& p, size_t number, const std::string& folder) {
  p.folder = folder + '/' + std::to_string(number);
  int fds[2] = {-1, -1};
  bool made = mkdir(p.folder.c_str(), 0755) == 0 && pipe2(fds, O_CLOEXEC) == 0;
  BERTH_ASSERT(made, "the machine has room for a folder and a pipe");
  p.output = file_descriptor{fds[0]};
  file_descriptor write_end{fds[1]};
  p.pid = vfork();
  if (p.pid == 0) {
    setsid();
    for (const auto& entry : p.entries)
      if (write(entry.get(), "0", 1) != 1)
        _exit(1);
    if (chdir(p.folder.c_str()) != 0 || dup2(fds[1], 1) < 0
        || dup2(fds[1], 2) < 0)
      _exit(1);
    execve(program, arguments, no_variables);
    _exit(1);
  }
}

void start_bare(place& p) {
  int error =
      posix_spawn(&p.pid, program, nullptr, nullptr, arguments, no_variables);
  BERTH_ASSERT(error == 0, "/bin/true can be started");
}

void clean_up(place& p) {
  char byte = 0;
  if (p.output)
    while (read(p.output.get(), &byte, 1) > 0) {
    }
  p.output.reset();
  if (!p.folder.empty())
    rmdir(p.folder.c_str());
  p.folder.clear();
}

} // namespace

double run_spawn_loop(spawn_loop_kind kind, size_t children,
                      const std::string& folder) {
  std::array<place, in_flight> places;
  if (kind == spawn_loop_kind::as_keeper)
    for (size_t i = 0; i < places.size(); ++i)
      make_cgroups(places[i], i);
  auto begin = std::chrono::steady_clock::now();
  size_t started = 0;
  auto start = [&](place& p) {
    if (started++ >= children)
      return;
    if (kind == spawn_loop_kind::bare)
      start_bare(p);
    else
      start_as_keeper(p, started, folder);
  };
  for (auto& p : places)
    start(p);
  for (size_t done = 0; done < children; ++done) {
    int status = 0;
    auto pid = waitpid(-1, &status, 0);
    BERTH_ASSERT(status == 0, "/bin/true ends well");
    auto& p = places[0].pid == pid ? places[0] : places[1];
    clean_up(p);
    start(p);
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  for (auto& p : places)
    for (const auto& cgroup : p.cgroups)
      rmdir(cgroup.c_str());
  return static_cast<double>(children) / took.count();
}

} // namespace berth
