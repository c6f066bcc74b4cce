#include "tests/unit/runtime/keeper_fixture.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <unistd.h>

namespace berth {

namespace {
using lines = std::vector<std::string>;
} // namespace

TEST_CASE("a job exceeding its memory is killed, and the reason told") {
  keeper_fixture k;
  k.start();
  if (k.hello.limits_by == "rlimits")
    return;
  auto start = k.shell("head -c 1000000000 /dev/zero | tail | wc -c");
  auto end = k.run(start);
  // The shell outlives the part of its pipe that was killed.
  CHECK((end.end == attempt_end::out_of_memory || end.exit_code == 0));
  start = k.job({"perl", "-e", "my $x = 'x' x 1000000000; print length $x"});
  end = k.run(start);
  CHECK(end.end == attempt_end::out_of_memory);
  CHECK(end.exit_code == 128 + SIGKILL);
  CHECK(end.reason == "OutOfMemoryError: Container killed due to memory usage");
  CHECK(k.run(k.job({"true"})).end == attempt_end::exited);
}

TEST_CASE("without cgroups, memory is limited by rlimits") {
  keeper_fixture k;
  k.options.rlimits_only = true;
  k.start();
  CHECK(k.hello.limits_by == "rlimits");
  auto start =
      k.job({"perl", "-e", "my $x = 'x' x 1000000000; print length $x"});
  auto end = k.run(start);
  CHECK(end.end == attempt_end::exited);
  CHECK(end.exit_code != 0);
}

TEST_CASE("ulimits are honoured, or refused by name") {
  keeper_fixture k;
  k.start();
  auto start =
      with_ulimit(k.shell("ulimit -Sn; ulimit -Hn"), {"nofile", 100, 200});
  k.run(start);
  CHECK(k.lines(start.attempt) == lines{"100", "200"});
  start = with_ulimit(k.job({"true"}), {"nofiles", 1, 1});
  auto end = k.run(start);
  CHECK(end.end == attempt_end::failed_to_start);
  CHECK(end.reason
        == "CannotCreateContainerError: invalid ulimit type: nofiles");
  start = with_ulimit(k.job({"true"}), {"nofile", 20, 10});
  CHECK(k.run(start).reason
        == could_not_start("setting ulimit nofile to 20:10: invalid argument"));
}

TEST_CASE("open files are limited as if the keeper had not raised its own") {
  auto before = read_text("/proc/self/limits");
  keeper_fixture k;
  k.start();
  auto start = k.shell("grep 'Max open files' /proc/self/limits");
  k.run(start);
  auto line = k.lines(start.attempt).at(0);
  CHECK(before.find(line) != std::string::npos);
}

TEST_CASE("a job runs as the user it asks for, if the keeper is root") {
  keeper_fixture k;
  k.start();
  auto start = with_user(k.shell("id -un; touch mine && echo yes"), "daemon");
  auto end = k.run(start);
  if (geteuid() == 0) {
    CHECK(k.lines(start.attempt) == lines{"daemon", "yes"});
  } else {
    CHECK(end.end == attempt_end::failed_to_start);
    CHECK(end.reason.find("only root") != std::string::npos);
  }
  end = k.run(with_user(k.job({"true"}), "nobody-of-this-name"));
  CHECK(end.end == attempt_end::failed_to_start);
  CHECK(end.reason
        == "CannotCreateContainerError: unable to find user "
           "nobody-of-this-name: no matching entries in passwd file");
}

} // namespace berth
