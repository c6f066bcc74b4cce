#include "runtime/report_gate.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace berth {

namespace {

const agent_id agent{environment_uid{1}, "a"};
const session_id session{1, 1};
constexpr shard_id destination{3};

attempt_id attempt(uint8_t number) {
  std::array<uint8_t, 16> hash{};
  hash[0] = number;
  return {{make_job_id(hash, destination)}, 1};
}

numbered_report started(uint64_t number, uint8_t job) {
  return {number, attempt_started_report{attempt(job), 0}};
}

numbered_report ended(uint64_t number, uint8_t job) {
  attempt_ended_report end;
  end.attempt = attempt(job);
  return {number, end};
}

keeper_reports of(std::vector<numbered_report> reports,
                  shard_id to = destination) {
  return {agent, session, to, std::move(reports)};
}

std::vector<uint64_t> numbers(const std::vector<keeper_reports>& batches) {
  std::vector<uint64_t> all;
  for (const auto& batch : batches)
    for (const auto& r : batch.reports)
      all.push_back(r.number);
  return all;
}

using list = std::vector<uint64_t>;

} // namespace

TEST_CASE("An end waits for its output, and what follows waits behind it") {
  std::vector<attempt_id> shipped;
  report_gate gate{[&](const attempt_id& a) { shipped.push_back(a); }};
  gate.take(of({started(1, 1), ended(2, 1), started(3, 2)}));
  CHECK(numbers(gate.release()) == list{1});
  CHECK(shipped == std::vector{attempt(1)});
  gate.take(of({ended(4, 2)}));
  CHECK(gate.release().empty());
  gate.on_settled(attempt(2));
  CHECK(gate.release().empty());
  gate.on_settled(attempt(1));
  CHECK(numbers(gate.release()) == list{2, 3, 4});
  CHECK(gate.release().empty());
}

TEST_CASE("Reports to another shard do not wait for each other's output") {
  report_gate gate{[](const attempt_id&) {}};
  gate.take(of({ended(1, 1)}));
  gate.take(of({started(1, 2)}, shard_id{4}));
  auto released = gate.release();
  REQUIRE(released.size() == 1);
  CHECK(released[0].destination == shard_id{4});
}

TEST_CASE("A keeper that says everything again is heard once") {
  std::vector<attempt_id> shipped;
  report_gate gate{[&](const attempt_id& a) { shipped.push_back(a); }};
  gate.take(of({started(1, 1), ended(2, 1)}));
  gate.release();
  gate.clear();
  gate.take(of({started(1, 1), ended(2, 1)}));
  CHECK(shipped.size() == 1);
  CHECK(numbers(gate.release()) == list{1});
  gate.on_settled(attempt(1));
  CHECK(numbers(gate.release()) == list{2});
}

TEST_CASE("Without a place to ship to nothing is held back") {
  report_gate gate;
  gate.take(of({started(1, 1), ended(2, 1)}));
  CHECK(numbers(gate.release()) == list{1, 2});
}

} // namespace berth
