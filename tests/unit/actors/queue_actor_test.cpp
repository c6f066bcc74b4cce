#include "actors/queue_actor.hpp"

#include "messages/limits.hpp"
#include "tests/support/draft_view.hpp"

#include <catch2/catch.hpp>

namespace berth::testing {

namespace {

const shard_id here{3};
const shard_id elsewhere{4};
const queue_uid the_queue{10};
const environment_address e1{{1}, here, "e1"};
const environment_address e2{{2}, elsewhere, "e2"};
const environment_address e3{{3}, here, "e3"};
const session_id session{1, 1};

shape of(int64_t vcpus) {
  return {{vcpus * 1000, 10, {}}, 1};
}
const shape small = of(1);
const shape big = of(8);

job_id id_of(queue_position position) {
  job_id id;
  for (size_t i = 0; i < 8; ++i)
    id.bytes[i] = static_cast<uint8_t>(position >> (8 * i));
  return id;
}
job_key single(queue_position position) {
  return {id_of(position), no_index};
}

queue_configured configured(std::vector<environment_address> environments) {
  queue_configured e;
  e.object->uid = the_queue;
  e.object->shard = here;
  e.object->settings.name = "queue";
  e.object->settings.priority = 5;
  e.environments = std::move(environments);
  return e;
}

/// A queue whose decisions take effect at once.
struct queue_under_test {
  queue_actor queue;
  decision_context context{1000, here, nullptr};

  explicit queue_under_test(
      std::vector<environment_address> environments = {e1, e2, e3})
      : queue(configured(std::move(environments))) {}

  template <class Message>
  draft take(const Message& m) {
    draft out;
    queue.decide(m, context, out);
    apply_all(queue, out);
    queue.check_invariants();
    return out;
  }
  draft settle() {
    draft out;
    queue.settle(context, out);
    apply_all(queue, out);
    queue.check_invariants();
    return out;
  }

