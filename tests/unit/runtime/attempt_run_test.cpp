#include "runtime/attempt_files.hpp"
#include "tests/unit/runtime/keeper_fixture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace berth {

namespace {
using lines = std::vector<std::string>;
} // namespace

TEST_CASE("a job runs and its end is reported") {
  keeper_fixture k;
  k.start();
  auto start = k.job({"/bin/true"});
  auto end = k.run(start);
  CHECK(end.end == attempt_end::exited);
  CHECK(end.exit_code == 0);
  CHECK(end.reason.empty());
  CHECK(end.started_ms > 0);
  CHECK(end.stopped_ms >= end.started_ms);
  CHECK(k.wait_for_start(start.attempt).started_ms == end.started_ms);
}

TEST_CASE("many jobs run side by side, each with an end of its own") {
  keeper_fixture k;
  k.start();
  std::vector<attempt_id> attempts;
  for (int i = 0; i < 40; ++i)
    attempts.push_back(k.submit(k.shell("exit " + std::to_string(i))));
  for (int i = 0; i < 40; ++i)
    CHECK(k.wait_for_end(attempts[static_cast<size_t>(i)]).exit_code == i);
}

TEST_CASE("a job that prints nothing leaves no file") {
  keeper_fixture k;
  k.start();
  auto start = k.job({"true"});
  k.run(start);
  CHECK(!std::filesystem::exists(output_file_path(k.folder(), start.attempt)));
  CHECK(std::filesystem::is_empty(k.path("output")));
  CHECK(std::filesystem::is_empty(k.path("work")));
}

TEST_CASE("stdout and stderr are kept line by line in their order") {
  keeper_fixture k;
  k.start();
  auto start = k.shell("echo one; echo two >&2; echo; printf 'no newline'");
  k.run(start);
  CHECK(k.lines(start.attempt) == lines{"one", "two", "", "no newline"});
}

TEST_CASE("output can be read while the job runs") {
  keeper_fixture k;
  k.start();
  auto start = k.shell("echo first; sleep 600");
  k.submit(start);
  k.wait_until("the first line",
               [&] { return k.lines(start.attempt) == lines{"first"}; });
  k.stop(start.attempt);
  CHECK(k.wait_for_end(start.attempt).end == attempt_end::stopped);
}

TEST_CASE("a part of a line can be read while the job waits") {
  keeper_fixture k;
  k.start();
  auto gate = k.path("gate");
  auto start = k.shell("printf 'how many? '; until [ -e " + gate
                       + " ]; do sleep 0.02; done; echo three; echo done");
  k.submit(start);
  k.wait_until("the question",
               [&] { return k.lines(start.attempt) == lines{"how many? "}; });
  std::ofstream{gate};
  CHECK(k.wait_for_end(start.attempt).exit_code == 0);
  CHECK(k.lines(start.attempt) == lines{"how many? ", "three", "done"});
}

TEST_CASE("a job that prints a gigabyte is cut and ends all the same") {
  keeper_fixture k;
  k.options.output_bytes_max = 1024 * 1024;
  k.start();
  auto start = k.shell("yes 0123456789abcdef | head -c 1000000000; exit 4");
  auto end = k.run(start);
  CHECK(end.exit_code == 4);
  auto path = output_file_path(k.folder(), start.attempt);
  CHECK(std::filesystem::file_size(path) > 1000 * 1024);
  CHECK(std::filesystem::file_size(path) < 1025 * 1024);
  CHECK(read_text(path).find("berth: output cut here, at the limit of 1048576 "
                             "bytes per attempt")
        != std::string::npos);
}

TEST_CASE("a job sees what it may see, and no more") {
  setenv("KEEPERS_OWN_SECRET", "x", 1);
  keeper_fixture k;
  k.start();
  k.send(
      keeper_node_environment{{{"AWS_ENDPOINT_URL_BATCH", "http://127.0.0.1:1"},
                               {"AWS_REGION", "us-east-1"}}});
  auto start = with_variable(k.job({"env"}), "MINE", "a b=c");
  start = with_variable(start, "AWS_REGION", "eu-west-1");
  start = with_variable(start, "AWS_BATCH_JOB_ATTEMPT", "99");
  start.attempt.number = 2;
  k.run(start);
  unsetenv("KEEPERS_OWN_SECRET");
  auto seen = k.lines(start.attempt);
  std::sort(seen.begin(), seen.end());
  lines expected{
      "AWS_BATCH_CE_NAME=environment",
      "AWS_BATCH_JOB_ATTEMPT=2",
      "AWS_BATCH_JOB_ID=" + to_string(start.attempt.job),
      "AWS_BATCH_JQ_NAME=queue",
      "AWS_ENDPOINT_URL_BATCH=http://127.0.0.1:1",
      "AWS_EXECUTION_ENV=AWS_ECS_EC2",
      "AWS_REGION=eu-west-1",
      "HOME=" + working_folder_path(k.folder(), start.attempt),
      "MINE=a b=c",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  };
  CHECK(seen == expected);
}

