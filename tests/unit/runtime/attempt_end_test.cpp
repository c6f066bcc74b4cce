#include "tests/unit/runtime/keeper_fixture.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <unistd.h>

namespace berth {

namespace {
using lines = std::vector<std::string>;
} // namespace

TEST_CASE("exit codes are the job's, or 128 and the signal") {
  keeper_fixture k;
  k.start();
  CHECK(k.run(k.shell("exit 0")).exit_code == 0);
  CHECK(k.run(k.shell("exit 3")).exit_code == 3);
  CHECK(k.run(k.shell("exit 255")).exit_code == 255);
  CHECK(k.run(k.shell("kill -9 $$")).exit_code == 128 + SIGKILL);
  CHECK(k.run(k.shell("kill -15 $$")).exit_code == 128 + SIGTERM);
  CHECK(k.run(k.shell("kill -11 $$")).exit_code == 128 + SIGSEGV);
}

TEST_CASE("a job that overruns its time is stopped") {
  keeper_fixture k;
  k.start();
  auto end = k.run(with_timeout(k.job({"sleep", "600"}), 50));
  CHECK(end.end == attempt_end::timed_out);
  CHECK(end.exit_code == 128 + SIGTERM);
  // Both are whole milliseconds of another clock than the timer's.
  CHECK(end.stopped_ms - end.started_ms >= 40);
}

TEST_CASE("a job that ignores SIGTERM is killed after the grace") {
  keeper_fixture k;
  k.start();
  auto start = k.shell("trap '' TERM; echo ready; while :; do sleep 600; done");
  k.submit(start);
  k.wait_until("the trap",
               [&] { return k.lines(start.attempt) == lines{"ready"}; });
  k.stop(start.attempt);
  auto end = k.wait_for_end(start.attempt);
  CHECK(end.end == attempt_end::stopped);
  CHECK(end.exit_code == 128 + SIGKILL);
}

TEST_CASE("a job may tidy up within the grace") {
  keeper_fixture k;
  k.options.stop_grace_ms = 60'000;
  k.start();
  auto start = k.shell("trap 'echo bye; exit 5' TERM; echo ready; "
                       "while :; do sleep 0.01; done");
  k.submit(start);
  k.wait_until("the trap",
               [&] { return k.lines(start.attempt) == lines{"ready"}; });
  k.stop(start.attempt);
  auto end = k.wait_for_end(start.attempt);
  CHECK(end.end == attempt_end::stopped);
  CHECK(end.exit_code == 5);
  // The shell may remark on the end of its child.
  CHECK(k.lines(start.attempt).back() == "bye");
}

TEST_CASE("the whole tree ends with the main process") {
  bool rlimits_only = GENERATE(false, true);
  bool shared_namespace = GENERATE(false, true);
  CAPTURE(rlimits_only, shared_namespace);
  keeper_fixture k;
  k.options.rlimits_only = rlimits_only;
  k.options.shared_pid_namespace = shared_namespace;
  k.start();
  auto mark = "6" + std::to_string(getpid() % 1000) + "."
              + std::to_string(rlimits_only) + std::to_string(shared_namespace);
  // Children that ignore SIGTERM; one left the session, one lost its parent,
  // one forgot its environment.
  auto start = k.shell("trap '' TERM; sleep " + mark + " & setsid sleep " + mark
                       + " & (setsid sh -c 'trap \"\" TERM; sleep " + mark
                       + " & env -i sleep " + mark
                       + " & wait' &) ; echo ready; sleep 0.2; " + "exit 6");
  auto bystander = k.job({"sleep", "9" + mark});
  k.submit(bystander);
  k.wait_for_start(bystander.attempt);
  auto end = k.run(start);
  CHECK(end.exit_code == 6);
  CHECK(count_processes_with("9" + mark) == 1);
  // Without cgroups nothing ties an orphan without environment to its attempt
  // while another one lives.
  size_t left = count_processes_with(mark) - 1;
  CHECK(left <= (rlimits_only ? 1U : 0U));
  k.stop(bystander.attempt);
  k.wait_for_end(bystander.attempt);
  CHECK(count_processes_with(mark) == 0);
  CHECK(k.lines(start.attempt) == lines{"ready"});
}

TEST_CASE("a job that forks without end is ended whole") {
  keeper_fixture k;
  k.start();
  auto mark = "7" + std::to_string(getpid());
  auto start = k.shell("trap '' TERM; f() { sleep " + mark
                       + " & }; for i in $(seq 200); do f; done; echo ready; "
                         "while :; do f; sleep 0.001; done");
  k.submit(start);
  k.wait_until("the children",
               [&] { return k.lines(start.attempt) == lines{"ready"}; });
  k.stop(start.attempt);
  CHECK(k.wait_for_end(start.attempt).end == attempt_end::stopped);
  CHECK(count_processes_with(mark) == 0);
}

TEST_CASE("an attempt ends though somebody outside holds its pipe") {
  keeper_fixture k;
  k.start();
  // The end is that of the main process, not of the pipe.
  auto start = k.shell("echo before; (sleep 600; echo after) & exit 0");
  CHECK(k.run(start).exit_code == 0);
  CHECK(k.lines(start.attempt) == lines{"before"});
}

} // namespace berth
