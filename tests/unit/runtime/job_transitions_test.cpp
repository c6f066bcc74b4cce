#include "runtime/job_transitions.hpp"

#include <catch2/catch.hpp>
#include <thread>

using namespace berth;

namespace {

job_id id_of(uint8_t number) {
  job_id id;
  id.bytes.fill(number);
  return id;
}

const job_key single{id_of(1), no_index};
const job_key child{id_of(2), 3};

/// (job, status) of what one decision says.
using change = std::pair<job_key, job_status>;
std::vector<change> changes_of(std::vector<event> events) {
  decision_record d;
  d.at_ms = 1234;
  d.events = std::move(events);
  std::vector<change> found;
  for (const auto& t : transitions_of(shard_id{3}, 17, d)) {
    CHECK(t.shard == shard_id{3});
    CHECK(t.offset == 17);
    CHECK(t.at_ms == 1234);
    found.emplace_back(t.job, t.status);
  }
  return found;
}

job_submitted submission(const job_id& id, job_spec spec = {}) {
  job_submitted e;
  e.id = id;
  e.spec = std::make_shared<const job_spec>(std::move(spec));
  return e;
}

attempt_finished finish(const job_key& job, after_attempt next) {
  attempt_finished e;
  e.attempt = {job, 1};
  e.next = next;
  return e;
}

std::vector<job_transition> some(size_t count) {
  return std::vector<job_transition>(count);
}

std::vector<uint64_t> sequences(const std::vector<job_transition>& all) {
  std::vector<uint64_t> found;
  for (const auto& t : all)
    found.push_back(t.sequence);
  return found;
}

} // namespace

TEST_CASE("a job's life is told status by status, in order") {
  CHECK(changes_of({submission(single.id), jobs_became_runnable{{single.id}, 0},
                    attempt_placed{{single, 1}, {}, {}, "", {}, 0},
                    attempt_started{{single, 1}, 0},
                    finish(single, after_attempt::succeed)})
        == std::vector<change>{{single, job_status::submitted},
                               {single, job_status::runnable},
                               {single, job_status::starting},
                               {single, job_status::running},
                               {single, job_status::succeeded}});
}

TEST_CASE("a submission that has to wait is PENDING at once") {
  job_spec dependent;
  dependent.depends_on = {{job_key{id_of(9), no_index}}};
  job_spec array;
  array.array_size = 5;
  CHECK(changes_of({submission(single.id, dependent)})
        == std::vector<change>{{single, job_status::pending}});
  CHECK(changes_of({submission(single.id, array)})
        == std::vector<change>{{single, job_status::pending}});
}

TEST_CASE("an attempt that is followed by another makes its job RUNNABLE") {
  CHECK(changes_of({finish(child, after_attempt::retry)})
        == std::vector<change>{{child, job_status::runnable}});
  CHECK(changes_of({finish(child, after_attempt::fail)})
        == std::vector<change>{{child, job_status::failed}});
}

TEST_CASE("ranges are told child by child") {
  job_key first{child.id, 3};
  job_key second{child.id, 4};
  CHECK(changes_of({jobs_became_runnable{{child.id, 3, 5}, 0},
                    jobs_failed{{child.id, 4, 5}, "x", 0}})
        == std::vector<change>{{first, job_status::runnable},
                               {second, job_status::runnable},
                               {second, job_status::failed}});
}

TEST_CASE("an array ends as its children did") {
  CHECK(changes_of({array_finished{single.id, true, "", 0},
                    array_finished{single.id, false, "", 0}})
        == std::vector<change>{{single, job_status::succeeded},
                               {single, job_status::failed}});
}

TEST_CASE("what changes no status is left out") {
  CHECK(
      changes_of({job_tagged{single.id, {}}, end_requested{single, true, "x"}})
          .empty());
}

TEST_CASE("transitions are numbered on from one, whoever adds them") {
  job_transitions kept;
  CHECK(kept.last_sequence() == 0);
  kept.add(some(2));
  kept.add({});
  kept.add(some(1));
  CHECK(kept.last_sequence() == 3);
  bool missed = true;
  CHECK(sequences(kept.after(0, 10, missed)) == std::vector<uint64_t>{1, 2, 3});
  CHECK_FALSE(missed);
}

TEST_CASE("a follower is given what comes after its place, within its limit") {
  job_transitions kept;
  kept.add(some(5));
  bool missed = true;
  CHECK(sequences(kept.after(2, 2, missed)) == std::vector<uint64_t>{3, 4});
  CHECK_FALSE(missed);
  CHECK(kept.after(5, 10, missed).empty());
  CHECK_FALSE(missed);
  // A place that this node has not reached yet is of another life of it.
  CHECK(kept.after(900, 10, missed).empty());
  CHECK_FALSE(missed);
}

TEST_CASE("who fell behind what is kept is told so") {
  job_transitions kept;
  kept.add(some(job_transitions_kept + 5));
  bool missed = false;
  CHECK(sequences(kept.after(4, 1, missed)) == std::vector<uint64_t>{6});
  CHECK(missed);
  CHECK(sequences(kept.after(5, 1, missed)) == std::vector<uint64_t>{6});
  CHECK_FALSE(missed);
}

TEST_CASE("listeners are called for each addition until they leave") {
  job_transitions kept;
  int first = 0;
  int second = 0;
  auto one = kept.listen([&] { ++first; });
  auto other = kept.listen([&] { ++second; });
  CHECK(one != other);
  kept.add(some(3));
  kept.add({});
  CHECK(first == 1);
  kept.unlisten(one);
  kept.add(some(1));
  CHECK(first == 1);
  CHECK(second == 2);
  kept.unlisten(one);
  kept.unlisten(other);
}

TEST_CASE("a listener sees what it is called for, and no call outlives it") {
  job_transitions kept;
  uint64_t seen = 0;
  auto id = kept.listen([&] { seen = kept.last_sequence(); });
  std::thread adding{[&] {
    for (int i = 0; i < 1000; ++i)
      kept.add(some(1));
  }};
  bool missed = false;
  uint64_t followed = 0;
  while (followed < 500)
    for (const auto& t : kept.after(followed, 100, missed)) {
      CHECK(t.sequence == followed + 1);
      followed = t.sequence;
    }
  kept.unlisten(id);
  auto last = seen;
  adding.join();
  CHECK(seen == last);
  CHECK(kept.last_sequence() == 1000);
  CHECK_FALSE(missed);
}