TEST_CASE("a job inherits stdin from nowhere, and no other descriptor") {
  keeper_fixture k;
  k.start();
  auto start = k.shell("cat; ls /proc/self/fd | wc -l; umask; pwd");
  k.run(start);
  // 0, 1, 2 and the one with which ls reads the folder.
  CHECK(k.lines(start.attempt)
        == lines{"4", "0022", working_folder_path(k.folder(), start.attempt)});
}

TEST_CASE("a job's signals are as new") {
  keeper_fixture k;
  k.start();
  auto start = k.shell("grep -E 'Sig(Blk|Ign)' /proc/self/status");
  k.run(start);
  CHECK(k.lines(start.attempt)
        == lines{"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"});
}

TEST_CASE("the working folder is removed with everything in it") {
  keeper_fixture k;
  k.start();
  auto start =
      k.shell("mkdir -p a/b/c; for i in $(seq 600); do echo x > "
              "a/b/f$i; done; ln -s /etc a/etc; chmod 0 a/b/c; exit 0");
  CHECK(k.run(start).exit_code == 0);
  CHECK(std::filesystem::is_empty(k.path("work")));
  k.wait_until("the removal of the files", [&] {
    return std::filesystem::is_empty(k.path("keeper/discarded"));
  });
  CHECK(std::filesystem::exists("/etc/passwd"));
}

TEST_CASE("a job may run in a folder of its user's choice, which stays") {
  keeper_fixture k;
  k.start();
  temporary_folder own;
  auto start = with_variable(k.shell("pwd; echo x > left; env"),
                             "BERTH_WORKING_DIRECTORY", own.path().string());
  k.run(start);
  auto seen = k.lines(start.attempt);
  CHECK(seen.at(0) == own.path().string());
  CHECK(std::none_of(seen.begin(), seen.end(), [](const auto& line) {
    return line.starts_with("BERTH");
  }));
  CHECK(read_text((own.path() / "left").string()) == "x\n");

  start = with_variable(k.job({"pwd"}), "BERTH_WORKING_DIRECTORY", "/nowhere");
  auto end = k.run(start);
  CHECK(end.end == attempt_end::failed_to_start);
  CHECK(end.reason
        == could_not_start("chdir to cwd (\"/nowhere\"): no such file or "
                           "directory"));
}

TEST_CASE("a command that cannot be started says why, and has no exit code") {
  keeper_fixture k;
  k.start();
  auto why = [&](std::vector<std::string> command) {
    auto end = k.run(k.job(std::move(command)));
    CHECK(end.end == attempt_end::failed_to_start);
    CHECK(!end.exit_code);
    CHECK(end.started_ms == 0);
    return end.reason;
  };
  // Word for word as it was seen on AWS.
  CHECK(why({"--batch-threads", "16"})
        == "CannotStartContainerError: Error response from daemon: OCI runtime "
           "create failed: container_linux.go:348: starting container process "
           "caused \"exec: \\\"--batch-threads\\\": executable file not "
           "found in $PATH\": unknown");
  CHECK(why({"/no/such/file"})
        == could_not_start("exec: \"/no/such/file\": stat /no/such/file: no "
                           "such file or directory"));
  CHECK(why({"/etc/passwd"})
        == could_not_start("exec: \"/etc/passwd\": permission denied"));
  CHECK(why({"/usr"}) == could_not_start("exec: \"/usr\": permission denied"));
  CHECK(why({}) == could_not_start("exec: \"\": no command specified"));
  CHECK(why({"echo", std::string("a\0b", 3)})
        == could_not_start("exec: \"echo\": an argument holds a zero byte"));
  CHECK(std::filesystem::is_empty(k.path("work")));
  CHECK(k.run(k.job({"true"})).exit_code == 0);
}

TEST_CASE("the command is looked up in the job's own PATH") {
  keeper_fixture k;
  k.start();
  temporary_folder bin;
  auto tool = (bin.path() / "tool").string();
  std::filesystem::copy_file("/bin/true", tool);
  auto start =
      with_variable(k.job({"tool"}), "PATH", "/nowhere:" + bin.path().string());
  CHECK(k.run(start).exit_code == 0);
  chmod(tool.c_str(), 0644);
  start = with_variable(k.job({"tool"}), "PATH", bin.path().string());
  CHECK(k.run(start).reason
        == could_not_start("exec: \"tool\": permission denied"));
}

TEST_CASE("a job's own view of its processes is right") {
  keeper_fixture k;
  k.start();
  auto start = k.shell("test /proc/self/exe -ef /proc/$$/exe; "
                       "readlink /proc/$$/exe | grep -c sh; "
                       "[ $(cut -d' ' -f4 /proc/$$/stat) -gt 0 ] && echo ok");
  k.run(start);
  CHECK(k.lines(start.attempt) == lines{"1", "ok"});
}

} // namespace berth
