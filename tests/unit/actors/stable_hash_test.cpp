#include "actors/stable_hash.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace berth;

// Changed values move shards and agents under the feet of a running cluster
// whose nodes are of two versions.
TEST_CASE("the stable hash keeps its values") {
  CHECK(stable_hash("") == 0xefd01f60ba992926);
  CHECK(stable_hash("a") == 0x82a2a958a9bece5b);
  CHECK(stable_hash("node-1/0") == stable_hash("node-1/0"));
  CHECK(stable_hash("node-1/0") != stable_hash("node-1/1"));
  CHECK(stable_hash(std::string(1, '\0')) != stable_hash(""));
}

TEST_CASE("the partition of an agent's dispatches keeps its value") {
  agent_id agent{environment_uid{7}, "alice"};
  CHECK(dispatch_partition(agent, 1) == 0);
  CHECK(dispatch_partition(agent, 1'000'003) == 474204);
  CHECK(dispatch_partition({environment_uid{8}, "alice"}, 1'000'003)
        != dispatch_partition(agent, 1'000'003));
}

TEST_CASE("the id of a job from a topic keeps its value") {
  auto id = submission_job_id("berth.submissions/3", 17, 1'700'000'000'000,
                              shard_id{5});
  CHECK(to_string(id) == "1e3c80a3-7005-42df-a8e3-27ba70d58551");
  CHECK(shard_of(id) == shard_id{5});
  std::set<job_id> ids{id,
                       submission_job_id("berth.submissions/3", 17,
                                         1'700'000'000'001, shard_id{5}),
                       submission_job_id("berth.submissions/3", 18,
                                         1'700'000'000'000, shard_id{5}),
                       submission_job_id("berth.submissions/2", 17,
                                         1'700'000'000'000, shard_id{5}),
                       submission_job_id("berth.submissions/3", 17,
                                         1'700'000'000'000, shard_id{6})};
  CHECK(ids.size() == 5);
}

TEST_CASE("agents spread over all partitions") {
  std::set<uint32_t> used;
  for (uint64_t i = 0; i < 200; ++i) {
    auto p = dispatch_partition({environment_uid{1}, std::to_string(i)}, 16);
    CHECK(p < 16);
    used.insert(p);
  }
  CHECK(used.size() == 16);
}
