#include "runtime/cgroup_tree.hpp"

#include "runtime/file_descriptor.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace berth {

namespace {

struct hierarchy_mount {
  std::string root;
  std::string point;
};

bool list_has(const std::string& list, const std::string& name) {
  std::istringstream in{list};
  for (std::string entry; std::getline(in, entry, ',');)
    if (entry == name)
      return true;
  return false;
}

/// /proc/self/mountinfo: id parent major:minor root point options [tags] -
/// type source super-options.
std::optional<hierarchy_mount> find_mount(const std::string& type,
                                          const std::string& controller) {
  std::ifstream in{"/proc/self/mountinfo"};
  for (std::string line; std::getline(in, line);) {
    auto dash = line.find(" - ");
    if (dash == std::string::npos)
      continue;
    std::istringstream front{line.substr(0, dash)};
    std::istringstream back{line.substr(dash + 3)};
    std::string id, parent, device, root, point, found, source, options;
    front >> id >> parent >> device >> root >> point;
    back >> found >> source >> options;
    if (found == type && (controller.empty() || list_has(options, controller)))
      return hierarchy_mount{root, point};
  }
  return std::nullopt;
}

/// /proc/self/cgroup: id:controllers:path; v2 has no controllers there.
std::string own_path(const std::string& controller) {
  std::ifstream in{"/proc/self/cgroup"};
  for (std::string line; std::getline(in, line);) {
    auto first = line.find(':');
    auto second = line.find(':', first + 1);
    if (second == std::string::npos)
      continue;
    auto names = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? names.empty() : list_has(names, controller))
      return line.substr(second + 1);
  }
  return {};
}

/// A mount may show only a part of the hierarchy (containers).
std::string through(const hierarchy_mount& mount, std::string path) {
  if (mount.root != "/" && path.starts_with(mount.root))
    path.erase(0, mount.root.size());
  else if (mount.root != "/")
    path.clear();
  while (!path.empty() && path.back() == '/')
    path.pop_back();
  return mount.point + path;
}

} // namespace

std::optional<std::string> own_cgroup_v1(const std::string& controller) {
  auto mount = find_mount("cgroup", controller);
  if (!mount)
    return std::nullopt;
  return through(*mount, own_path(controller));
}

std::vector<std::string> cgroup_v2_candidates() {
  auto mount = find_mount("cgroup2", {});
  if (!mount)
    return {};
  std::vector<std::string> found{mount->point};
  auto path = through(*mount, own_path({}));
  while (path.size() > mount->point.size()) {
    found.push_back(path);
    path.resize(path.rfind('/'));
  }
  return found;
}

int write_control(const std::string& path, const std::string& value) {
  file_descriptor file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file)
    return errno;
  auto n = write(file.get(), value.data(), value.size());
  return n == static_cast<ssize_t>(value.size()) ? 0 : errno;
}

std::string read_control(const std::string& path) {
  file_descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::string content;
  char buffer[4096];
  while (file) {
    auto n = read(file.get(), buffer, sizeof buffer);
    if (n <= 0)
      break;
    content.append(buffer, static_cast<size_t>(n));
  }
  return content;
}

std::optional<int64_t> control_entry(const std::string& content,
                                     const std::string& key) {
  std::istringstream in{content};
  std::string name;
  int64_t value = 0;
  while (in >> name >> value)
    if (name == key)
      return value;
  return std::nullopt;
}

std::vector<pid_t> processes_in(const std::string& cgroup) {
  std::vector<pid_t> found;
  std::istringstream in{read_control(cgroup + "/cgroup.procs")};
  for (pid_t pid = 0; in >> pid;)
    if (pid > 0)
      found.push_back(pid);
  return found;
}

} // namespace berth
