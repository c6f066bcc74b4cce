// `berth agent` as a process, its keeper and jobs, on a real broker; what a
// node would append is written by hand.
#include "runtime/attempt_files.hpp"
#include "runtime/output_collector.hpp"
#include "tests/agents/running_agent.hpp"
#include "tests/agents/written_owner.hpp"
#include "tests/kafka/kafka_cluster.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

using namespace berth;

namespace {

/// Topics of its own for each test.
kafka_cluster_address fresh_address() {
  static int last = 0;
  kafka_cluster_address at;
  at.connection = one_broker().connection();
  at.prefix = "agents" + std::to_string(++last);
  at.partitions = 2;
  return at;
}

/// How often each attempt's end is in the reports, said again or not: reports
/// of one number are one.
size_t ends_of(written_owner& owner, const attempt_id& attempt) {
  std::set<uint64_t> numbers;
  for (const auto& r : owner.reports())
    if (const auto* over = std::get_if<attempt_ended_report>(&r.body);
        over != nullptr && over->attempt == attempt)
      numbers.insert(r.number);
  return numbers.size();
}

} // namespace

TEST_CASE("An agent waits for its environment, joins, runs and reports") {
  auto at = fresh_address();
  written_owner owner{at};
  running_agent agent{at, "late"};
  agent.start();
  agent.wait_until_said("waiting for environment late");
  owner.create_environment("another");
  auto uid = owner.create_environment("late");
  auto joined = owner.wait_for_join();
  CHECK(joined.agent.environment == uid);
  CHECK(joined.agent.name.starts_with("agent-"));
  CHECK(joined.capacity.vcpu_milli == 4000);
  auto attempt = owner.start(joined, "exit 7");
  auto end = owner.wait_for_end(attempt);
  CHECK(end.end == attempt_end::exited);
  CHECK(end.exit_code == 7);
}

TEST_CASE("A folder made anew is another agent") {
  auto at = fresh_address();
  written_owner owner{at};
  owner.create_environment("e");
  running_agent first{at, "e"};
  first.start();
  auto joined = owner.wait_for_join();
  // Both have the same name, and the first session of a first keeper.
  running_agent second{at, "e"};
  second.start();
  auto other = owner.wait_for_join(
      [&](const agent_joins& j) { return j.agent != joined.agent; });
  CHECK(other.session == joined.session);
  CHECK(owner.wait_for_end(owner.start(other, "exit 8")).exit_code == 8);
}

TEST_CASE("A dispatch that cannot be read is passed over") {
  auto at = fresh_address();
  written_owner owner{at};
  running_agent agent{at, "e"};
  owner.create_environment("e");
  agent.start();
  auto joined = owner.wait_for_join();
  owner.append_dispatch(joined.agent, "no dispatch");
  CHECK(owner.wait_for_end(owner.start(joined, "true")).exit_code == 0);
  CHECK(agent.said().find("dispatch passed over") != std::string::npos);
}

TEST_CASE("A killed agent's job goes on and is reported once") {
  auto at = fresh_address();
  written_owner owner{at};
  running_agent agent{at, "e"};
  owner.create_environment("e");
  agent.start();
  auto joined = owner.wait_for_join();
  auto gate = agent.folder() + "/gate";
  auto attempt = owner.start(joined, "while [ ! -e " + gate
                                         + " ]; do sleep 0.05; done; exit 3");
  owner.wait_for_start(attempt);
  agent.kill();
  // Comes while no agent is there.
  auto second = owner.start(joined, "exit 4");
  agent.start();
  CHECK(owner.wait_for_end(second).exit_code == 4);
  std::ofstream{gate} << "go\n";
  CHECK(owner.wait_for_end(attempt).exit_code == 3);
  CHECK(ends_of(owner, attempt) == 1);
  CHECK(ends_of(owner, second) == 1);
}

TEST_CASE("What a job prints is in a node's folder once its end is known") {
  auto at = fresh_address();
  written_owner owner{at};
  running_agent agent{at, "e"};
  owner.create_environment("e");
  temporary_folder node;
  output_collector collector{owner.output(), {node.path().string()}};
  auto output = make_collected_output(collector, node.path().string());
  agent.start();
  auto joined = owner.wait_for_join();
  auto gate = agent.folder() + "/gate";
  auto attempt = owner.start(
      joined, "echo before; while [ ! -e " + gate
                  + " ]; do sleep 0.05; done; echo after; echo wrong >&2");
  auto lines = [&] {
    std::vector<std::string> all;
    for (const auto& line : output->read(attempt, 0, {}).lines)
      all.push_back(line.text);
    return all;
  };
  using list = std::vector<std::string>;
  // While it runs, and across a kill of the agent.
  CHECK(comes_true([&] { return lines() == list{"before"}; }));
  agent.kill();
  std::ofstream{gate} << "go\n";
  agent.start();
  owner.wait_for_end(attempt);
  CHECK(lines() == list{"before", "after", "wrong"});
  CHECK(std::filesystem::is_empty(
      std::filesystem::path(output_file_path(agent.folder(), attempt))
          .parent_path()));
}

