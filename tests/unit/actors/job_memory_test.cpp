// What jobs cost in memory and how large queues are walked in steps.
#include "actors/position_index.hpp"
#include "tests/unit/actors/job_world.hpp"

#include <catch2/catch.hpp>
#include <malloc.h>
#include <rapidcheck.h>
#include <set>

namespace berth::testing {
namespace {

// With a sanitizer's allocator this stays 0 and the bounds hold for nothing.
size_t allocated() {
  auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

job_table empty_table() {
  return job_table{{}, [](queue_uid) { return nullptr; }};
}

void submit_directly(job_table& table, const job_id& id,
                     const shared_job_spec& spec, queue_position position) {
  table.apply(job_submitted{id, test_owner, test_queue, spec, position, 1});
  auto last =
      spec->array_size > 0 ? static_cast<int32_t>(spec->array_size) : no_index;
  table.apply(jobs_became_runnable{{id, last == no_index ? last : 0, last}, 1});
}

TEST_CASE("a queued job costs at most 150 bytes of the job table") {
  constexpr uint32_t count = 100'000;
  auto table = empty_table();
  auto before = allocated();
  for (uint32_t n = 0; n < count; ++n)
    submit_directly(table, test_id(n * 2'654'435'761U),
                    test_spec("job-" + std::to_string(n)), n + 1);
  std::map<std::string, std::optional<std::string>> rows;
  table.cut_checkpoint(rows);
  auto bodies_and_live_rows = rows.size();
  rows.clear();
  auto each = (allocated() - before) / count;
  CHECK(bodies_and_live_rows == 2 * count);
  CHECK(table.live_count() == count);
  INFO("bytes of a queued job: " << each);
  CHECK(each <= 150);
}

TEST_CASE("a waiting child costs at most 16 bytes of the job table") {
  auto with_n_to_n = GENERATE(false, true);
  constexpr uint32_t arrays = 20;
  constexpr uint32_t size = 10'000;
  auto table = empty_table();
  auto before = allocated();
  for (uint32_t n = 0; n < arrays; ++n) {
    std::vector<dependency> depends_on;
    if (with_n_to_n)
      depends_on.push_back(
          {job_key{test_id(500), no_index}, dependency_kind::n_to_n});
    submit_directly(table, test_id(n), array_spec(size, depends_on), n + 1);
  }
  std::map<std::string, std::optional<std::string>> rows;
  table.cut_checkpoint(rows);
  rows.clear();
  auto each = (allocated() - before) / (arrays * size);
  INFO("bytes of a waiting child: " << each);
  CHECK(each <= 16);
}

TEST_CASE("classes of jobs go with their last job") {
  auto table = empty_table();
  auto before = allocated();
  for (uint32_t n = 0; n < 20'000; ++n) {
    auto spec = test_spec();
    spec->definition_name = "definition-" + std::to_string(n);
    submit_directly(table, test_id(n), spec, n + 1);
    table.apply(jobs_failed{{test_id(n), no_index, no_index}, "no", 2});
    if (n % 1'000 == 999) {
      std::map<std::string, std::optional<std::string>> rows;
      table.cut_checkpoint(rows);
    }
  }
  table.check_invariants();
  CHECK(table.live_count() == 0);
  CHECK(allocated() - std::min(allocated(), before) < 1'000'000);
}

TEST_CASE("a job that comes and goes between checkpoints has no live row") {
  job_world world;
  world.submit(test_id(1));
  world.run({test_id(1), no_index});
  world.checkpoint();
  // Body, terminal, listing, expiry, the table's own.
  CHECK(world.rows().size() == 5);
  world.submit(test_id(2));
  world.checkpoint();
  CHECK(world.rows().size() == 7);
  world.run({test_id(2), no_index});
  world.checkpoint();
  CHECK(world.rows().size() == 9);
}

TEST_CASE("a checkpoint without changes writes nothing") {
  job_world world;
  world.submit(test_id(1));
  world.checkpoint();
  std::map<std::string, std::optional<std::string>> rows;
  world.table().cut_checkpoint(rows);
  CHECK(rows.empty());
}

TEST_CASE("rows that are not of the table are not taken") {
  auto table = empty_table();
  for (std::string key : {"", "j", "jx", "q/1", "jl", "jb0123456789abcdef",
                          "jl0123456789abcdef0", "jm1", "jc0123456789abcdef"})
    CHECK_FALSE(table.load_row(key, "", {}));
}

TEST_CASE("loading survives damaged rows") {
  job_world world;
  world.submit(test_id(1));
  world.submit(test_id(2), array_spec(5));
  world.submit(test_id(3), waiting_spec({test_id(1), no_index}));
  world.place({test_id(1), no_index});
  world.place({test_id(2), 3});
  world.checkpoint();
  REQUIRE(rc::check([&](uint16_t at, uint8_t flip) {
    auto table = empty_table();
    for (const auto& range : job_table::live_ranges())
      for (auto row = world.rows().lower_bound(range.from);
           row != world.rows().end() && row->first < range.to; ++row) {
        auto bytes = row->second;
        auto& byte = bytes[at % bytes.size()];
        byte = static_cast<char>(byte ^ flip);
        table.load_row(row->first, bytes, {});
      }
    RC_ASSERT(table.live_count() <= 3U);
  }));
}

TEST_CASE("a queue of 5,000 jobs is ended in bounded steps") {
  job_world world;
  world.checks = false;
  for (uint32_t n = 0; n < 5'000; ++n)
    world.submit(test_id(n));
  job_key running{test_id(17), no_index};
  world.place(running);
  world.close_queue(test_queue);
  world.largest_step = 0;
  size_t steps = 0;
  for (; world.table().has_work(); ++steps)
    world.advance();
  CHECK(steps >= 5);
  CHECK(world.largest_step <= 2'001);
  CHECK(world.table().live_count() == 1);
  CHECK(world.describe(running)->is_terminated);
  world.reload();
  CHECK_FALSE(world.table().has_work());
  world.end(running, attempt_end::stopped, 137);
  REQUIRE(world.table().has_work());
  world.advance();
  CHECK(world.messages_of<jobs_of_queue_ended>().size() == 1);
  CHECK_FALSE(world.table().has_work());
  CHECK(world.describe({test_id(3), no_index})->status_reason
        == "JobQueue queue-7 was deleted");
  world.replay();
}

TEST_CASE("a queue without jobs has ended them at once") {
  job_world world;
  world.close_queue(test_queue);
  CHECK(world.messages_of<jobs_of_queue_ended>().size() == 1);
  CHECK(world.last_events.empty());
}

TEST_CASE("positions are visited in order whatever the order of inserting") {
  REQUIRE(rc::check([](const std::set<uint16_t>& in,
                       const std::vector<uint16_t>& out, uint16_t from) {
    position_index<int> index;
    std::set<uint16_t> model;
    int what = 0;
    auto insert = [&](uint16_t p) {
      if (model.insert(p).second)
        index.insert(p, &what);
    };
    std::vector<uint16_t> order(in.begin(), in.end());
    for (size_t i = 0; i < order.size(); ++i)
      insert(order[i * 7 % order.size()]);
    for (uint16_t p = 0; p < 1'500; ++p)
      insert(static_cast<uint16_t>(p * 31));
    for (auto p : out)
      RC_ASSERT(index.erase(p) == (model.erase(p) == 1));
    std::vector<uint16_t> up;
    index.ascend(from, [&](const auto& e) {
      up.push_back(static_cast<uint16_t>(e.position));
      return true;
    });
    RC_ASSERT(up
              == std::vector<uint16_t>(model.lower_bound(from), model.end()));
    std::vector<uint16_t> down;
    index.descend(from, [&](const auto& e) {
      down.push_back(static_cast<uint16_t>(e.position));
      return true;
    });
    std::vector<uint16_t> expected(model.begin(), model.lower_bound(from));
    std::reverse(expected.begin(), expected.end());
    RC_ASSERT(down == expected);
    RC_ASSERT(index.size() == model.size());
  }));
}

} // namespace
} // namespace berth::testing
