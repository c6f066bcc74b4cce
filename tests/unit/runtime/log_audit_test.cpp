#include "runtime/log_audit.hpp"

#include "tests/support/shard_fixture.hpp"
#include "tests/unit/runtime/change_log.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::test;

namespace {

const shard_id here{0};

/// A log with the records of an owner that ran jobs.
class audited {
public:
  audited() : fixture(std::make_shared<partition>()) {
    fixture.own("nonce-1");
    fixture.call(catalog_call{test_caller("1"), environment_of("e", 4)});
    fixture.call(catalog_call{test_caller("2"), queue_of("q", 1, {"e"})});
    for (uint64_t i = 1; i <= 3; ++i) {
      auto call = submission(fixture.state(), "q", i);
      job = {call.id, no_index};
      fixture.call(call);
    }
  }

  std::unique_ptr<berth::log> copy() const {
    memory_log_options o;
    o.now_ms = [now = fixture.log->now_ms] { return now; };
    auto made = std::make_unique<memory_log>(memory_log_mode::threaded, o);
    for (const auto& r : fixture.log->records)
      append(*made, r.bytes);
    return made;
  }
  static void append(berth::log& to, const std::string& bytes) {
    std::promise<void> done;
    to.append(here, bytes,
              [&](append_outcome, storage_error) { done.set_value(); });
    done.get_future().get();
  }
  shard_verdict verify() const {
    auto answer = make_log_audit(copy(), {})->verify();
    auto all = std::get<std::vector<shard_verdict>>(answer);
    REQUIRE(all.size() == 1);
    return all[0];
  }
  /// Puts a decision behind all others, as its owner would.
  void add(decision_record d) {
    d.at_epoch = fixture.machine().current_epoch();
    d.nonce = "nonce-1";
    d.seq = fixture.machine().seq() + 1;
    record r;
    r.body = std::move(d);
    fixture.log->append(encode(r));
  }
  decision_record next() const {
    decision_record d;
    d.at_ms = fixture.folded.back().decision->at_ms;
    d.through = fixture.folded.back().decision->through;
    d.cursors = fixture.folded.back().decision->cursors;
    return d;
  }

  shard_fixture fixture;
  job_key job;
};

} // namespace

TEST_CASE("a whole log is folded to the state that its owner has") {
  audited a;
  auto v = a.verify();
  CHECK(v.problem.empty());
  CHECK(v.agrees);
  CHECK(v.records == a.fixture.log->records.size());
  CHECK(v.decisions == a.fixture.folded.size());
  CHECK(v.state_hash == a.fixture.state().hash());
}

TEST_CASE("what no owner may have written is found") {
  audited a;
  auto d = a.next();
  std::string why;
  SECTION("time that goes back") {
    --d.at_ms;
    a.add(d);
    why = "time goes back";
  }
  SECTION("a `through` ahead of the decision") {
    d.through = 1000;
    a.add(d);
    why = "`through` is 1000";
  }
  SECTION("a nonce that two claims share") {
    record r;
    r.body = claim_record{"another", "", "nonce-1"};
    a.fixture.log->append(encode(r));
    why = "claimed with before";
  }
  SECTION("a record that cannot be read") {
    a.fixture.log->append("nonsense");
    why = "offset";
  }
  auto v = a.verify();
  CHECK_FALSE(v.agrees);
  CHECK_THAT(v.problem, Catch::Contains(why));
}

TEST_CASE("a claim that the log holds twice is no problem") {
  audited a;
  auto claim = std::find_if(
      a.fixture.log->records.begin(), a.fixture.log->records.end(),
      [](const auto& r) {
        auto read = decode<record>(r.bytes);
        return read && std::holds_alternative<claim_record>(read->body);
      });
  REQUIRE(claim != a.fixture.log->records.end());
  a.fixture.log->append(std::string{claim->bytes});
  auto v = a.verify();
  CHECK(v.problem.empty());
  // Whoever made it has to claim anew.
  auto d = a.next();
  a.add(d);
  CHECK(a.verify().fenced == 1);
}

TEST_CASE("decisions that rule Validity ignores are counted, and no problem") {
  audited a;
  auto d = a.next();
  a.add(d);
  a.add(d);
  auto v = a.verify();
  CHECK(v.agrees);
  CHECK(v.out_of_sequence == 1);
}

TEST_CASE("a log whose beginning is gone cannot be verified") {
  audited a;
  auto of = a.copy();
  static_cast<memory_log&>(*of).trim(here, 2);
  auto answer = make_log_audit(std::move(of), {})->verify();
  auto v = std::get<std::vector<shard_verdict>>(answer).at(0);
  CHECK_FALSE(v.agrees);
  CHECK_FALSE(v.problem.empty());
}

TEST_CASE("progress is told up to the whole") {
  audited a;
  uint64_t last = 0;
  uint64_t all = 0;
  make_log_audit(a.copy(), [&](uint64_t done, uint64_t of) {
    last = done;
    all = of;
  })->verify();
  CHECK(last == a.fixture.log->records.size());
  CHECK(all == last);
}

TEST_CASE("a job's life is told from a log without a node") {
  audited a;
  auto answer = make_log_audit(a.copy(), {})->history(a.job);
  auto lines = std::get<std::vector<story_line>>(answer);
  REQUIRE_FALSE(lines.empty());
  CHECK_THAT(lines.front().text, Catch::Contains("submitted"));
  CHECK(lines.front().node == "n1");
}

TEST_CASE("the events between two times are exported") {
  change_log of{2};
  of.run_jobs(here, {1, 2});
  of.run_jobs(shard_id{1}, {3});
  auto stale = of.next_decision(here, {change_log::started(numbered_job(9))});
  of.claim(here);
  of.append(here, stale);
  std::vector<std::string> found;
  auto take = [&](const exported_event& e) {
    found.push_back(std::to_string(e.shard.value) + ":"
                    + std::to_string(e.offset) + "."
                    + std::to_string(e.number));
    return true;
  };
  SECTION("all") {
    CHECK_FALSE(export_log(of.records(), {}, take));
    // Claims have number 0; the stale decision is none.
    CHECK(found
          == std::vector<std::string>{"0:0.0", "0:1.1", "0:1.2", "0:2.0",
                                      "1:0.0", "1:1.1"});
  }
  SECTION("none") {
    export_options o;
    o.until_ms = 1'000;
    CHECK_FALSE(export_log(of.records(), o, take));
    CHECK(found.empty());
  }
  SECTION("those of the decisions' time") {
    export_options o;
    o.since_ms = 1'700'000'000'000;
    o.until_ms = 1'700'000'000'001;
    CHECK_FALSE(export_log(of.records(), o, take));
    CHECK(found == std::vector<std::string>{"0:1.1", "0:1.2", "1:1.1"});
  }
  SECTION("until it is enough") {
    CHECK_FALSE(export_log(of.records(), {}, [&](const exported_event& e) {
      take(e);
      return found.size() < 2;
    }));
    CHECK(found.size() == 2);
  }
}

TEST_CASE("an export that follows gives what comes") {
  change_log of;
  of.run_jobs(here, {1});
  export_options o;
  o.follow = true;
  size_t seen = 0;
  auto error = export_log(of.records(), o, [&](const exported_event& e) {
    ++seen;
    // The end of what there was.
    if (e.offset == 1)
      of.records().append(
          here,
          [&] {
            record r;
            r.body =
                of.next_decision(here, {change_log::started(numbered_job(2))});
            return encode(r);
          }(),
          [](append_outcome, storage_error) {});
    return e.offset < 2;
  });
  CHECK_FALSE(error);
  CHECK(seen == 3);
}
