#include "actors/membership.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

using namespace berth;

namespace {

constexpr int64_t timeout_ms = 5000;
const shard_id s0{0};
const shard_id s1{1};
using names = std::vector<std::string>;

/// One node's view, and the topic's next position.
struct view {
  explicit view(const std::string& node, const std::string& nonce = "own")
      : members({node, nonce, node + ":1", timeout_ms}) {
    members.on_clock(now);
  }
  void advance(int64_t ms) {
    now += ms;
    members.on_clock(now);
  }
  void hear(const node_heartbeat& h) { members.on_heartbeat(h, position++); }
  void hear(const std::string& node, std::vector<shard_id> owned = {},
            const std::string& nonce = "1", int64_t started = -1) {
    hear({node, nonce, node + ":1", started, false, std::move(owned), {}, {}});
  }
  void hear_warm(const std::string& node, const std::vector<shard_id>& warm) {
    hear({node, "1", node + ":1", -1, false, {}, warm, {}});
  }
  void hear_own() { hear(members.own_heartbeat(false, {}, {})); }
  void begin() {
    hear_own();
    members.on_read_to_end();
  }
  names all() const {
    names found;
    for (const auto& m : members.members())
      found.push_back(m.node);
    return found;
  }

  int64_t now = 1000;
  int64_t position = 100;
  membership members;
};

/// A shard that this member should own.
shard_id shard_ranked(const membership& m, const std::string& first) {
  for (uint32_t i = 0; i < 1000; ++i)
    if (m.owner(shard_id{i}) == first)
      return shard_id{i};
  FAIL("no shard for " << first);
  return {};
}

} // namespace

TEST_CASE("the weights by which members are ranked keep their values") {
  CHECK(member_weight("n1", shard_id{0}) == 0x1d9fe1f469ff8548);
  CHECK(member_weight("n2", shard_id{0}) == 0xaea71f4da5485b4);
  CHECK(member_weight("n1", shard_id{7}) == 0x722680c471905e71);
}

TEST_CASE("nodes that see the same heartbeats rank shards alike") {
  view a{"a"};
  view b{"b"};
  for (auto* v : {&a, &b})
    for (const char* node : {"a", "b", "c"})
      v->hear(node, {}, std::string("nonce of ") + node);
  for (uint32_t i = 0; i < 64; ++i) {
    auto ranking = a.members.ranking(shard_id{i});
    CHECK(ranking == b.members.ranking(shard_id{i}));
    CHECK(std::set<std::string>(ranking.begin(), ranking.end()).size() == 3);
    CHECK(a.members.owner(shard_id{i}) == ranking[0]);
    CHECK(a.members.follower(shard_id{i}) == ranking[1]);
  }
}

TEST_CASE("a node that goes moves only its own shards, to their followers") {
  view v{"a"};
  v.begin();
  for (const char* node : {"b", "c", "d"})
    v.hear(node);
  std::map<uint32_t, names> before;
  for (uint32_t i = 0; i < 200; ++i)
    before[i] = v.members.ranking(shard_id{i});
  v.advance(timeout_ms - 1);
  for (const char* node : {"b", "d"})
    v.hear(node);
  v.hear_own();
  v.advance(1);
  CHECK(v.all() == names{"a", "b", "d"});
  size_t moved = 0;
  for (auto& [shard, ranking] : before) {
    moved += ranking[0] == "c";
    CHECK(v.members.owner(shard_id{shard})
          == (ranking[0] == "c" ? ranking[1] : ranking[0]));
  }
  CHECK(moved > 20);
  CHECK(moved < 100);
}

TEST_CASE("nothing is claimed before the view is known") {
  view v{"a"};
  CHECK_FALSE(v.members.should_own(s0, true));
  v.hear_own();
  CHECK_FALSE(v.members.is_known());
  v.members.on_read_to_end();
  CHECK(v.members.is_known());
  CHECK(v.members.should_own(s0, false));
  CHECK(v.members.should_follow(s1, false));

  view w{"a"};
  w.members.on_read_to_end();
  CHECK_FALSE(w.members.is_known());
  CHECK_FALSE(w.members.should_follow(s1, false));
  CHECK(w.members.should_follow(s1, true));
  w.hear_own();
  CHECK(w.members.is_known());
}

TEST_CASE("the two nodes that rank first follow a shard, the others none but "
          "the catalog's") {
  view v{"a"};
  v.begin();
  for (const char* node : {"b", "c", "d", "e"})
    v.hear(node);
  size_t followed = 0;
  for (uint32_t i = 1; i <= 100; ++i) {
    auto ranking = v.members.ranking(shard_id{i});
    auto ranks = ranking[0] == "a" || ranking[1] == "a";
    CHECK(v.members.should_follow(shard_id{i}, false) == ranks);
    followed += ranks;
  }
  CHECK(followed > 20);
  CHECK(followed < 60);
  CHECK(v.members.should_follow(catalog_shard, false));
}

TEST_CASE("who ranks lower now follows on until both that rank first are "
          "warm") {
  view v{"a"};
  v.begin();
  for (const char* node : {"b", "c"})
    v.hear(node);
  auto third = shard_id{1};
  while (v.members.ranking(third)[2] != "a")
    ++third.value;
  CHECK(v.members.should_follow(third, true));
  v.hear_warm("b", {third});
  CHECK(v.members.should_follow(third, true));
  v.hear_warm("c", {shard_id{third.value + 1}});
  CHECK(v.members.should_follow(third, true));
  v.hear_warm("c", {third});
  CHECK_FALSE(v.members.should_follow(third, true));
  // And is called back when one of them goes.
  CHECK_FALSE(v.members.should_follow(third, false));
  v.advance(timeout_ms - 1);
  v.hear("b");
  v.hear_own();
  v.advance(1);
  CHECK(v.members.should_follow(third, false));
}

