#include "tests/sim/tests/made_history.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

namespace {

record of(decision_record d) {
  record r;
  r.body = std::move(d);
  return r;
}

} // namespace

TEST_CASE("same_state_everywhere: nodes fold the same to the same") {
  made_history h{same_state_everywhere};
  h.decide(std::vector<event>{});
  auto offset = h.last_offset();
  h.happen(decision_folded{1, {}, offset, 77});
  SECTION("different states are told") {
    h.happen(decision_folded{2, {}, offset, 78});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("also of one node, before and after it was reloaded") {
    h.happen(decision_folded{1, {}, offset, 78});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("a decision under an older claim is not folded") {
    auto late = h.next();
    h.claim({}, "second").append(of(late));
    h.happen(decision_folded{1, {}, h.last_offset(), std::nullopt});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("nor one with another claim's nonce") {
    auto other = h.next();
    other.nonce = "other";
    h.append(of(other));
    h.happen(decision_folded{1, {}, h.last_offset(), std::nullopt});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("nor one behind a gap") {
    auto later = h.next();
    ++later.seq;
    h.append(of(later));
    h.happen(decision_folded{1, {}, h.last_offset(), std::nullopt});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("the same state is well") {
    h.happen(decision_folded{2, {}, offset, 77});
    CHECK(h.end().empty());
  }
}

TEST_CASE("checkpoints_stand: a checkpoint is where it says") {
  made_history h{checkpoints_stand};
  h.decide(std::vector<event>{});
  checkpoint at;
  at.folded_offset = h.last_offset();
  at.at_epoch = epoch{0};
  at.seq = 1;
  at.through = -1;
  SECTION("another seq") {
    at.seq = 2;
    h.happen(checkpoint_written{1, {}, at});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("another through") {
    at.through = 0;
    h.happen(checkpoint_written{1, {}, at});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("ahead of the log") {
    ++at.folded_offset;
    h.happen(checkpoint_written{1, {}, at});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("as it is") {
    h.happen(checkpoint_written{1, {}, at});
    CHECK(h.end().empty());
  }
}

TEST_CASE("owners_have_claimed: a name is no claim") {
  made_history h{owners_have_claimed};
  h.claim({}, "second");
  auto owns = [&](log_offset at, const std::string& nonce) {
    h.happen(shard_owned{1, {}, epoch{at}, nonce});
  };
  SECTION("by another's claim") {
    owns(1, "mine");
    CHECK_FALSE(h.found().empty());
  }
  SECTION("by what is no claim") {
    h.decide(std::vector<event>{});
    owns(2, "second");
    CHECK_FALSE(h.found().empty());
  }
  SECTION("by a claim of its own that another has followed") {
    owns(0, "second");
    CHECK_FALSE(h.found().empty());
  }
  SECTION("by the claim that it sent last") {
    owns(1, "second");
    CHECK(h.end().empty());
  }
}

TEST_CASE("time_goes_on: a shard's time is nobody's wall clock") {
  made_history h{time_goes_on};
  h.decide(std::vector<event>{});
  SECTION("it does not go back") {
    auto d = h.next();
    d.at_ms -= 1000;
    h.decide(d);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("it does not jump ahead under one owner") {
    auto d = h.next();
    d.at_ms += 60'000;
    h.decide(d);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("it goes on as time does") {
    h.wait(10 * second).decide(std::vector<event>{});
    CHECK(h.end().empty());
  }
  SECTION("a new owner may begin later") {
    h.claim({}, "second");
    auto d = h.next();
    d.at_ms += 60'000;
    h.decide(d);
    CHECK(h.end().empty());
  }
}

TEST_CASE("stories_agree: an audit tells what happened") {
  made_history h{stories_agree};
  h.decide({submission(1), runnable(1), placed(attempt(1))});
  h.start(attempt(1), 5).decide({attempt_started{attempt(1), 0}});
  SECTION("with the exit code of the process") {
    h.exit(attempt(1), 5, 0);
    h.decide({finished(attempt(1), after_attempt::succeed, 0)});
    CHECK(h.end().empty());
  }
  SECTION("another exit code is told") {
    h.exit(attempt(1), 5, 4);
    h.decide({finished(attempt(1), after_attempt::succeed, 0)});
    CHECK_FALSE(h.end().empty());
  }
  SECTION("time that runs back is told") {
    h.exit(attempt(1), 5, 0);
    auto d = h.next();
    d.at_ms = 0;
    d.events = {finished(attempt(1), after_attempt::succeed, 0)};
    h.decide(d);
    CHECK_FALSE(h.end().empty());
  }
}

} // namespace berth::sim