  draft enqueue(queue_position position, const shape& what = small) {
    return take(enqueue_jobs{the_queue,
                             {id_of(position), no_index, no_index},
                             position,
                             what,
                             static_cast<int64_t>(position)});
  }
  draft enqueue(queue_position position, int32_t first, int32_t last,
                const shape& what = small) {
    return take(enqueue_jobs{the_queue,
                             {id_of(position), first, last},
                             position,
                             what,
                             static_cast<int64_t>(position)});
  }
  draft grant_of(const environment_address& from, uint64_t number,
                 std::vector<std::pair<uint64_t, shape>> leases) {
    grant m{the_queue, from.uid, from.shard, number, {}};
    for (const auto& [id, what] : leases)
      m.leases.push_back({lease_id{id}, what, "agent", session});
    return take(m);
  }
  draft saturate(const environment_address& from, std::vector<shape> shapes,
                 bool everything = false,
                 std::vector<unserviceable_shape> never = {}) {
    return take(saturated{the_queue, from.uid, 1, everything, std::move(shapes),
                          std::move(never)});
  }
};

std::vector<std::pair<shape, uint32_t>> counts(const demand& m) {
  std::vector<std::pair<shape, uint32_t>> found;
  for (const auto& run : m.runs)
    found.push_back({run.what, run.count});
  return found;
}
using run_counts = std::vector<std::pair<shape, uint32_t>>;

} // namespace

TEST_CASE("a job enqueued again changes nothing") {
  queue_under_test t;
  CHECK(emitted<jobs_enqueued>(t.enqueue(1)).size() == 1);
  CHECK(t.enqueue(1).events.empty());
  CHECK(emitted<jobs_enqueued>(t.enqueue(2, 0, 10)).size() == 1);
  CHECK(t.enqueue(2, 3, 7).events.empty());
  CHECK(t.queue.runnable_count() == 11);
}

TEST_CASE("withdrawing skips what is not there") {
  queue_under_test t;
  t.enqueue(2, 0, 10);
  auto withdraw = [&](queue_position position, int32_t first, int32_t last) {
    return t.take(withdraw_jobs{
        the_queue, {id_of(position), first, last}, position, small});
  };
  CHECK(withdraw(1, 0, 5).events.empty());
  CHECK(withdraw(2, 10, 12).events.empty());
  CHECK(emitted<jobs_withdrawn>(withdraw(2, 8, 12)).size() == 1);
  CHECK(emitted<jobs_withdrawn>(withdraw(2, 3, 4)).size() == 1);
  CHECK(t.queue.runnable_count() == 7);
}

TEST_CASE("the first environment is told the next jobs in order") {
  queue_under_test t;
  t.enqueue(3, small);
  t.enqueue(1, 0, 4);
  t.enqueue(2, big);
  auto out = t.settle();
  auto told = sent<demand>(out);
  REQUIRE(told.size() == 1);
  CHECK(out.messages[0].to == here);
  CHECK(told[0].environment == e1.uid);
  CHECK(told[0].queue == queue_address{the_queue, here});
  CHECK(told[0].priority == 5);
  CHECK(told[0].version == 1);
  CHECK(told[0].runs
        == std::vector<demand_run>{
            {small, 4, 1, false}, {big, 1, 2, false}, {small, 1, 3, false}});
  CHECK(t.settle().events.empty());
}

TEST_CASE("a later environment is asked only for what the earlier ones do not "
          "have, and these are still asked") {
  queue_under_test t;
  t.enqueue(1, big);
  t.enqueue(2, small);
  t.settle();

  t.saturate(e1, {big});
  auto out = t.settle();
  auto told = sent<demand>(out);
  REQUIRE(told.size() == 1);
  CHECK(out.messages[0].to == elsewhere);
  CHECK(told[0].environment == e2.uid);
  CHECK(counts(told[0]) == run_counts{{big, 1}});

  t.saturate(e2, {}, true);
  told = sent<demand>(t.settle());
  REQUIRE(told.size() == 1);
  CHECK(told[0].environment == e3.uid);
  CHECK(counts(told[0]) == run_counts{{big, 1}});

  // Everything includes all shapes.
  t.saturate(e1, {}, true);
  told = sent<demand>(t.settle());
  REQUIRE(told.size() == 2);
  CHECK(counts(told[0]) == run_counts{{big, 1}, {small, 1}});
  CHECK(counts(told[1]) == run_counts{{big, 1}, {small, 1}});

  // Room comes back: the others are not asked any more.
  t.saturate(e1, {});
  told = sent<demand>(t.settle());
  REQUIRE(told.size() == 2);
  CHECK(told[0].environment == e2.uid);
  CHECK(told[0].runs.empty());
  CHECK(told[1].environment == e3.uid);
  CHECK(told[1].runs.empty());
}

TEST_CASE("what can never fit is not asked for, and hides nothing") {
  queue_under_test t{{e1, e2}};
  t.enqueue(1, 0, 5000, big);
  t.enqueue(2, small);
  t.settle();
  t.saturate(e1, {big}, false, {{big, unserviceable_reason::over_every_agent}});
  auto told = sent<demand>(t.settle());
  REQUIRE(told.size() == 2);
  CHECK(counts(told[0]) == run_counts{{small, 1}});
  CHECK(counts(told[1]) == run_counts{{big, 1000}});
  auto answers = t.queue.answers_for(big);
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].saturated_for_shape);
  CHECK(answers[0].never == unserviceable_reason::over_every_agent);
  CHECK_FALSE(answers[1].saturated_for_shape);
}

TEST_CASE("an answer that is known already is not noted again") {
  queue_under_test t;
  CHECK(emitted<saturation_noted>(t.saturate(e1, {small, big})).size() == 1);
  CHECK(t.saturate(e1, {big, small}).events.empty());
  CHECK(emitted<saturation_noted>(t.saturate(e1, {small})).size() == 1);
  CHECK(t.saturate({{99}, here, "stranger"}, {small}).events.empty());
}

