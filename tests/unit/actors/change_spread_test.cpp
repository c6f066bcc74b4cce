#include "actors/change_spread.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

constexpr int64_t patience_ms = 100;

/// Node `a` of the members `a`, `b` and `c`.
struct spreading {
  spreading() {
    spread.on_clock(now);
    spread.on_members({"a", "b", "c"});
  }

  void advance(int64_t ms) {
    now += ms;
    spread.on_clock(now);
  }
  /// `endpoint?token` for who is asked, `=token` for what is settled.
  std::vector<std::string> wanted() {
    std::vector<std::string> all;
    for (const auto& effect : spread.take_effects())
      if (const auto* asked = std::get_if<ask_member_effect>(&effect))
        all.push_back(asked->endpoint + "?" + std::to_string(asked->token));
      else
        all.push_back(
            "="
            + std::to_string(std::get<change_settled_effect>(effect).token));
    return all;
  }

  int64_t now = 10'000;
  change_spread spread{{"a", patience_ms}};
};

using list = std::vector<std::string>;

} // namespace

TEST_CASE("a change is settled once every member has folded it") {
  spreading s;
  s.spread.on_change(1);
  CHECK(s.wanted() == list{"a?1", "b?1", "c?1"});
  CHECK(s.spread.on_answer("c", 1, true));
  CHECK(s.spread.on_answer("a", 1, true));
  CHECK(s.spread.on_answer("a", 1, true));
  CHECK(s.wanted().empty());
  CHECK(s.spread.on_answer("b", 1, true));
  CHECK(s.wanted() == list{"=1"});
  CHECK_FALSE(s.spread.on_answer("b", 1, true));
  CHECK_FALSE(s.spread.next_due_boottime_ms());
}

TEST_CASE("each change waits for its own answers") {
  spreading s;
  s.spread.on_change(1);
  s.spread.on_change(2);
  s.wanted();
  for (const auto* who : {"a", "b", "c"})
    s.spread.on_answer(who, 2, true);
  CHECK(s.wanted() == list{"=2"});
  CHECK_FALSE(s.spread.on_answer("a", 3, true));
}

TEST_CASE("a member that cannot say that it has folded is waited for") {
  spreading s;
  s.spread.on_change(1);
  s.wanted();
  s.spread.on_answer("a", 1, true);
  s.spread.on_answer("b", 1, true);
  CHECK(s.spread.on_answer("c", 1, false));
  CHECK(s.wanted().empty());
  s.advance(patience_ms - 1);
  CHECK(s.wanted().empty());
  CHECK(s.spread.next_due_boottime_ms() == s.now + 1);
  s.advance(1);
  CHECK(s.wanted() == list{"=1"});
}

TEST_CASE("who cannot be reached is not waited for") {
  spreading s;
  s.spread.on_change(1);
  s.spread.on_change(2);
  s.wanted();
  for (auto token : {1, 2}) {
    s.spread.on_answer("a", token, true);
    s.spread.on_answer("b", token, true);
  }
  s.spread.on_unreachable("b");
  CHECK(s.wanted().empty());
  s.spread.on_unreachable("c");
  CHECK(s.wanted() == list{"=1", "=2"});
  // It is a member still, and may be back.
  s.spread.on_change(3);
  CHECK(s.wanted() == list{"a?3", "b?3", "c?3"});
}

TEST_CASE("who is no member any more is not waited for") {
  spreading s;
  s.spread.on_change(1);
  s.wanted();
  s.spread.on_answer("a", 1, true);
  s.spread.on_answer("c", 1, true);
  s.spread.on_members({"a", "c", "d"});
  CHECK(s.wanted() == list{"=1"});
  s.spread.on_change(2);
  CHECK(s.wanted() == list{"a?2", "c?2", "d?2"});
}

TEST_CASE("this node itself is waited for, whoever the members are") {
  spreading s;
  s.spread.on_members({});
  s.spread.on_change(1);
  CHECK(s.wanted() == list{"a?1"});
  s.spread.on_answer("a", 1, true);
  CHECK(s.wanted() == list{"=1"});
}
