#include "runtime/attempt_endings.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace berth;

namespace {

/// Trees by what is left of them; SIGKILL ends what does not hang.
class made_processes final : public attempt_processes {
public:
  bool is_tree_gone(const attempt_id& a) const override {
    return left.at(a) == 0;
  }
  void kill_tree(const attempt_id& a) override {
    ++kills[a];
    if (!hangs)
      left[a] = 0;
  }
  void tree_ended(const attempt_id& a, bool is_gone) override {
    told.emplace_back(a, is_gone);
  }

  std::map<attempt_id, int> left;
  std::map<attempt_id, int> kills;
  std::vector<std::pair<attempt_id, bool>> told;
  bool hangs = false;
};

attempt_id attempt(uint32_t number) {
  return {{}, number};
}

} // namespace

TEST_CASE("an attempt whose processes are gone has ended when its main process "
          "is reaped") {
  made_processes all;
  all.left[attempt(1)] = 0;
  attempt_endings endings;
  CHECK_FALSE(endings.is_settling());
  endings.reaped(attempt(1), 100);
  CHECK(endings.is_settling());
  endings.settle(100, all);
  REQUIRE(all.told.size() == 1);
  CHECK(all.told[0] == std::pair{attempt(1), true});
  CHECK(all.kills.empty());
  CHECK_FALSE(endings.is_settling());
}

TEST_CASE("what outlives the main process is killed, and the end is told once "
          "it is gone") {
  made_processes all;
  all.left[attempt(1)] = 2;
  all.left[attempt(2)] = 0;
  attempt_endings endings;
  endings.reaped(attempt(1), 100);
  endings.reaped(attempt(2), 100);
  endings.settle(100, all);
  REQUIRE(all.told.size() == 1);
  CHECK(all.told[0].first == attempt(2));
  CHECK(all.kills[attempt(1)] == 1);
  endings.settle(110, all);
  REQUIRE(all.told.size() == 2);
  CHECK(all.told[1] == std::pair{attempt(1), true});
  endings.settle(120, all);
  CHECK(all.told.size() == 2);
}

TEST_CASE("what does not die of SIGKILL is killed again, and waited for no "
          "longer than so long") {
  made_processes all;
  all.left[attempt(1)] = 1;
  all.hangs = true;
  attempt_endings endings;
  endings.reaped(attempt(1), 100);
  endings.settle(100, all);
  endings.settle(99 + tree_death_ms_max, all);
  CHECK(all.told.empty());
  CHECK(all.kills[attempt(1)] == 2);
  endings.settle(100 + tree_death_ms_max, all);
  REQUIRE(all.told.size() == 1);
  CHECK(all.told[0] == std::pair{attempt(1), false});
  CHECK_FALSE(endings.is_settling());
}