TEST_CASE("a shard that another node holds is taken over warm") {
  view v{"a"};
  v.begin();
  v.hear("b");
  auto mine = shard_ranked(v.members, "a");
  v.hear("b", {mine});
  CHECK(v.members.holder(mine)->node == "b");
  CHECK_FALSE(v.members.should_own(mine, false));
  CHECK(v.members.should_own(mine, true));
  CHECK(v.members.should_follow(mine, false));
  SECTION("cold once its holder is silent") {
    v.advance(timeout_ms - 1);
    v.hear_own();
    v.advance(1);
    CHECK_FALSE(v.members.holder(mine));
    CHECK(v.members.should_own(mine, false));
  }
  SECTION("cold once its holder has given it up") {
    v.hear("b");
    CHECK(v.members.should_own(mine, false));
  }
  SECTION("the last one to say so holds it") {
    v.hear(v.members.own_heartbeat(false, {mine}, {mine}));
    CHECK(v.members.holder(mine)->node == "a");
    CHECK(v.members.should_own(mine, false));
  }
}

TEST_CASE("a member that leaves owns nothing, and holds what it still has") {
  view v{"a"};
  v.begin();
  v.hear("b");
  auto theirs = shard_ranked(v.members, "b");
  CHECK_FALSE(v.members.should_own(theirs, true));
  v.hear({"b", "1", "b:1", -1, true, {theirs}, {}, {}});
  CHECK(v.members.owner(theirs) == "a");
  CHECK(v.members.ranking(theirs) == names{"a"});
  CHECK_FALSE(v.members.follower(theirs));
  CHECK(v.all() == names{"a", "b"});
  CHECK_FALSE(v.members.should_own(theirs, false));
  CHECK(v.members.should_own(theirs, true));
}

TEST_CASE("of two processes with one name the later one counts") {
  view v{"a"};
  v.begin();
  v.hear("b", {s0}, "early", 10);
  v.hear("b", {}, "late", 20);
  CHECK(v.members.members()[1].nonce == "late");
  v.hear("b", {s0}, "early", 10);
  CHECK(v.members.members()[1].nonce == "late");
  CHECK_FALSE(v.members.holder(s0));
  CHECK_FALSE(v.members.replaced_by());
}

TEST_CASE("a process that has not read its first heartbeat back is placed by "
          "where that was read") {
  view v{"a"};
  v.begin();
  v.hear("b", {}, "late");
  auto read_at = v.position - 1;
  v.hear("b", {}, "early", read_at - 50);
  CHECK(v.members.members()[1].nonce == "late");
  v.hear("b", {}, "late", read_at);
  CHECK(v.members.members()[1].nonce == "late");
}

TEST_CASE("the earlier of two processes with one name is told") {
  view early{"a", "early"};
  early.begin();
  auto first_of_early = early.position - 1;
  early.hear("a", {}, "late");
  CHECK(early.members.replaced_by() == "a:1");
  CHECK_FALSE(early.members.should_own(s0, true));

  view late{"a", "late"};
  late.begin();
  late.hear("a", {}, "early", first_of_early - 50);
  CHECK_FALSE(late.members.replaced_by());
  CHECK(late.members.should_own(s0, true));
}

TEST_CASE("a process learns from its read-back when it started") {
  view v{"a"};
  auto before = v.members.own_heartbeat(false, {}, {});
  CHECK(before.started == -1);
  v.hear(before);
  auto after = v.members.own_heartbeat(true, {s0}, {shard_id{1}});
  CHECK(after.started == 100);
  CHECK(after.leaving);
  CHECK(after.owned == std::vector<shard_id>{s0});
  CHECK(after.warm == std::vector<shard_id>{shard_id{1}});
  CHECK(after.nonce == "own");
  v.hear(after);
  CHECK(v.members.own_heartbeat(false, {}, {}).started == 100);
}

TEST_CASE("the silence of all is an outage and takes nobody's place") {
  view v{"a"};
  v.begin();
  v.hear("b");
  CHECK(v.members.next_due_boottime_ms() == v.now + timeout_ms);
  v.advance(10 * timeout_ms);
  CHECK_FALSE(v.members.is_known());
  CHECK_FALSE(v.members.should_own(s0, true));
  CHECK(v.all() == names{"a", "b"});
  CHECK_FALSE(v.members.next_due_boottime_ms());
  v.hear_own();
  CHECK(v.members.is_known());
  CHECK(v.all() == names{"a", "b"});
  v.advance(timeout_ms - 1);
  v.hear_own();
  CHECK(v.all() == names{"a", "b"});
  v.advance(1);
  CHECK(v.all() == names{"a"});
}

TEST_CASE("no more members are taken than the limit") {
  view v{"a"};
  v.begin();
  for (size_t i = 0; i < members_max + 10; ++i)
    v.hear("x" + std::to_string(i));
  CHECK(v.members.members().size() == members_max);
  v.hear("x0", {s0});
  CHECK(v.members.holder(s0)->node == "x0");
}