TEST_CASE("a lease is matched when it arrives, to the best job of its shape") {
  queue_under_test t;
  t.enqueue(5);
  t.enqueue(6, 0, 3);
  t.settle();
  // An older job comes while the grant is on its way.
  t.enqueue(2);
  auto out = t.grant_of(e1, 1, {{71, small}, {72, small}, {73, small}});
  auto placed = sent<place_job>(out);
  REQUIRE(placed.size() == 3);
  CHECK(placed[0].job == single(2));
  CHECK(placed[0].lease == lease_id{71});
  CHECK(placed[0].environment == e1.uid);
  CHECK(placed[0].agent == "agent");
  CHECK(placed[0].session == session);
  CHECK(placed[1].job == single(5));
  CHECK(placed[2].job == job_key{id_of(6), 0});
  CHECK(out.messages[0].to == here);
  CHECK(t.queue.runnable_count() == 2);
  CHECK(t.queue.vcpu_milli_leased() == 3000);
}

TEST_CASE("a grant of several shapes matches each with its own jobs") {
  queue_under_test t;
  t.enqueue(1, small);
  t.enqueue(2, big);
  t.enqueue(3, small);
  t.settle();
  auto out = t.grant_of(e1, 1, {{1, small}, {2, big}, {3, small}});
  auto matched = emitted<leases_matched>(out);
  REQUIRE(matched.size() == 2);
  CHECK(matched[0].what == small);
  CHECK(matched[0].granted == 2);
  CHECK(matched[0].matches
        == std::vector<lease_match>{{lease_id{1}, single(1), 1},
                                    {lease_id{3}, single(3), 3}});
  CHECK(matched[1].matches
        == std::vector<lease_match>{{lease_id{2}, single(2), 2}});
  CHECK(t.queue.vcpu_milli_leased() == 10'000);
}

TEST_CASE("leases without a job are given back, once") {
  queue_under_test t;
  t.enqueue(1);
  t.settle();
  auto out = t.grant_of(e1, 1, {{1, small}, {2, small}});
  CHECK(sent<place_job>(out).size() == 1);
  auto settled = t.settle();
  auto released = sent<release>(settled);
  REQUIRE(released.size() == 1);
  CHECK(released[0].environment == e1.uid);
  CHECK(released[0].leases == std::vector<lease_id>{lease_id{2}});
  CHECK(t.settle().events.empty());
}

TEST_CASE("only the grant after the last one is taken") {
  queue_under_test t;
  t.enqueue(1, 0, 9);
  t.settle();
  t.grant_of(e1, 1, {{1, small}});
  CHECK(t.grant_of(e1, 1, {{1, small}}).events.empty());
  CHECK(t.grant_of(e1, 3, {{3, small}}).events.empty());
  CHECK(emitted<leases_matched>(t.grant_of(e1, 2, {{2, small}})).size() == 1);
  // Each environment counts its own.
  CHECK(emitted<leases_matched>(t.grant_of(e2, 1, {{1, small}})).size() == 1);
  CHECK(t.queue.vcpu_milli_leased() == 3000);
}

TEST_CASE("nothing is told again when grants were all that changed") {
  queue_under_test t;
  t.enqueue(1, 0, 5);
  t.settle();
  t.grant_of(e1, 1, {{1, small}, {2, small}});
  CHECK(t.settle().events.empty());
  // The next change names the last grant taken.
  t.enqueue(2, big);
  auto told = sent<demand>(t.settle());
  REQUIRE(told.size() == 1);
  CHECK(told[0].last_grant == 1);
  CHECK(told[0].version == 2);
  CHECK(counts(told[0]) == run_counts{{small, 3}, {big, 1}});
}

TEST_CASE("jobs that take the places of withdrawn ones are asked for anew") {
  queue_under_test t;
  t.enqueue(1, 0, 3);
  t.settle();
  t.take(withdraw_jobs{the_queue, {id_of(1), 1, 3}, 1, small});
  // Two of the leases find no job: the environment has nothing on record.
  t.grant_of(e1, 1, {{1, small}, {2, small}, {3, small}});
  t.enqueue(1, 1, 3);
  auto told = sent<demand>(t.settle());
  REQUIRE(told.size() == 1);
  CHECK(counts(told[0]) == run_counts{{small, 2}});
}

TEST_CASE("a finished lease is given back after the demand of the same run") {
  queue_under_test t;
  t.enqueue(1);
  t.settle();
  t.grant_of(e1, 1, {{1, small}});
  t.settle();
  t.take(finish_lease{the_queue, e1.uid, lease_id{1}, single(1)});
  t.enqueue(1);
  CHECK(t.queue.vcpu_milli_leased() == 0);
  auto out = t.settle();
  REQUIRE(out.messages.size() == 2);
  CHECK(std::holds_alternative<demand>(out.messages[0].body));
  CHECK(std::holds_alternative<release>(out.messages[1].body));
}

TEST_CASE("jobs are offered to a later environment only when the earlier one "
          "has got its leases back") {
  queue_under_test t;
  t.enqueue(1);
  t.settle();
  t.grant_of(e1, 1, {{1, small}});
  t.saturate(e1, {small});
  t.settle();
  t.take(finish_lease{the_queue, e1.uid, lease_id{1}, single(1)});
  t.enqueue(2);
  auto first = t.settle();
  auto told = sent<demand>(first);
  REQUIRE(told.size() == 1);
  CHECK(told[0].environment == e1.uid);
  CHECK(sent<release>(first).size() == 1);
  CHECK_FALSE(t.queue.is_settled());
  // It had no room after all.
  told = sent<demand>(t.settle());
  REQUIRE(told.size() == 1);
  CHECK(told[0].environment == e2.uid);
  CHECK(t.queue.is_settled());
}

TEST_CASE("a lease that is not held is not finished") {
  queue_under_test t;
  t.enqueue(1);
  t.settle();
  t.grant_of(e1, 1, {{1, small}});
  auto finish = [&](environment_uid environment, uint64_t lease,
                    const job_key& job) {
    return t.take(finish_lease{the_queue, environment, lease_id{lease}, job});
  };
  CHECK(finish(e1.uid, 2, single(1)).events.empty());
  CHECK(finish(e2.uid, 1, single(1)).events.empty());
  CHECK(finish(e1.uid, 1, single(7)).events.empty());
  CHECK(finish(environment_uid{77}, 1, single(1)).events.empty());
  CHECK_FALSE(finish(e1.uid, 1, single(1)).events.empty());
  CHECK(finish(e1.uid, 1, single(1)).events.empty());
}

TEST_CASE("lost leases end their attempts and are not given back") {
  queue_under_test t;
  t.enqueue(1, 0, 3);
  t.settle();
  t.grant_of(e1, 1, {{1, small}, {2, small}, {3, small}});
  t.take(finish_lease{the_queue, e1.uid, lease_id{2}, {id_of(1), 1}});
  t.settle();
  auto out = t.take(lease_lost{the_queue,
                               e1.uid,
                               {lease_id{1}, lease_id{2}, lease_id{9}},
                               lease_lost_reason::session_over});
  auto lost = sent<attempt_lost>(out);
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].job == job_key{id_of(1), 0});
  CHECK(lost[0].lease == lease_id{1});
  CHECK(t.queue.vcpu_milli_leased() == 1000);
  CHECK(sent<release>(t.settle()).empty());
}

