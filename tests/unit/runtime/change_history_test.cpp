#include "runtime/change_history.hpp"

#include "tests/unit/runtime/change_log.hpp"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::test;

namespace {

/// The first bytes of the jobs' ids, in order; the cursors name the changes.
struct read_back {
  std::vector<int> jobs;
  std::vector<change_cursor> cursors;
  std::string problem;
};

read_back read_all(change_log& from, change_cursor cursor, log_offset goal) {
  change_history history{from.records(), shard_id{0}, cursor, goal};
  read_back all;
  for (;;) {
    auto next = history.next();
    if (auto* problem = std::get_if<change_history::problem>(&next)) {
      all.problem = problem->message;
      return all;
    }
    auto& found = std::get<std::vector<job_transition>>(next);
    if (found.empty())
      return all;
    for (const auto& t : found) {
      for (int n = 0; n < 256; ++n)
        if (t.job == numbered_job(static_cast<uint8_t>(n)))
          all.jobs.push_back(n);
      all.cursors.push_back({t.offset, t.number});
    }
  }
}

const shard_id first{0};

} // namespace

TEST_CASE("the log gives the changes after a cursor, up to a goal") {
  change_log log;
  auto a = log.run_jobs(first, {1, 2, 3});
  auto b = log.run_jobs(first, {});
  auto c = log.run_jobs(first, {4, 5});
  log.run_jobs(first, {6});
  CHECK(read_all(log, {0, 0}, c).jobs == std::vector{1, 2, 3, 4, 5});
  CHECK(read_all(log, {a, 0}, c).jobs == std::vector{1, 2, 3, 4, 5});
  CHECK(read_all(log, {a, 2}, c).jobs == std::vector{3, 4, 5});
  CHECK(read_all(log, {a, 3}, c).jobs == std::vector{4, 5});
  CHECK(read_all(log, {a, 3}, b).jobs.empty());
  CHECK(read_all(log, {b, 0}, c).jobs == std::vector{4, 5});
  CHECK(read_all(log, {c, 2}, c).jobs.empty());
  CHECK(read_all(log, {a, 2}, c).cursors
        == std::vector<change_cursor>{{a, 3}, {c, 1}, {c, 2}});
}

TEST_CASE("rule Validity: a follower passes over what the owner's readers do") {
  change_log log;
  auto a = log.run_jobs(first, {1});
  auto fenced =
      log.next_decision(first, {change_log::started(numbered_job(9))});
  log.claim(first);
  log.append(first, fenced);
  auto gap = log.next_decision(first, {change_log::started(numbered_job(8))});
  ++gap.seq;
  auto other = log.next_decision(first, {change_log::started(numbered_job(7))});
  other.nonce = "not the claim's";
  log.append(first, other);
  auto b = log.run_jobs(first, {2});
  ++gap.seq;
  log.append(first, gap);
  auto c = log.run_jobs(first, {3});
  CHECK(read_all(log, {a, 1}, c).jobs == std::vector{2, 3});
  CHECK(read_all(log, {b, 1}, c).jobs == std::vector{3});
}

TEST_CASE("messages between decisions are passed over") {
  change_log log;
  auto a = log.run_jobs(first, {1});
  log.append(first, message_record{});
  auto b = log.run_jobs(first, {2});
  CHECK(read_all(log, {a, 1}, b).jobs == std::vector{2});
}

TEST_CASE("a cursor that names neither decision nor claim is no position") {
  change_log log;
  auto message = log.append(first, message_record{});
  auto b = log.run_jobs(first, {1});
  CHECK_THAT(read_all(log, {message, 0}, b).problem,
             Catch::Contains("offset 1 of shard 0 is no position"));
}

TEST_CASE("changes that the log does not keep any more are told as missed") {
  change_log log;
  auto a = log.run_jobs(first, {1});
  auto b = log.run_jobs(first, {2});
  log.records().trim(first, b);
  CHECK_THAT(read_all(log, {a, 1}, b).problem,
             Catch::Contains("not kept any more"));
  CHECK(read_all(log, {b, 0}, b).jobs == std::vector{2});
}

TEST_CASE("a long history is read whole") {
  change_log log;
  std::vector<int> expected;
  log_offset last = 0;
  for (int i = 0; i < 3000; ++i) {
    last = log.run_jobs(first, {static_cast<uint8_t>(i)});
    expected.push_back(i % 256);
  }
  CHECK(read_all(log, {0, 0}, last).jobs == expected);
}
