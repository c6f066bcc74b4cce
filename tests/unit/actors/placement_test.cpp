#include "actors/placement.hpp"

#include <catch2/catch.hpp>

namespace berth {

namespace {

const session_id session{1, 1};
const queue_uid a_queue{1};
const queue_uid another_queue{2};

resources make(int64_t vcpu_milli, int64_t memory_mib = 1000) {
  return {vcpu_milli, memory_mib, {}};
}
shape needs(int64_t vcpu_milli, int64_t memory_mib = 1) {
  return {make(vcpu_milli, memory_mib), 1};
}

/// Agents with what they have free, all of `capacity`.
struct agents {
  struct one {
    std::string name;
    resources free;
    resources capacity = make(8000);
  };
  std::vector<one> all;
  placement make_placement(std::optional<int64_t> left = std::nullopt) const {
    placement made{left};
    for (const auto& a : all)
      made.add_agent(a.name, session, a.capacity, a.free);
    return made;
  }
};

using placed = std::vector<std::pair<std::string, uint32_t>>;

placed stretches(const std::vector<placed_stretch>& all) {
  placed found;
  for (const auto& one : all)
    found.push_back({one.agent, one.count});
  return found;
}

} // namespace

TEST_CASE("a job goes to the agent with the least free room that holds it") {
  struct row {
    std::vector<agents::one> all;
    shape what;
    uint32_t count;
    placed expected;
  };
  auto rows = std::vector<row>{
      {{{"a", make(4000)}, {"b", make(2000)}, {"c", make(500)}},
       needs(1000),
       1,
       {{"b", 1}}},
      // Fills one agent before it opens the next.
      {{{"a", make(4000)}, {"b", make(2000)}, {"c", make(500)}},
       needs(1000),
       4,
       {{"b", 2}, {"a", 2}}},
      // What does not fit anywhere is left out.
      {{{"a", make(1000)}, {"b", make(2000)}},
       needs(1000),
       9,
       {{"a", 1}, {"b", 2}}},
      // Equal vCPUs: less memory first; equal in both: by name.
      {{{"a", make(1000, 50)}, {"b", make(1000, 40)}},
       needs(1000),
       1,
       {{"b", 1}}},
      {{{"b", make(1000)}, {"a", make(1000)}}, needs(1000), 1, {{"a", 1}}},
      // Memory counts as vCPUs do.
      {{{"a", make(4000, 3)}}, needs(1000, 2), 4, {{"a", 1}}},
      {{}, needs(1000), 1, {}},
  };
  for (const auto& r : rows)
    CHECK(stretches(
              agents{r.all}.make_placement().place({a_queue, r.what}, r.count))
          == r.expected);
}

TEST_CASE("named resources are taken where they are") {
  agents with{{{"gpu", {4000, 100, {{"GPU", 1}}}, {4000, 100, {{"GPU", 1}}}},
               {"plain", make(1000)}}};
  shape what{{1000, 1, {{"GPU", 1}}}, 1};
  auto room = with.make_placement();
  CHECK(stretches(room.place({a_queue, what}, 2)) == placed{{"gpu", 1}});
  CHECK(room.refusal({a_queue, what}) == placement_refusal::no_room);
}

TEST_CASE("a reserved agent takes nothing but its head") {
  agents all{{{"a", make(2000)}, {"b", make(4000)}}};
  auto room = all.make_placement();
  head_key head{a_queue, needs(6000)};
  room.reserve(head, {"a"});

  CHECK(stretches(room.place({another_queue, needs(2000)}, 9))
        == placed{{"b", 2}});
  // Not even the same shape of another queue.
  CHECK(room.place({another_queue, needs(6000)}, 1).empty());
  CHECK(room.refusal({another_queue, needs(2000)})
        == placement_refusal::reserved_for_others);

  CHECK(room.unreserve(head));
  CHECK_FALSE(room.unreserve(head));
  CHECK(stretches(room.place({another_queue, needs(2000)}, 9))
        == placed{{"a", 1}});
}

TEST_CASE("the head itself may use its reserved agent and any other") {
  agents all{{{"a", make(2000)}, {"b", make(4000)}}};
  auto room = all.make_placement();
  head_key head{a_queue, needs(2000)};
  room.reserve(head, {"a"});
  CHECK(room.refusal(head) == placement_refusal::none);
  CHECK(stretches(room.place(head, 3)) == placed{{"a", 1}, {"b", 2}});
}

TEST_CASE("the maximum bounds the sum of vCPUs") {
  agents all{{{"a", make(8000)}}};
  auto room = all.make_placement(3000);
  CHECK(stretches(room.place({a_queue, needs(2000)}, 2)) == placed{{"a", 1}});
  CHECK(room.refusal({a_queue, needs(2000)})
        == placement_refusal::over_maximum);
  CHECK(stretches(room.place({a_queue, needs(1000)}, 2)) == placed{{"a", 1}});
  CHECK(room.refusal({a_queue, needs(250)}) == placement_refusal::over_maximum);
}

TEST_CASE("a reservation keeps vCPUs under the maximum too") {
  agents all{{{"a", make(8000)}, {"b", make(8000)}}};
  auto room = all.make_placement(3000);
  room.reserve({a_queue, needs(2000)}, {"a"});
  CHECK(stretches(room.place({another_queue, needs(1000)}, 3))
        == placed{{"b", 1}});
  CHECK(stretches(room.place({a_queue, needs(2000)}, 1)).size() == 1);
}

TEST_CASE("heads do not wait for each other's share of the maximum") {
  agents all{{{"a", make(8000)}, {"b", make(8000)}}};
  auto room = all.make_placement(6000);
  room.reserve({a_queue, needs(5000)}, {"a"});
  room.reserve({another_queue, needs(2000)}, {"b"});
  CHECK(room.refusal({another_queue, needs(2000)})
        == placement_refusal::over_maximum);
  CHECK(stretches(room.place({a_queue, needs(5000)}, 1)) == placed{{"a", 1}});
  CHECK(room.unreserve({a_queue, needs(5000)}));
  CHECK(stretches(room.place({another_queue, needs(1000)}, 1)).empty());
}

TEST_CASE("a maximum that was lowered below what is leased gives nothing") {
  agents all{{{"a", make(8000)}}};
  auto room = all.make_placement(-1000);
  CHECK(room.place({a_queue, needs(1000)}, 1).empty());
}

TEST_CASE("the agent that lacks least is kept for a head") {
  struct row {
    std::vector<agents::one> all;
    std::optional<std::string> expected;
  };
  auto what = needs(8000, 100);
  auto rows = std::vector<row>{
      {{{"a", make(1000)}, {"b", make(5000)}}, "b"},
      // Memory is lacking more than vCPUs are elsewhere.
      {{{"a", make(6000, 10)}, {"b", make(5000)}}, "b"},
      {{{"b", make(5000)}, {"a", make(5000)}}, "a"},
      // Too small, however empty.
      {{{"a", make(4000), make(4000)}, {"b", make(0)}}, "b"},
      {{{"a", make(4000), make(4000)}}, std::nullopt},
      {{}, std::nullopt},
  };
  for (const auto& r : rows)
    CHECK(agents{r.all}.make_placement().choose_reservation(what)
          == r.expected);
}

TEST_CASE("an agent is kept for one head only") {
  agents all{{{"a", make(5000)}, {"b", make(1000)}}};
  auto room = all.make_placement();
  room.reserve({a_queue, needs(8000)}, {"a"});
  CHECK(room.choose_reservation(needs(8000)) == "b");
  room.reserve({another_queue, needs(8000)}, {"b"});
  CHECK_FALSE(room.choose_reservation(needs(8000)).has_value());
}

TEST_CASE("several nodes cannot be placed on one agent") {
  agents all{{{"a", make(8000)}}};
  auto room = all.make_placement();
  shape gang{make(1000, 1), 2};
  CHECK_FALSE(room.could_hold(gang));
  CHECK(room.place({a_queue, gang}, 1).empty());
  CHECK(room.refusal({a_queue, gang}) == placement_refusal::no_room);
}

TEST_CASE("thousands of jobs are placed in stretches") {
  agents all;
  for (int i = 0; i < 100; ++i)
    all.all.push_back({"agent" + std::to_string(i), make(100'000, 100'000),
                       make(100'000, 100'000)});
  auto room = all.make_placement();
  auto found = room.place({a_queue, needs(1000)}, 5000);
  CHECK(found.size() == 50);
  for (const auto& one : found)
    CHECK(one.count == 100);
}

} // namespace berth