TEST_CASE("a disabled queue admits nothing but still runs its jobs") {
  queue_under_test t;
  CHECK(t.queue.admits());
  t.enqueue(1);
  auto changed = configured({e1, e2, e3});
  changed.object->settings.state = object_state::disabled;
  t.take(configure_queue{*changed.object, changed.environments});
  CHECK_FALSE(t.queue.admits());
  CHECK(sent<demand>(t.settle()).size() == 1);
  CHECK(sent<place_job>(t.grant_of(e1, 1, {{1, small}})).size() == 1);
}

TEST_CASE("a queue configured as it is changes nothing") {
  queue_under_test t;
  auto same = configured({e1, e2, e3});
  CHECK(
      t.take(configure_queue{*same.object, same.environments}).events.empty());
}

TEST_CASE("a new priority is told while something is asked for") {
  queue_under_test t;
  auto changed = configured({e1, e2, e3});
  changed.object->settings.priority = 9;
  t.take(configure_queue{*changed.object, changed.environments});
  CHECK(t.settle().events.empty());
  t.enqueue(1);
  t.settle();
  changed.object->settings.priority = 2;
  t.take(configure_queue{*changed.object, changed.environments});
  auto told = sent<demand>(t.settle());
  REQUIRE(told.size() == 1);
  CHECK(told[0].priority == 2);
}

