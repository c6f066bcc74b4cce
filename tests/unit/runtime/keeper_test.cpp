#include "tests/unit/runtime/keeper_fixture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {
using lines = std::vector<std::string>;
} // namespace

TEST_CASE("Sessions: the jobs die with their keeper") {
  keeper_fixture k;
  k.start();
  CHECK(k.hello.own_pid_namespace == (geteuid() == 0));
  auto mark = "8" + std::to_string(getpid());
  auto start = k.shell("setsid sleep " + mark + " & sleep " + mark + " & wait");
  k.submit(start);
  k.wait_until("the children", [&] { return count_processes_with(mark) == 3; });
  auto old = k.session.session;
  k.kill_keeper();
  if (k.hello.own_pid_namespace)
    CHECK(count_processes_with(mark) == 0);
  k.wait_for_loss();
  REQUIRE(k.start_keeper_only() == 0);
  CHECK(count_processes_with(mark) == 0);
  k.connect();
  k.open_session();
  CHECK(old < k.session.session);
  CHECK(k.session.alive.empty());
  CHECK(k.run(k.job({"true"})).exit_code == 0);
  CHECK(std::filesystem::is_empty(k.path("work")));
}

TEST_CASE("Sessions: reports of a dead keeper are delivered by the next") {
  keeper_fixture k;
  k.acknowledges = false;
  k.start();
  auto old = k.session.session;
  auto start = k.shell("exit 9");
  k.run(start);
  k.kill_keeper();
  k.wait_for_loss();
  k.disconnect();
  REQUIRE(k.start_keeper_only() == 0);
  k.reports_received = 0;
  k.connect();
  k.wait_until("the old reports", [&] { return k.reports_received == 2; });
  k.send(keeper_reports_acknowledged{
      {environment_uid{7}, "local"}, old, shard_id{3}, 2});
  k.open_session();
  CHECK(old < k.session.session);
}

TEST_CASE("an agent that comes back finds its jobs running") {
  keeper_fixture k;
  k.start();
  auto session = k.session.session;
  auto lasting = k.shell("until [ -e " + k.path("go")
                         + " ]; do sleep 0.01; "
                           "done; echo went on");
  auto short_one = k.shell("sleep 0.01; exit 2");
  k.submit(lasting);
  k.wait_for_start(lasting.attempt);
  k.submit(short_one);
  k.wait_for_start(short_one.attempt);
  k.disconnect();
  k.connect();
  k.open_session();
  CHECK(k.session.session == session);
  CHECK(k.session.last_taken.at(3) == 2);
  auto alive = k.session.alive;
  CHECK(std::find(alive.begin(), alive.end(), lasting.attempt) != alive.end());
  CHECK(k.wait_for_end(short_one.attempt).exit_code == 2);
  std::ofstream{k.path("go")} << "go";
  CHECK(k.wait_for_end(lasting.attempt).exit_code == 0);
  CHECK(k.lines(lasting.attempt) == lines{"went on"});
}

TEST_CASE("there is one keeper to a folder") {
  keeper_fixture k;
  k.start();
  CHECK(k.start_keeper_only() == keeper_exit_busy);
  CHECK(k.run(k.job({"true"})).exit_code == 0);
}

TEST_CASE("a folder that cannot be written is refused with a reason") {
  keeper_fixture k;
  k.options.data_folder = k.path("missing");
  CHECK(k.start_keeper_only() == 1);
  CHECK(read_text(k.path("keeper.log")).find(k.path("missing"))
        != std::string::npos);
}

TEST_CASE("the socket works below a path longer than an address") {
  keeper_fixture k;
  auto deep = k.folder() + '/' + std::string(150, 'd');
  REQUIRE(mkdir(deep.c_str(), 0755) == 0);
  k.options.data_folder = deep;
  REQUIRE(k.start_keeper_only() == 0);
  std::string error;
  auto client = keeper_client::open_existing(
      deep, [](const keeper_event&) {}, [](const std::string&) {}, error);
  CHECK(client);
  client->send(keeper_shut_down{});
  client.reset();
  k.wait_until("the keeper's end", [&] {
    return !is_alive(std::stoi(read_text(deep + "/keeper.pid")));
  });
}

TEST_CASE("shutting down ends the jobs and the keeper") {
  keeper_fixture k;
  k.start();
  auto start = k.job({"sleep", "600"});
  k.submit(start);
  k.wait_for_start(start.attempt);
  auto pid = k.keeper_pid();
  k.send(keeper_shut_down{});
  CHECK(k.wait_for_end(start.attempt).end == attempt_end::lost);
  k.wait_for_loss();
  k.wait_until("the keeper's end", [&] { return !is_alive(pid); });
  CHECK(!std::filesystem::exists(k.path("keeper.sock")));
}

} // namespace berth
