// What a shard's driver asks of its store, how often it reads jobs' bodies and
// when it writes checkpoints, and whether it trusts a store that it finds.
#include "runtime/shard_driver.hpp"

#include "messages/limits.hpp"
#include "tests/unit/runtime/driven_shard.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::test;

namespace {

/// A store in memory that counts what is read by key.
class counting_store final : public store {
public:
  std::optional<checkpoint> last_checkpoint() const override {
    return rows_.last_checkpoint();
  }
  storage_error write(const row_batch& rows, const checkpoint& at) override {
    return rows_.write(rows, at);
  }
  std::optional<std::string> get(std::string_view key) const override {
    ++alone;
    ++times[std::string{key}];
    return rows_.get(key);
  }
  std::vector<std::optional<std::string>>
  get_each(const std::vector<std::string>& keys) const override {
    if (!keys.empty())
      ++together;
    std::vector<std::optional<std::string>> found;
    for (const auto& key : keys) {
      ++times[key];
      found.push_back(rows_.get(key));
    }
    return found;
  }
  std::vector<row> scan(std::string_view from, std::string_view to,
                        size_t limit) const override {
    return rows_.scan(from, to, limit);
  }
  std::vector<row> scan_back(std::string_view from, std::string_view to,
                             size_t limit) const override {
    return rows_.scan_back(from, to, limit);
  }

  mutable size_t alone = 0;
  mutable size_t together = 0;
  mutable std::map<std::string, size_t> times;

private:
  memory_store rows_;
};

constexpr int64_t vcpus = 4000;
/// Tokens of calls that no test asks the answer of are above.
constexpr call_token far_token = 1'000'000;

struct world {
  explicit world(const std::string& node = "owner") : owner{log, rows, node} {
    log.deliver();
    REQUIRE(owner.machine().role() == shard_role::owner);
    owner.call(catalog_call{test_caller(), environment_of("e", vcpus)});
    owner.call(catalog_call{test_caller(), queue_of("q", 1, {"e"})});
  }

  void submit(uint64_t count, const job_spec& spec) {
    for (uint64_t i = 0; i < count; ++i)
      owner.call(submission(owner.machine().state(), "q", ++jobs, spec));
  }
  /// As many as fit into a decision, without a turn of the log.
  void call_many() {
    std::vector<std::pair<call_token, shard_call>> calls;
    for (size_t i = 0; i < limits::decision_calls_max; ++i) {
      ++jobs;
      calls.emplace_back(far_token + jobs,
                         submission(owner.machine().state(), "q", jobs));
    }
    owner.driver().on_calls(calls);
  }
  /// Of several decisions in flight, the first is appended and read.
  void land_one() {
    REQUIRE(log.run_once(0));
    REQUIRE(log.run_once(log.runnable() - 1));
  }
  void agent_joins_now() {
    record r;
    message_record m;
    const auto* e =
        owner.machine().state().catalog().find_environment(test_owner(), "e");
    m.body =
        agent_joins{{e->uid, "agent"}, {1, 1}, {vcpus * 1000, 1 << 20, {}}};
    r.body = std::move(m);
    log.append(shard_id{0}, encode(r), [](append_outcome, storage_error) {});
    log.deliver();
  }
  /// How often the bodies of what has started were read.
  size_t bodies_read() const {
    size_t read = 0;
    for (const auto& d : owner.sent) {
      const auto& start = std::get<start_attempt>(d.body);
      auto found = rows->times.find(job_table::body_key(start.attempt.job.id));
      read += found == rows->times.end() ? 0 : found->second;
    }
    return read;
  }
  bool all_know_their_job(const job_spec& spec) const {
    return std::all_of(owner.sent.begin(), owner.sent.end(), [&](auto& d) {
      const auto& start = std::get<start_attempt>(d.body);
      return start.spec && encode(*start.spec) == encode(spec);
    });
  }