TEST_CASE("an environment that left the list is asked for nothing, and its "
          "numbers go on when it returns") {
  queue_under_test t;
  t.enqueue(1);
  t.settle();
  auto without = configured({e2});
  t.take(configure_queue{*without.object, without.environments});
  auto told = sent<demand>(t.settle());
  REQUIRE(told.size() == 2);
  CHECK(told[0].environment == e1.uid);
  CHECK(told[0].version == 2);
  CHECK(told[0].runs.empty());
  CHECK(told[1].environment == e2.uid);

  // Its last grant was on its way: nothing runs there any more.
  auto out = t.grant_of(e1, 1, {{1, small}});
  CHECK(sent<place_job>(out).empty());
  auto released = sent<release>(t.settle());
  REQUIRE(released.size() == 1);
  CHECK(released[0].leases == std::vector<lease_id>{lease_id{1}});

  auto with = configured({e1, e2});
  t.take(configure_queue{*with.object, with.environments});
  told = sent<demand>(t.settle());
  REQUIRE(told.size() == 2);
  CHECK(told[0].environment == e1.uid);
  CHECK(told[0].version == 3);
  CHECK(told[0].last_grant == 1);
}

TEST_CASE("a removed queue ends its jobs, waits for its leases and is gone") {
  queue_under_test t;
  t.enqueue(1);
  t.enqueue(2);
  t.settle();
  t.grant_of(e1, 1, {{1, small}});
  t.settle();

  auto out = t.take(remove_queue{the_queue});
  CHECK(emitted<queue_closing>(out).size() == 1);
  CHECK(sent<end_jobs_of_queue>(out).size() == 1);
  CHECK(t.take(remove_queue{the_queue}).messages.empty());
  CHECK(t.queue.is_closing());
  CHECK_FALSE(t.queue.admits());
  auto told = sent<demand>(t.settle());
  REQUIRE(told.size() == 1);
  CHECK(told[0].runs.empty());

  // A grant that was on its way is given back.
  out = t.grant_of(e1, 2, {{2, small}});
  CHECK(sent<place_job>(out).empty());
  CHECK(sent<release>(t.settle()).size() == 1);

  t.take(withdraw_jobs{the_queue, {id_of(2), no_index, no_index}, 2, small});
  t.take(jobs_of_queue_ended{the_queue});
  CHECK_FALSE(t.queue.is_gone());
  t.take(finish_lease{the_queue, e1.uid, lease_id{1}, single(1)});
  CHECK_FALSE(t.queue.is_gone());
  CHECK(sent<release>(t.settle()).size() == 1);
  CHECK(t.queue.is_gone());
}

TEST_CASE("a queue that is not being removed takes no word of its jobs' end") {
  queue_under_test t;
  CHECK(t.take(jobs_of_queue_ended{the_queue}).events.empty());
  CHECK_FALSE(t.queue.is_gone());
}

TEST_CASE("a demand names a bounded number of jobs") {
  queue_under_test t;
  t.enqueue(1, 0, 5000);
  t.enqueue(2, 0, 5000, big);
  auto told = sent<demand>(t.settle());
  REQUIRE(told.size() == 1);
  REQUIRE(told[0].runs.size() == 2);
  CHECK(told[0].runs[0].count == limits::demand_jobs_max);
  CHECK_FALSE(told[0].runs[0].beyond);
  CHECK(told[0].runs[1].what == big);
  CHECK(told[0].runs[1].count == limits::demand_jobs_beyond_max);
  CHECK(told[0].runs[1].beyond);
}

