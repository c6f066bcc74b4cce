#include "runtime/process_tree.hpp"

#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <fstream>
#include <set>
#include <sstream>
#include <unistd.h>

namespace berth {

namespace {

struct process_row {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
};

std::string slurp(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// All processes but zombies.
std::vector<process_row> all_processes() {
  std::vector<process_row> rows;
  DIR* folder = opendir("/proc");
  if (!folder)
    return rows;
  while (auto* entry = readdir(folder)) {
    process_row row;
    row.pid = static_cast<pid_t>(std::atoi(entry->d_name));
    if (row.pid <= 0)
      continue;
    // pid (name) state parent group session ...; a name may hold anything.
    auto stat = slurp("/proc/" + std::string{entry->d_name} + "/stat");
    auto after_name = stat.rfind(')');
    if (after_name == std::string::npos)
      continue;
    std::istringstream in{stat.substr(after_name + 1)};
    char state = 0;
    pid_t group = 0;
    in >> state >> row.parent >> group >> row.session;
    if (in && state != 'Z' && state != 'X')
      rows.push_back(row);
  }
  closedir(folder);
  return rows;
}

bool has_attempt_in_environment(pid_t pid, const attempt_id& attempt) {
  auto block = '\0' + slurp("/proc/" + std::to_string(pid) + "/environ");
  auto has = [&block](std::string variable) {
    variable.insert(0, 1, '\0');
    variable += '\0';
    return block.find(variable) != std::string::npos;
  };
  return has("AWS_BATCH_JOB_ID=" + to_string(attempt.job))
         && has("AWS_BATCH_JOB_ATTEMPT=" + std::to_string(attempt.number));
}

} // namespace

std::vector<pid_t> processes_of_attempt(pid_t main, const attempt_id& attempt) {
  auto rows = all_processes();
  auto self = getpid();
  std::set<pid_t> found;
  // Parents need not come before their children in /proc.
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& row : rows) {
      if (row.pid == self || found.count(row.pid))
        continue;
      if (row.session == main || found.count(row.parent)
          || (row.parent == self
              && has_attempt_in_environment(row.pid, attempt))) {
        found.insert(row.pid);
        grew = true;
      }
    }
  }
  return {found.begin(), found.end()};
}

std::vector<pid_t> children_of_keeper() {
  std::vector<pid_t> list;
  for (const auto& row : all_processes())
    if (row.parent == getpid())
      list.push_back(row.pid);
  return list;
}

void signal_each(const std::vector<pid_t>& processes, int signal) {
  for (auto pid : processes)
    kill(pid, signal);
}

} // namespace berth
