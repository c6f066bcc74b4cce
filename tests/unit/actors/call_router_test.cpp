#include "actors/call_router.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

constexpr int64_t patience_ms = 1000;
constexpr int64_t again_ms = 50;
const shard_id s0{0};
const shard_id s1{1};
const result done{response{done_response{}}};

result refusal(api_errc code) {
  return api_error{code, "no"};
}

/// A router with a clock, and what it wanted since it was last asked.
struct routing {
  routing() { router.on_clock(now); }

  void call(call_token token, shard_id to = s0) {
    router.on_call(to, token, barrier_call{});
  }
  void answer(const std::string& from, call_token token, result what) {
    router.on_answer(from, token, std::move(what));
  }
  void advance(int64_t ms) {
    now += ms;
    router.on_clock(now);
  }
  /// `endpoint:token` for what was brought, `=token` for an answer and `!token`
  /// for a refusal.
  std::vector<std::string> wanted() {
    std::vector<std::string> all;
    for (const auto& effect : router.take_effects()) {
      if (const auto* b = std::get_if<bring_call_effect>(&effect)) {
        all.push_back(b->endpoint + ":" + std::to_string(b->token));
        continue;
      }
      const auto& a = std::get<answer_call_effect>(effect);
      auto refused = std::holds_alternative<api_error>(a.answer);
      all.push_back((refused ? "!" : "=") + std::to_string(a.token));
    }
    return all;
  }

  int64_t now = 10'000;
  call_router router{{patience_ms, again_ms}};
};

using list = std::vector<std::string>;

} // namespace

TEST_CASE("a call goes to the owner of its shard and its answer comes back") {
  routing r;
  r.router.on_owner(s0, "a");
  r.router.on_owner(s1, "b");
  r.call(1);
  r.call(2, s1);
  CHECK(r.wanted() == list{"a:1", "b:2"});
  r.answer("b", 2, done);
  r.answer("a", 1, refusal(api_errc::invalid));
  CHECK(r.wanted() == list{"=2", "!1"});
  CHECK(r.router.waiting() == 0);
  CHECK_FALSE(r.router.next_due_boottime_ms());
}

TEST_CASE("a call waits until an owner is known") {
  routing r;
  r.call(1);
  CHECK(r.wanted().empty());
  r.router.on_owner(s1, "b");
  CHECK(r.wanted().empty());
  r.router.on_owner(s0, "a");
  CHECK(r.wanted() == list{"a:1"});
  r.router.on_owner(s0, "a");
  CHECK(r.wanted().empty());
}

TEST_CASE("a call follows its shard to the next owner") {
  routing r;
  r.router.on_owner(s0, "a");
  r.call(1);
  r.wanted();
  r.router.on_owner(s0, "b");
  CHECK(r.wanted() == list{"b:1"});

  SECTION("and takes the answer of whoever is first") {
    r.answer("a", 1, done);
    CHECK(r.wanted() == list{"=1"});
    r.answer("b", 1, done);
    CHECK(r.wanted().empty());
  }
  SECTION("and does not mind that the former one turns it away") {
    r.answer("a", 1, refusal(api_errc::unavailable));
    r.advance(10 * again_ms);
    CHECK(r.wanted().empty());
    r.answer("b", 1, done);
    CHECK(r.wanted() == list{"=1"});
  }
}

TEST_CASE("a call that was turned away is made again after a pause") {
  routing r;
  r.router.on_owner(s0, "a");
  r.call(1);
  r.wanted();
  r.answer("a", 1, refusal(api_errc::unavailable));
  CHECK(r.router.next_due_boottime_ms() == r.now + again_ms);
  r.advance(again_ms - 1);
  CHECK(r.wanted().empty());
  r.advance(1);
  CHECK(r.wanted() == list{"a:1"});
  r.answer("a", 1, refusal(api_errc::unavailable));
  r.advance(2 * again_ms - 1);
  CHECK(r.wanted().empty());
  r.advance(1);
  CHECK(r.wanted() == list{"a:1"});
}

TEST_CASE("a call that was turned away goes to a new owner at once") {
  routing r;
  r.router.on_owner(s0, "a");
  r.call(1);
  r.answer("a", 1, refusal(api_errc::unavailable));
  r.wanted();
  r.router.on_owner(s0, "b");
  CHECK(r.wanted() == list{"b:1"});
  r.advance(again_ms);
  CHECK(r.wanted().empty());
}

TEST_CASE("what was brought to a node that is gone is brought again") {
  routing r;
  r.router.on_owner(s0, "a");
  r.router.on_owner(s1, "b");
  r.call(1);
  r.call(2, s1);
  r.wanted();
  r.router.on_unreachable("a");
  CHECK(r.wanted().empty());
  r.advance(again_ms);
  CHECK(r.wanted() == list{"a:1"});
}

TEST_CASE("too many requests is an answer, not a turning away") {
  routing r;
  r.router.on_owner(s0, "a");
  r.call(1);
  r.wanted();
  r.answer("a", 1, refusal(api_errc::too_many_requests));
  CHECK(r.wanted() == list{"!1"});
}

TEST_CASE("a call without an answer is given up, and says who was asked") {
  routing r;
  auto why = [&] {
    auto effects = r.router.take_effects();
    REQUIRE(effects.size() == 1);
    const auto& a = std::get<answer_call_effect>(effects[0]);
    const auto& error = std::get<api_error>(a.answer);
    CHECK(error.code == api_errc::unavailable);
    return error.message;
  };
  SECTION("with an owner") {
    r.router.on_owner(s0, "a:1");
    r.call(1);
    r.wanted();
    r.advance(patience_ms);
    CHECK(why() == "the owner of shard 0 at a:1 does not answer; try again");
  }
  SECTION("without one") {
    r.call(1);
    r.advance(patience_ms - 1);
    CHECK(r.wanted().empty());
    r.advance(1);
    CHECK(why() == "no node that can be reached owns shard 0 now; try again");
  }
  r.answer("a:1", 1, done);
  r.router.on_owner(s0, "b");
  CHECK(r.wanted().empty());
}

TEST_CASE("who says that it owns a shard is asked until a claim was read") {
  routing r;
  r.call(1);
  r.router.on_holder(s0, "a");
  CHECK(r.wanted() == list{"a:1"});
  r.router.on_owner(s0, "b");
  CHECK(r.wanted() == list{"b:1"});
  // A heartbeat is older than what the log says.
  r.router.on_holder(s0, "a");
  r.call(2);
  CHECK(r.wanted() == list{"b:2"});
}

TEST_CASE("who says that it owns a shard is asked again once no claims are "
          "read") {
  routing r;
  r.router.on_owner(s0, "a");
  r.router.on_owner(s1, "a");
  r.router.on_at_rest(s0);
  // Nobody knows better yet.
  r.call(1);
  CHECK(r.wanted() == list{"a:1"});
  r.router.on_holder(s0, "b");
  r.router.on_holder(s1, "b");
  CHECK(r.wanted() == list{"b:1"});
  r.call(2, s1);
  CHECK(r.wanted() == list{"a:2"});
}

TEST_CASE("more calls than may wait are refused at once") {
  routing r;
  for (call_token token = 1; token <= routed_calls_max; ++token)
    r.call(token);
  CHECK(r.wanted().empty());
  r.call(routed_calls_max + 1);
  CHECK(r.wanted() == list{"!" + std::to_string(routed_calls_max + 1)});
}
