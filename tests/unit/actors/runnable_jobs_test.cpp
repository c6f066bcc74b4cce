#include "actors/runnable_jobs.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace berth {

namespace {

shape shape_number(int64_t n) {
  return {{1000 * (n + 1), 1, {}}, 1};
}

job_id id_of(queue_position position) {
  job_id id;
  id.bytes[0] = static_cast<uint8_t>(position);
  return id;
}

runnable_range children(queue_position position, int32_t first, int32_t last) {
  return {position, first, last, id_of(position),
          static_cast<int64_t>(position)};
}
runnable_range single(queue_position position) {
  return children(position, no_index, 0);
}

using places = std::vector<std::pair<queue_position, int32_t>>;

places walk_all(runnable_walk walk) {
  places found;
  while (walk.next())
    for (auto i = walk.range().first; i < walk.range().last; ++i)
      found.push_back({walk.range().position, i});
  return found;
}

} // namespace

TEST_CASE("ranges that touch are one, also after a retry in between") {
  runnable_jobs jobs;
  auto what = shape_number(0);
  jobs.add(what, children(1, 0, 10));
  jobs.remove(what, 1, 3, 4);
  CHECK(jobs.shapes().at(what).ranges.size() == 2);
  CHECK(jobs.count() == 9);
  jobs.add(what, children(1, 3, 4));
  CHECK(jobs.shapes().at(what).ranges.size() == 1);
  CHECK(jobs.count() == 10);
  jobs.check_invariants();
}

TEST_CASE("a message's range is spelt as it came") {
  auto one = make_runnable_range({id_of(1), no_index, no_index}, 7, 5);
  CHECK(one.size() == 1);
  CHECK(one.jobs().first == no_index);
  CHECK(one.jobs().last == no_index);
  auto some = make_runnable_range({id_of(1), 2, 5}, 7, 5);
  CHECK(some.size() == 3);
  CHECK(some.jobs().last == 5);
  CHECK(make_runnable_range({id_of(1), 5, 2}, 7, 5).size() == 0);
  CHECK(make_runnable_range({id_of(1), -7, 2}, 7, 5).size() == 0);
}

TEST_CASE("the first of a shape are in order of position, then index") {
  runnable_jobs jobs;
  auto what = shape_number(0);
  jobs.add(what, children(5, 0, 3));
  jobs.add(what, single(2));
  jobs.add(shape_number(1), single(1));
  auto found = jobs.first_of(what, 3);
  REQUIRE(found.size() == 3);
  CHECK(found[0].first == job_key{id_of(2), no_index});
  CHECK(found[1].first == job_key{id_of(5), 0});
  CHECK(found[2].first == job_key{id_of(5), 1});
  CHECK(jobs.first_of(what, 9).size() == 4);
  CHECK(jobs.first_of(shape_number(2), 9).empty());
}

TEST_CASE("a walk skips the shapes it leaves") {
  runnable_jobs jobs;
  for (queue_position p = 0; p < 30; ++p)
    jobs.add(shape_number(static_cast<int64_t>(p % 3)), single(p + 1));
  runnable_walk walk{jobs};
  size_t seen = 0;
  while (walk.next()) {
    if (walk.what() == shape_number(1))
      walk.leave_shape();
    else
      ++seen;
  }
  CHECK(seen == 20);
}

TEST_CASE("a walk tells what is left when one shape is alone") {
  runnable_jobs jobs;
  jobs.add(shape_number(0), single(1));
  jobs.add(shape_number(1), children(2, 0, 100));
  jobs.add(shape_number(1), single(3));
  runnable_walk walk{jobs};
  REQUIRE(walk.next());
  CHECK_FALSE(walk.rest_of_only_shape().has_value());
  REQUIRE(walk.next());
  CHECK(walk.rest_of_only_shape() == 1);
}

TEST_CASE("runnable jobs are as a plain sorted set of jobs would be") {
  auto holds = rc::check("any adding and removing", [] {
    runnable_jobs jobs;
    // (position, index) -> shape, by definition in queue order.
    std::map<std::pair<queue_position, int32_t>, int64_t> model;
    auto steps = *rc::gen::inRange(0, 60);
    for (int step = 0; step < steps; ++step) {
      auto position = *rc::gen::inRange<queue_position>(1, 12);
      auto shape = static_cast<int64_t>(position % 3);
      auto first = *rc::gen::inRange(0, 20);
      auto last = first + *rc::gen::inRange(1, 8);
      // Every fourth position is a single job.
      auto range = position % 4 == 0 ? single(position)
                                     : children(position, first, last);
      if (*rc::gen::weightedElement<bool>({{2, true}, {1, false}})) {
        auto all = true;
        for (auto i = range.first; i < range.last; ++i)
          all = all && model.count({position, i}) != 0;
        RC_ASSERT(jobs.contains_all(shape_number(shape), range) == all);
        jobs.add(shape_number(shape), range);
        for (auto i = range.first; i < range.last; ++i)
          model[{position, i}] = shape;
      } else {
        auto any = false;
        for (auto i = range.first; i < range.last; ++i)
          any = any || model.count({position, i}) != 0;
        RC_ASSERT(jobs.contains_any(shape_number(shape), range) == any);
        jobs.remove(shape_number(shape), position, range.first, range.last);
        for (auto i = range.first; i < range.last; ++i)
          model.erase({position, i});
      }
      jobs.check_invariants();
      RC_ASSERT(jobs.count() == model.size());
    }
    places expected;
    for (const auto& entry : model)
      expected.push_back(entry.first);
    RC_ASSERT(walk_all(runnable_walk{jobs}) == expected);

    auto behind = std::pair{*rc::gen::inRange<queue_position>(0, 13),
                            *rc::gen::inRange(-1, 28)};
    places rest;
    for (const auto& place : expected)
      if (place > behind)
        rest.push_back(place);
    RC_ASSERT(walk_all(runnable_walk{jobs, behind}) == rest);

    std::vector<const runnable_jobs::shape_map::value_type*> only;
    for (const auto& entry : jobs.shapes())
      if (entry.first != shape_number(1))
        only.push_back(&entry);
    places others;
    for (const auto& [place, shape] : model)
      if (shape != 1)
        others.push_back(place);
    RC_ASSERT(walk_all(runnable_walk{jobs, only}) == others);
  });
  CHECK(holds);
}

TEST_CASE("a queued job is small: a tree node and a range of 40 bytes") {
  CHECK(sizeof(runnable_range) <= 40);
}

} // namespace berth
