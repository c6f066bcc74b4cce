#include "tests/sim/simulated_topic.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace berth;
using namespace berth::sim;

namespace {

struct topic_world {
  explicit topic_world(uint64_t seed, const fault_parameters& faults = {})
      : random(seed) {
    with.faults = faults;
    producer.begin();
    consumer.begin();
  }

  parameters with;
  timeline time;
  random_source random;
  simulated_network network{with, time, random.fork("network")};
  simulated_topic topic{with, time, random.fork("topic"), network, 1, nullptr};
  process_life producer{time};
  process_life consumer{time};
  log_client by{"node 0", node_place(0), &producer};
  log_client reader{"node 1", node_place(1), &consumer};
  std::map<std::string, append_outcome> outcomes;
  std::vector<std::string> read;

  void append(const std::string& bytes) {
    topic.append(by, shard_id{0}, bytes,
                 [this, bytes](append_outcome o) { outcomes[bytes] = o; });
  }
  void start_reading() {
    topic.start_reading(reader, shard_id{0}, 0, [this](const auto& records) {
      for (const auto& r : records)
        read.push_back(r.bytes);
    });
  }
  void run_for(sim_time how_long) {
    auto end = time.now() + how_long;
    while (time.step(end))
      continue;
  }
  size_t times_in_log(const std::string& bytes) const {
    size_t n = 0;
    for (const auto& r : topic.records(shard_id{0}))
      n += r.bytes == bytes;
    return n;
  }
};

} // namespace

TEST_CASE("without faults appends keep their order and are read in it") {
  topic_world w{1};
  w.start_reading();
  std::vector<std::string> all;
  for (int i = 0; i < 100; ++i) {
    all.push_back(std::to_string(i));
    w.append(all.back());
  }
  w.run_for(60 * second);
  CHECK(w.read == all);
  CHECK(w.outcomes.size() == 100);
  CHECK(w.topic.is_quiet());
}

TEST_CASE("outcomes that are known are true") {
  fault_parameters faults;
  faults.append_lost = 0.2;
  faults.append_unknown = 0.2;
  faults.append_late = 0.2;
  size_t unknown_there = 0;
  size_t unknown_gone = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    topic_world w{seed, faults};
    for (int i = 0; i < 50; ++i)
      w.append(std::to_string(i));
    w.run_for(600 * second);
    REQUIRE(w.outcomes.size() == 50);
    for (const auto& [bytes, outcome] : w.outcomes) {
      auto times = w.times_in_log(bytes);
      REQUIRE(times <= 1);
      if (outcome == append_outcome::appended)
        CHECK(times == 1);
      else if (outcome == append_outcome::refused)
        CHECK(times == 0);
      else
        ++(times == 1 ? unknown_there : unknown_gone);
    }
  }
  CHECK(unknown_there > 0);
  CHECK(unknown_gone > 0);
}

TEST_CASE("a record may land twice, and its appender hears of it once") {
  fault_parameters faults;
  faults.append_duplicated = 0.3;
  topic_world w{2, faults};
  w.start_reading();
  for (int i = 0; i < 50; ++i)
    w.append(std::to_string(i));
  w.run_for(60 * second);
  REQUIRE(w.outcomes.size() == 50);
  size_t twice = 0;
  for (const auto& [bytes, outcome] : w.outcomes) {
    CHECK(outcome == append_outcome::appended);
    auto times = w.times_in_log(bytes);
    CHECK((times == 1 || times == 2));
    twice += times == 2;
  }
  CHECK(twice > 0);
  CHECK(w.read.size() == 50 + twice);
  CHECK(w.topic.is_quiet());
}

TEST_CASE("what is inserted lands at once") {
  topic_world w{2};
  w.topic.insert(w.by, shard_id{0}, "a");
  CHECK(w.times_in_log("a") == 1);
  w.run_for(second);
  CHECK(w.outcomes.empty());
  CHECK(w.topic.is_quiet());
}

TEST_CASE("a reader that is cut off reads everything once the cut is healed") {
  topic_world w{3};
  w.network.cut(broker_place(0), node_place(1));
  w.start_reading();
  w.append("a");
  w.run_for(second);
  CHECK(w.read.empty());
  CHECK(w.outcomes.at("a") == append_outcome::appended);
  w.network.heal(broker_place(0), node_place(1));
  w.run_for(second);
  CHECK(w.read == std::vector<std::string>{"a"});
}

TEST_CASE("one client's appends keep their order over cuts") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    topic_world w{seed};
    std::vector<std::string> all;
    for (int cuts = 0; cuts < 10; ++cuts) {
      w.network.cut(node_place(0), broker_place(0));
      for (int i = 0; i < 10; ++i) {
        all.push_back(std::to_string(all.size()));
        w.append(all.back());
        w.run_for(w.random.below(50) * millisecond);
      }
      w.network.heal(node_place(0), broker_place(0));
    }
    w.run_for(60 * second);
    std::vector<std::string> landed;
    for (const auto& r : w.topic.records(shard_id{0}))
      landed.push_back(r.bytes);
    CHECK(landed == all);
    CHECK(w.outcomes.size() == all.size());
    CHECK(w.topic.is_quiet());
  }
}

TEST_CASE("what a cut outlasts is of unknown outcome") {
  topic_world w{3};
  w.network.cut(node_place(0), broker_place(0));
  w.append("a");
  w.append("b");
  w.run_for(60 * second);
  CHECK(w.outcomes
        == std::map<std::string, append_outcome>{
            {"a", append_outcome::unknown}, {"b", append_outcome::unknown}});
  CHECK(w.topic.records(shard_id{0}).empty());
  CHECK(w.topic.is_quiet());
}

TEST_CASE("an append whose answer is cut off is in the log and unknown") {
  topic_world w{4};
  w.network.cut(broker_place(0), node_place(0));
  w.append("a");
  w.run_for(60 * second);
  CHECK(w.times_in_log("a") == 1);
  CHECK(w.outcomes.at("a") == append_outcome::unknown);
}

TEST_CASE("an append of a process that dies may land, and nobody hears") {
  topic_world w{5};
  w.append("a");
  w.producer.end();
  w.producer.begin();
  w.run_for(60 * second);
  CHECK(w.times_in_log("a") == 1);
  CHECK(w.outcomes.empty());
}