TEST_CASE("a demand names a bounded number of runs") {
  queue_under_test t;
  // Two shapes take turns; many others wait behind.
  for (queue_position p = 1; p <= 200; ++p)
    t.enqueue(p, p % 2 == 0 ? small : big);
  for (queue_position p = 201; p <= 300; ++p)
    t.enqueue(p, of(static_cast<int64_t>(p)));
  auto told = sent<demand>(t.settle());
  REQUIRE(told.size() == 1);
  const auto& runs = told[0].runs;
  REQUIRE(runs.size() == limits::demand_runs_max);
  auto in_order = limits::demand_runs_max - limits::demand_runs_beyond_max;
  for (size_t i = 0; i < runs.size(); ++i) {
    CHECK(runs[i].beyond == (i >= in_order));
    CHECK(runs[i].count == 1);
  }
  CHECK(runs[in_order].what == of(201));
}

TEST_CASE("the front of the queue is told in order") {
  queue_under_test t;
  t.enqueue(2, 0, 3, big);
  t.enqueue(1);
  t.enqueue(3);
  auto front = t.queue.front(3);
  REQUIRE(front.size() == 3);
  CHECK(front[0].first == single(1));
  CHECK(front[0].second.what == small);
  CHECK(front[1].first == job_key{id_of(2), 0});
  CHECK(front[1].second.jobs.last == 3);
  CHECK(front[2].first == job_key{id_of(2), 1});
  CHECK(t.queue.front(9).size() == 5);

  CHECK(t.queue.jobs_before(1, no_index, 100) == 0);
  CHECK(t.queue.jobs_before(2, 2, 100) == 3);
  CHECK(t.queue.jobs_before(3, no_index, 100) == 4);
  CHECK(t.queue.jobs_before(9, no_index, 100) == 5);
  CHECK(t.queue.jobs_before(9, no_index, 2) == 2);

  auto rest = t.queue.entries_after(2, 0, 9);
  REQUIRE(rest.size() == 2);
  CHECK(rest[0].jobs.first == 1);
  CHECK(rest[0].jobs.last == 3);
  CHECK(rest[1].position == 3);
  CHECK(t.queue.entries_after(0, no_index, 1).size() == 1);
  CHECK(t.queue.entries_after(3, no_index, 9).empty());
}

TEST_CASE("a queue is the same however its ranges came about") {
  queue_under_test whole;
  whole.enqueue(1, 0, 6);
  queue_under_test parts;
  parts.enqueue(1, 4, 6);
  parts.enqueue(1, 0, 2);
  CHECK(hash_of(whole.queue) != hash_of(parts.queue));
  parts.enqueue(1, 2, 4);
  CHECK(hash_of(whole.queue) == hash_of(parts.queue));
}

TEST_CASE("a queue is read back from its row and its jobs") {
  queue_under_test t;
  t.enqueue(1, 0, 6);
  t.enqueue(2, big);
  t.settle();
  t.grant_of(e1, 1, {{1, small}, {2, small}, {3, big}, {4, big}});
  t.saturate(e1, {small, big}, false,
             {{big, unserviceable_reason::over_environment_maximum}});
  t.take(remove_queue{the_queue});

  auto loaded = queue_actor::from_row(t.queue.to_row());
  REQUIRE(loaded.has_value());
  CHECK(hash_of(*loaded) != hash_of(t.queue));
  loaded->restore_entry({{id_of(1), 2, 6}, 1, small, 1});
  loaded->restore_lease(e1.uid, lease_id{1}, {id_of(1), 0}, small);
  loaded->restore_lease(e1.uid, lease_id{2}, {id_of(1), 1}, small);
  loaded->restore_lease(e1.uid, lease_id{3}, single(2), big);
  loaded->check_invariants();
  CHECK(hash_of(*loaded) == hash_of(t.queue));
  CHECK(loaded->is_closing());

  CHECK_FALSE(queue_actor::from_row("").has_value());
  CHECK_FALSE(queue_actor::from_row(t.queue.to_row() + "x").has_value());
}

} // namespace berth::testing
