#include "runtime/resource_limits.hpp"

#include "runtime/cgroup_tree.hpp"
#include "runtime/file_descriptor.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace berth {

namespace {

cgroup_settings settings_of(const std::string& name) {
  return {"test-" + std::to_string(getpid()) + "-" + name, false, false};
}

/// The folder of this name in the hierarchy that attempts are limited by, if it
/// is there.
std::optional<std::string> folder_of(const cgroup_settings& settings) {
  std::vector<std::string> bases = cgroup_v2_candidates();
  if (auto base = own_cgroup_v1("memory"))
    bases.push_back(*base);
  for (const auto& base : bases) {
    auto folder = base + "/" + keeper_cgroup_prefix + settings.name;
    if (std::filesystem::exists(folder))
      return folder;
  }
  return std::nullopt;
}

/// A keeper, as far as limits go, in a process of its own.
class other_keeper {
public:
  explicit other_keeper(cgroup_settings settings) {
    int fds[2];
    REQUIRE(pipe(fds) == 0);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      resource_limits limits{std::move(settings)};
      std::string error;
      std::unique_ptr<limit_slot> slot;
      if (limits.by() != resource_limits::kind::rlimits)
        slot = limits.acquire(resources{1000, 64, {}}, error);
      [[maybe_unused]] auto n = write(fds[1], "r", 1);
      for (;;)
        pause();
    }
    close(fds[1]);
    char ready = 0;
    REQUIRE(read(fds[0], &ready, 1) == 1);
    close(fds[0]);
  }
  ~other_keeper() { kill_it(); }

  void kill_it() {
    if (pid_ <= 0)
      return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, -1), nullptr, 0);
  }

private:
  pid_t pid_ = -1;
};

} // namespace

TEST_CASE("what a killed keeper left is removed, a live one's is not") {
  {
    resource_limits here{settings_of("here")};
    if (here.by() == resource_limits::kind::rlimits)
      return;
  }
  auto live = settings_of("live");
  auto dead = settings_of("dead");
  other_keeper one{live};
  other_keeper other{dead};
  other.kill_it();
  REQUIRE(folder_of(live));
  REQUIRE(folder_of(dead));
  auto slot = *folder_of(live) + "/slot-1";
  CHECK(std::filesystem::exists(slot));
  resource_limits::remove_orphans(settings_of("mine"));
  CHECK_FALSE(folder_of(dead));
  CHECK(std::filesystem::exists(slot));
  one.kill_it();
  // Its own it keeps, whoever made it: `end_leftovers` is for that.
  resource_limits::remove_orphans(live);
  CHECK(folder_of(live));
  resource_limits::remove_orphans(settings_of("mine"));
  CHECK_FALSE(folder_of(live));
}

TEST_CASE("a keeper that is gone keeps its cgroups while a process is inside") {
  auto settings = settings_of("busy");
  std::optional<other_keeper> gone{settings};
  auto folder = folder_of(settings);
  if (!folder)
    return;
  auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0)
    for (;;)
      pause();
  auto slot = *folder + "/slot-1";
  REQUIRE(write_control(slot + "/cgroup.procs", std::to_string(child)) == 0);
  gone.reset();
  resource_limits::remove_orphans(settings_of("mine"));
  CHECK(std::filesystem::exists(slot));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  resource_limits::remove_orphans(settings_of("mine"));
  CHECK_FALSE(folder_of(settings));
}

} // namespace berth
