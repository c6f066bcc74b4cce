#include "tests/sim/tests/made_history.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

namespace {

constexpr uint64_t registration = 1;
constexpr uint64_t deregistration = 2;
constexpr uint64_t submission_call = 3;

result revision(uint32_t number) {
  return response{object_response{"d", "", number}};
}
result done() {
  return response{done_response{}};
}

request by_name() {
  submit_job_request r;
  r.name = "job";
  r.definition = "d";
  return r;
}

/// The job, as resolved with this revision.
job_submitted taken_with(uint32_t revision) {
  auto spec = made_spec("job");
  spec.definition_name = "d";
  spec.definition_revision = revision;
  return submission(1, spec);
}

} // namespace

TEST_CASE("changes_hold_everywhere: what was answered holds at every node") {
  made_history h{changes_hold_everywhere};
  definition_settings d;
  d.name = "d";
  h.ask(registration, register_definition_request{d, {}});
  SECTION("a revision that was registered before is not passed over") {
    h.answer(registration, revision(2)).ask(submission_call, by_name());
    SECTION("and is not") {
      h.decide({taken_with(2)});
      CHECK(h.end().empty());
    }
    SECTION("nor is a newer one") {
      h.decide({taken_with(3)});
      CHECK(h.end().empty());
    }
    SECTION("but is") {
      h.decide({taken_with(1)});
      CHECK_FALSE(h.found().empty());
    }
  }
  SECTION("one that was registered meanwhile may be") {
    h.ask(submission_call, by_name()).answer(registration, revision(2));
    h.decide({taken_with(1)});
    CHECK(h.end().empty());
  }
  SECTION("so it may by an earlier try") {
    h.ask(submission_call, by_name()).answer(registration, revision(2));
    h.ask(submission_call, by_name(), 2).decide({taken_with(1)});
    CHECK(h.end().empty());
  }
  SECTION("so it may at a node that was not waited for") {
    h.happen(change_spread_over{"call-1", {1}});
    h.answer(registration, revision(2)).ask(submission_call, by_name());
    h.decide({taken_with(1)});
    CHECK(h.end().empty());
  }
  SECTION("but not at another one") {
    h.happen(change_spread_over{"call-1", {0, 2}});
    h.answer(registration, revision(2)).ask(submission_call, by_name());
    h.decide({taken_with(1)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that was deregistered before is not taken") {
    h.answer(registration, revision(2));
    h.ask(deregistration, deregister_definition_request{"d:2"});
    SECTION("and is") {
      h.answer(deregistration, done()).ask(submission_call, by_name());
      h.decide({taken_with(2)});
      CHECK_FALSE(h.found().empty());
    }
    SECTION("but an older one") {
      h.decide({definition_deregistered{{}, "d", 2, 0}});
      h.answer(deregistration, done()).ask(submission_call, by_name());
      h.decide({taken_with(1)});
      CHECK(h.end().empty());
    }
    SECTION("nor an older one while it is there") {
      h.ask(submission_call, by_name()).decide({taken_with(1)});
      CHECK_FALSE(h.found().empty());
    }
    SECTION("but an older one once it is gone, answered or not") {
      h.decide({definition_deregistered{{}, "d", 2, 0}});
      h.ask(submission_call, by_name()).decide({taken_with(1)});
      CHECK(h.end().empty());
    }
    SECTION("and one that was meanwhile may be") {
      h.ask(submission_call, by_name()).answer(deregistration, done());
      h.decide({taken_with(2)});
      CHECK(h.end().empty());
    }
  }
}

} // namespace berth::sim