  memory_log log{memory_log_mode::manual};
  std::shared_ptr<counting_store> rows = std::make_shared<counting_store>();
  driven_shard owner;
  uint64_t jobs = 0;
};

job_spec job_of_bytes(size_t count) {
  auto spec = small_job();
  spec.container.environment = {{"TEXT", std::string(count, 'x')}};
  return spec;
}

} // namespace

TEST_CASE("bodies of jobs that start together are read together, each once") {
  world w;
  auto spec = job_of_bytes(10);
  w.submit(2500, spec);
  w.owner.driver().on_checkpoint_due();
  REQUIRE(w.owner.finish_writes() == 1);
  // The bodies of the last checkpoint are still at hand.
  w.owner.driver().on_checkpoint_due();
  auto before = w.rows->together;
  w.agent_joins_now();
  REQUIRE(w.owner.sent.size() == 2500);
  CHECK(w.all_know_their_job(spec));
  CHECK(w.bodies_read() == 2500);
  CHECK(w.rows->alone == 0);
  // One pass grants so many; one effect after the other would be 2,500.
  CHECK(w.rows->together - before <= 2500 / limits::grants_per_pass_max + 1);
}

TEST_CASE("bodies that no checkpoint has written yet are read from nowhere") {
  world w;
  w.agent_joins_now();
  auto spec = job_of_bytes(10);
  w.submit(100, spec);
  REQUIRE(w.owner.sent.size() == 100);
  CHECK(w.all_know_their_job(spec));
  CHECK(w.bodies_read() == 0);
}

TEST_CASE("bodies on their way to the store are read from nowhere") {
  world w;
  auto spec = job_of_bytes(10);
  w.submit(100, spec);
  w.owner.driver().on_checkpoint_due();
  w.agent_joins_now();
  REQUIRE(w.owner.sent.size() == 100);
  CHECK(w.all_know_their_job(spec));
  CHECK(w.bodies_read() == 0);
}

TEST_CASE("bodies of the last checkpoint are read from nowhere, for a while") {
  world w;
  auto spec = job_of_bytes(10);
  w.submit(100, spec);
  w.owner.driver().on_checkpoint_due();
  REQUIRE(w.owner.finish_writes() == 1);
  SECTION("until the next") {
    w.agent_joins_now();
    REQUIRE(w.owner.sent.size() == 100);
    CHECK(w.all_know_their_job(spec));
    CHECK(w.bodies_read() == 0);
  }
  SECTION("and no longer") {
    w.submit(1, spec);
    w.owner.driver().on_checkpoint_due();
    REQUIRE(w.owner.finish_writes() == 1);
    w.agent_joins_now();
    REQUIRE(w.owner.sent.size() == 101);
    CHECK(w.all_know_their_job(spec));
    CHECK(w.bodies_read() == 100);
  }
}

TEST_CASE("a checkpoint is not put off by decisions made ahead") {
  world w;
  w.log.deliver();
  w.call_many();
  w.call_many();
  REQUIRE(w.owner.machine().decision_in_flight());
  w.owner.driver().on_checkpoint_due();
  size_t written = 0;
  for (int step = 0; step < 20 && written == 0; ++step) {
    // More is always there to be decided.
    w.call_many();
    w.land_one();
    written = w.owner.finish_writes();
  }
  CHECK(written == 1);
}

TEST_CASE("who looks at the state is not put off by decisions made ahead") {
  world w;
  w.log.deliver();
  w.call_many();
  w.call_many();
  auto seen = false;
  w.owner.driver().inspect([&](const shard* m) {
    seen = m != nullptr && !m->decision_in_flight();
    return seen;
  });
  REQUIRE_FALSE(seen);
  for (int step = 0; step < 20 && !seen; ++step) {
    w.call_many();
    w.land_one();
  }
  CHECK(seen);
}

