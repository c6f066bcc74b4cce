#include "runtime/resource_limits.hpp"

#include "runtime/cgroup_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr int64_t mib = 1024 * 1024;
constexpr int64_t cpu_period_us = 100'000;
constexpr int64_t cpu_shares_per_vcpu = 1024;
constexpr int64_t cpu_shares_min = 2;
/// A slot that holds more than this part of its memory after an attempt is
/// looked at closely.
constexpr int64_t leftover_part = 4;
constexpr int leftover_waits_max = 500;
constexpr int leftover_wait_ms = 10;
constexpr int lock_waits_max = 500;
constexpr int lock_wait_ms = 10;
/// RLIMIT_DATA below this stops programs before their first instruction.
constexpr int64_t rlimit_data_min = 16 * mib;

bool make_folder(const std::string& path) {
  return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

file_descriptor open_control(const std::string& path, int flags) {
  return file_descriptor{open(path.c_str(), flags | O_CLOEXEC)};
}

std::string read_again(const file_descriptor& file) {
  char buffer[512];
  auto n = pread(file.get(), buffer, sizeof buffer, 0);
  return {buffer, n < 0 ? 0 : static_cast<size_t>(n)};
}

int64_t number_in(const std::string& text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int64_t shares_for(const resources& needs) {
  return std::max(cpu_shares_min,
                  needs.vcpu_milli * cpu_shares_per_vcpu / 1000);
}

std::vector<std::string> subfolders(const std::string& path) {
  std::vector<std::string> found;
  DIR* folder = opendir(path.c_str());
  if (!folder)
    return found;
  while (auto* entry = readdir(folder))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
      found.push_back(path + '/' + entry->d_name);
  closedir(folder);
  return found;
}

/// Where keepers make their folders, in any hierarchy.
std::vector<std::string> base_folders() {
  std::vector<std::string> found;
  for (const char* controller : {"memory", "cpu", "pids"})
    if (auto base = own_cgroup_v1(controller))
      found.push_back(*base);
  for (const auto& base : cgroup_v2_candidates())
    found.push_back(base);
  return found;
}

std::string own_folder(const std::string& base,
                       const cgroup_settings& settings) {
  return base + "/" + keeper_cgroup_prefix + settings.name;
}

/// A lock on a folder that is still there; nothing when somebody else has it.
file_descriptor lock_folder(const std::string& path) {
  file_descriptor folder{
      open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  struct stat locked = {};
  struct stat named = {};
  if (!folder || flock(folder.get(), LOCK_EX | LOCK_NB) != 0
      || fstat(folder.get(), &locked) != 0 || stat(path.c_str(), &named) != 0
      || locked.st_ino != named.st_ino)
    return {};
  return folder;
}

void remove_orphan(const std::string& folder) {
  // Held until it is gone, so that no keeper moves in meanwhile.
  auto lock = lock_folder(folder);
  if (!lock)
    return;
  for (const auto& slot : subfolders(folder))
    rmdir(slot.c_str());
  rmdir(folder.c_str());
}

} // namespace

// One slot

bool limit_slot::is_empty() const {
  if (!count_file_)
    return processes_in(folders_.front()).empty();
  auto text = read_again(count_file_);
  return is_v2_ ? control_entry(text, "populated") == 0 : number_in(text) == 0;
}

size_t limit_slot::signal_all(int signal) const {
  auto all = processes_in(pids_.empty() ? folders_.front() : pids_);
  for (auto pid : all)
    kill(pid, signal);
  return all.size();
}

void limit_slot::kill_all() const {
  if (is_v2_ && write_control(folders_.front() + "/cgroup.kill", "1") == 0)
    return;
  if (pids_.empty()) {
    signal_all(SIGKILL);
    return;
  }
  write_control(pids_ + "/pids.max", "0");
  signal_all(SIGKILL);
  write_control(pids_ + "/pids.max", "max");
}

bool limit_slot::take_out_of_memory() {
  if (!oom_file_)
    return false;
  auto kills = control_entry(read_again(oom_file_), "oom_kill").value_or(0);
  return std::exchange(oom_kills_, kills) < kills;
}

// All of them

resource_limits::resource_limits(cgroup_settings settings)
    : settings_(std::move(settings)) {
  if (settings_.rlimits_only)
    return;
  if (find_v2()) {
    kind_ = kind::cgroup_v2;
    if (works())
      return;
  }
  if (find_v1()) {
    kind_ = kind::cgroup_v1;
    if (works())
      return;
  }
  kind_ = kind::rlimits;
  memory_ = cpu_ = pids_ = {};
}

resource_limits::~resource_limits() {
  for (const auto& slot : free_)
    remove(*slot);
  for (const auto& base : base_folders())
    rmdir(own_folder(base, settings_).c_str());
}

bool resource_limits::make_own(const std::string& folder) {
  // Who cleans up after others holds the lock for a moment.
  for (int i = 0; i < lock_waits_max; ++i) {
    if (!make_folder(folder))
      return false;
    if (auto lock = lock_folder(folder)) {
      locks_.push_back(std::move(lock));
      return true;
    }
    poll(nullptr, 0, lock_wait_ms);
  }
  return false;
}

bool resource_limits::find_v1() {
  auto make = [this](const char* controller) -> std::string {
    auto base = own_cgroup_v1(controller);
    auto own = base ? own_folder(*base, settings_) : std::string{};
    return !own.empty() && make_own(own) ? own : std::string{};
  };
  memory_ = make("memory");
  if (memory_.empty())
    return false;
  write_control(memory_ + "/memory.use_hierarchy", "1");
  cpu_ = make("cpu");
  pids_ = make("pids");
  return true;
}

bool resource_limits::find_v2() {
  for (const auto& base : cgroup_v2_candidates()) {
    auto controllers = read_control(base + "/cgroup.controllers");
    if (controllers.find("memory") == std::string::npos)
      continue;
    write_control(base + "/cgroup.subtree_control", "+memory");
    write_control(base + "/cgroup.subtree_control", "+cpu");
    write_control(base + "/cgroup.subtree_control", "+pids");
    auto own = own_folder(base, settings_);
    if (!make_own(own))
      continue;
    if (write_control(own + "/cgroup.subtree_control", "+memory") != 0) {
      rmdir(own.c_str());
      continue;
    }
    auto has_cpu = write_control(own + "/cgroup.subtree_control", "+cpu") == 0;
    write_control(own + "/cgroup.subtree_control", "+pids");
    memory_ = own;
    cpu_ = has_cpu ? own : std::string{};
    return true;
  }
  return false;
}

std::string resource_limits::description() const {
  switch (kind_) {
  case kind::rlimits:
    return "rlimits";
  case kind::cgroup_v2:
    return cpu_.empty() ? "cgroup v2 (memory)" : "cgroup v2 (memory, cpu)";
  case kind::cgroup_v1:
    break;
  }
  std::string text = "cgroup v1 (memory";
  if (!cpu_.empty())
    text += ", cpu";
  if (!pids_.empty())
    text += ", pids";
  return text + ')';
}

std::unique_ptr<limit_slot> resource_limits::make_slot(std::string& error) {
  auto slot = std::make_unique<limit_slot>();
  slot->is_v2_ = kind_ == kind::cgroup_v2;
  auto name = "/slot-" + std::to_string(slots_made_++);
  auto enter = [&](const std::string& parent, std::string& own) {
    if (parent.empty())
      return true;
    own = parent + name;
    bool is_known = std::find(slot->folders_.begin(), slot->folders_.end(), own)
                    != slot->folders_.end();
    if (is_known)
      return true;
    auto made = make_folder(own);
    auto file = open_control(own + "/cgroup.procs", O_WRONLY);
    if (!made || !file) {
      error = "cannot make the cgroup " + own + ": " + strerror(errno);
      return false;
    }
    slot->folders_.push_back(own);
    slot->entry_fds_.push_back(file.get());
    slot->files_.push_back(std::move(file));
    return true;
  };
  if (!enter(memory_, slot->memory_) || !enter(cpu_, slot->cpu_)
      || !enter(pids_, slot->pids_)) {
    remove(*slot);
    return nullptr;
  }
  const auto& first = slot->folders_.front();
  if (slot->is_v2_) {
    write_control(first + "/memory.oom.group", "1");
    write_control(first + "/memory.swap.max", "0");
    slot->count_file_ = open_control(first + "/cgroup.events", O_RDONLY);
    slot->oom_file_ = open_control(first + "/memory.events", O_RDONLY);
    slot->usage_file_ = open_control(first + "/memory.current", O_RDONLY);
    return slot;
  }
  if (!slot->pids_.empty())
    slot->count_file_ = open_control(slot->pids_ + "/pids.current", O_RDONLY);
  slot->oom_file_ = open_control(first + "/memory.oom_control", O_RDONLY);
  slot->usage_file_ = open_control(first + "/memory.usage_in_bytes", O_RDONLY);
  return slot;
}

int resource_limits::set_limits(limit_slot& slot,
                                const resources& needs) const {
  auto bytes = needs.memory_mib > 0 ? std::to_string(needs.memory_mib * mib)
               : slot.is_v2_        ? std::string{"max"}
                                    : std::string{"-1"};
  auto quota = std::max<int64_t>(1000, needs.vcpu_milli * cpu_period_us / 1000);
  auto hard_cpu = settings_.hard_cpu_limit ? std::to_string(quota) : "-1";
  if (slot.is_v2_) {
    if (int error = write_control(slot.memory_ + "/memory.max", bytes))
      return error;
    if (slot.cpu_.empty())
      return 0;
    // The kernel's own mapping of shares (2 to 2^18) to weights (1 to 10^4).
    auto weight = std::clamp<int64_t>(
        1 + (shares_for(needs) - 2) * 9999 / 262'142, 1, 10'000);
    write_control(slot.cpu_ + "/cpu.max",
                  (settings_.hard_cpu_limit ? hard_cpu : "max") + " 100000");
    return write_control(slot.cpu_ + "/cpu.weight", std::to_string(weight));
  }
  // With swap accounted for, memory + swap may never be the lower limit.
  auto swap = slot.memory_ + "/memory.memsw.limit_in_bytes";
  write_control(swap, "-1");
  auto memory = slot.memory_ + "/memory.limit_in_bytes";
  if (int error = write_control(memory, bytes))
    return error;
  write_control(swap, bytes);
  if (slot.cpu_.empty())
    return 0;
  write_control(slot.cpu_ + "/cpu.cfs_quota_us", hard_cpu);
  return write_control(slot.cpu_ + "/cpu.shares",
                       std::to_string(shares_for(needs)));
}

std::unique_ptr<limit_slot> resource_limits::acquire(const resources& needs,
                                                     std::string& error) {
  auto is_set = [&](const auto& slot) {
    return slot->is_set_ && slot->set_for_ == needs;
  };
  auto found = std::find_if(free_.rbegin(), free_.rend(), is_set);
  if (found != free_.rend()) {
    auto slot = std::move(*found);
    free_.erase(std::next(found).base());
    return slot;
  }
  std::unique_ptr<limit_slot> slot;
  if (!free_.empty()) {
    slot = std::move(free_.back());
    free_.pop_back();
    if (set_limits(*slot, needs) != 0) {
      remove(*slot);
      slot.reset();
    }
  }
  if (!slot) {
    slot = make_slot(error);
    if (!slot)
      return nullptr;
    if (int code = set_limits(*slot, needs)) {
      error =
          "cannot set the limits " + to_string(needs) + ": " + strerror(code);
      remove(*slot);
      return nullptr;
    }
  }
  slot->set_for_ = needs;
  slot->is_set_ = true;
  return slot;
}

/// Files in memory (tmpfs, shared memory) outlive their processes and would
/// weigh on the next attempt; mere page cache gives way.
bool resource_limits::has_leftovers(const limit_slot& slot) const {
  auto limit = slot.set_for_.memory_mib * mib;
  auto used = number_in(read_again(slot.usage_file_));
  if (used <= limit / leftover_part)
    return false;
  auto stat = read_control(slot.memory_ + "/memory.stat");
  return control_entry(stat, "shmem").value_or(0) > limit / leftover_part / 4;
}

void resource_limits::release(std::unique_ptr<limit_slot> slot, bool is_empty) {
  if (!is_empty || has_leftovers(*slot)) {
    remove(*slot);
    return;
  }
  free_.push_back(std::move(slot));
}

void resource_limits::remove(const limit_slot& slot) {
  for (const auto& folder : slot.folders_)
    rmdir(folder.c_str());
}

std::vector<process_limit>
resource_limits::rlimits(const resources& needs) const {
  if (kind_ != kind::rlimits || needs.memory_mib <= 0)
    return {};
  auto bytes = std::max(rlimit_data_min, needs.memory_mib * mib);
  rlimit now{};
  getrlimit(RLIMIT_DATA, &now);
  auto value = std::min<uint64_t>(static_cast<uint64_t>(bytes), now.rlim_max);
  return {{RLIMIT_DATA, value, value, "data"}};
}

bool resource_limits::works() {
  std::string error;
  auto slot = make_slot(error);
  if (!slot)
    return false;
  bool is_in = false;
  if (set_limits(*slot, resources{1000, 64, {}}) == 0) {
    auto child = fork();
    if (child == 0) {
      for (int fd : slot->entry_fds())
        if (write(fd, "0", 1) != 1)
          _exit(1);
      _exit(0);
    }
    int status = 0;
    is_in = child > 0 && waitpid(child, &status, 0) == child && status == 0;
  }
  remove(*slot);
  return is_in;
}

bool resource_limits::end_leftovers(const cgroup_settings& settings) {
  for (const auto& base : base_folders()) {
    for (const auto& slot : subfolders(own_folder(base, settings))) {
      int waits = 0;
      while (rmdir(slot.c_str()) != 0 && errno == EBUSY) {
        for (auto pid : processes_in(slot))
          kill(pid, SIGKILL);
        if (++waits > leftover_waits_max)
          return false;
        poll(nullptr, 0, leftover_wait_ms);
      }
    }
  }
  return true;
}

void resource_limits::remove_orphans(const cgroup_settings& settings) {
  for (const auto& base : base_folders())
    for (const auto& folder : subfolders(base))
      if (folder.starts_with(base + "/" + keeper_cgroup_prefix)
          && folder != own_folder(base, settings))
        remove_orphan(folder);
}

} // namespace berth