TEST_CASE("A new environment of the same name is joined anew") {
  auto at = fresh_address();
  written_owner owner{at};
  running_agent agent{at, "e"};
  auto first = owner.create_environment("e");
  agent.start();
  owner.wait_for_join();
  owner.delete_environment(first);
  agent.wait_until_said("the environment was deleted");
  auto second = owner.create_environment("e");
  auto joined = owner.wait_for_join(
      [&](const agent_joins& j) { return j.agent.environment == second; });
  CHECK(owner.wait_for_end(owner.start(joined, "exit 5")).exit_code == 5);
}

TEST_CASE("A lease that no broker renews ends the jobs") {
  kafka_cluster broker{1};
  kafka_cluster_address at;
  at.connection = broker.connection();
  at.partitions = 2;
  written_owner owner{at};
  running_agent agent{at, "e"};
  agent.settings = {"lease_ms=6000", "heartbeat_interval_ms=500",
                    "stop_grace_ms=300"};
  owner.create_environment("e");
  agent.start();
  auto joined = owner.wait_for_join();
  auto attempt = owner.start(joined, "exec sleep 1000");
  owner.wait_for_start(attempt);
  broker.pause(0);
  auto work = agent.folder() + "/work";
  CHECK(comes_true([&] { return std::filesystem::is_empty(work); }));
  broker.go_on(0);
  auto end = owner.wait_for_end(attempt);
  CHECK(end.end == attempt_end::lost);
  CHECK(ends_of(owner, attempt) == 1);
  // A new session joins, for which the old one's number is over.
  auto anew = owner.wait_for_join(
      [&](const agent_joins& j) { return joined.session < j.session; });
  CHECK(owner.wait_for_end(owner.start(anew, "exit 6")).exit_code == 6);
}

TEST_CASE("An agent that is stopped leaves its jobs at work") {
  auto at = fresh_address();
  written_owner owner{at};
  running_agent agent{at, "e"};
  owner.create_environment("e");
  agent.start();
  auto joined = owner.wait_for_join();
  auto attempt = owner.start(joined, "exec sleep 1000");
  owner.wait_for_start(attempt);
  agent.signal(SIGTERM);
  CHECK(agent.wait() == 0);
  CHECK(agent.keeper_pid() > 0);
  agent.start();
  owner.stop(joined, attempt);
  CHECK(owner.wait_for_end(attempt).end == attempt_end::stopped);
}

TEST_CASE("A second Ctrl-C ends the jobs, and their ends are reported") {
  auto at = fresh_address();
  written_owner owner{at};
  running_agent agent{at, "e"};
  owner.create_environment("e");
  agent.start();
  auto joined = owner.wait_for_join();
  auto attempt = owner.start(joined, "exec sleep 1000");
  owner.wait_for_start(attempt);
  agent.signal(SIGINT);
  agent.wait_until_said("Press Ctrl-C again");
  agent.signal(SIGINT);
  CHECK(agent.wait() == 0);
  CHECK(owner.wait_for_end(attempt).end == attempt_end::lost);
  CHECK(comes_true([&] { return agent.keeper_pid() == 0; }));
  CHECK(owner.wait_for_leave(joined).environment_shard == shard_id{1});
}

TEST_CASE("An agent without jobs leaves when it is stopped") {
  auto at = fresh_address();
  written_owner owner{at};
  running_agent agent{at, "e"};
  owner.create_environment("e");
  agent.start();
  auto joined = owner.wait_for_join();
  CHECK(owner.wait_for_end(owner.start(joined, "true")).exit_code == 0);
  // What the agent heard of the end comes before what the owner hears.
  agent.signal(SIGTERM);
  CHECK(agent.wait() == 0);
  owner.wait_for_leave(joined);
  CHECK(comes_true([&] { return agent.keeper_pid() == 0; }));
  // It comes back as a new session.
  agent.start();
  owner.wait_for_join(
      [&](const agent_joins& j) { return joined.session < j.session; });
}

TEST_CASE("An agent says what is wrong with its cluster or its folder") {
  auto at = fresh_address();
  SECTION("no broker") {
    at.connection.brokers = "127.0.0.1:1";
    running_agent agent{at, "e"};
    agent.start();
    CHECK(agent.wait() == 1);
    CHECK(agent.said().find("no Kafka broker answers at 127.0.0.1:1")
          != std::string::npos);
  }
  SECTION("no topics") {
    running_agent agent{at, "e"};
    agent.start();
    CHECK(agent.wait() == 1);
    CHECK(agent.said().find("there is no topic " + at.prefix + ".log")
          != std::string::npos);
    CHECK(agent.said().find("a scheduler node with a new data folder makes it")
          != std::string::npos);
  }
  SECTION("a folder of another cluster") {
    written_owner owner{at};
    running_agent agent{at, "e"};
    agent.start();
    agent.wait_until_said("waiting for environment e");
    agent.kill();
    std::ofstream{agent.folder() + "/cluster"} << "another\n";
    agent.start();
    CHECK(agent.wait() == 1);
    CHECK(agent.said().find("was used with another cluster")
          != std::string::npos);
  }
}