TEST_CASE("an owner writes a checkpoint each interval, a follower one in ten") {
  world w;
  driven_shard follower{w.log, std::make_shared<memory_store>(), "follower"};
  follower.driver().set_candidate(false);
  w.log.deliver();
  w.submit(10, job_of_bytes(10));
  REQUIRE(follower.machine().role() == shard_role::follower);
  for (int i = 1; i < 10; ++i) {
    follower.driver().on_checkpoint_due();
    w.owner.driver().on_checkpoint_due();
    CHECK(w.owner.finish_writes() == 1);
    CHECK(follower.finish_writes() == 0);
    w.submit(1, job_of_bytes(10));
  }
  follower.driver().on_checkpoint_due();
  CHECK(follower.finish_writes() == 1);
  follower.driver().on_checkpoint_due();
  CHECK(follower.finish_writes() == 0);
}

TEST_CASE("a follower writes a checkpoint once it has read much") {
  world w;
  driven_shard follower{w.log, std::make_shared<memory_store>(), "follower"};
  follower.driver().set_candidate(false);
  w.log.deliver();
  constexpr size_t much = 32 * 1024 * 1024;
  constexpr size_t body = 28 * 1024;
  w.submit(much / body / 2, job_of_bytes(body));
  follower.driver().on_checkpoint_due();
  CHECK(follower.finish_writes() == 0);
  w.submit(much / body / 2 + 2, job_of_bytes(body));
  follower.driver().on_checkpoint_due();
  CHECK(follower.finish_writes() == 1);
}

TEST_CASE("a restarted shard reads on where its checkpoint ends") {
  world w;
  w.submit(10, job_of_bytes(10));
  w.owner.driver().on_checkpoint_due();
  REQUIRE(w.owner.finish_writes() == 1);
  auto claim = *w.owner.machine().claim_offset();
  auto end = w.owner.machine().resume_offset();
  driven_shard again{w.log, w.rows, "again"};
  w.log.deliver();
  // It looks at the claim that its rows go by, and at nothing else before.
  CHECK(again.reads_from == std::vector<log_offset>{claim, end});
  CHECK(again.machine().role() == shard_role::owner);
  CHECK(again.machine().state().jobs().live_count() == 10);
}

TEST_CASE("who is chosen while it looks at its log's claim owns once it has") {
  world w;
  w.owner.driver().on_checkpoint_due();
  REQUIRE(w.owner.finish_writes() == 1);
  driven_shard again{w.log, w.rows, "again"};
  again.driver().set_candidate(false);
  again.driver().set_candidate(true);
  w.log.deliver();
  CHECK(again.machine().role() == shard_role::owner);
  CHECK(w.owner.machine().role() == shard_role::follower);
}

TEST_CASE("who is turned away while it looks at its log's claim follows") {
  world w;
  w.owner.driver().on_checkpoint_due();
  REQUIRE(w.owner.finish_writes() == 1);
  driven_shard again{w.log, w.rows, "again"};
  again.driver().set_candidate(false);
  w.log.deliver();
  CHECK(again.machine().role() == shard_role::follower);
  CHECK(w.owner.machine().role() == shard_role::owner);
}

TEST_CASE("a log that was made anew is not taken for the store's") {
  world w;
  w.owner.driver().on_checkpoint_due();
  REQUIRE(w.owner.finish_writes() == 1);
  // Of the same name and the same cluster, but with claims of its own.
  world anew{"another"};
  SECTION("and is shorter") {
    memory_log empty{memory_log_mode::manual};
    driven_shard again{empty, w.rows, "owner"};
    again.may_end = true;
    empty.deliver();
    REQUIRE(again.fatals.size() == 1);
    CHECK(again.fatals[0].find("lost its tail") != std::string::npos);
  }
  SECTION("and has grown past it") {
    anew.submit(50, job_of_bytes(10));
    driven_shard again{anew.log, w.rows, "owner"};
    again.may_end = true;
    anew.log.deliver();
    REQUIRE(again.fatals.size() == 1);
    CHECK(again.fatals[0].find("differs at offset") != std::string::npos);
    CHECK(anew.owner.machine().role() == shard_role::owner);
  }
}
