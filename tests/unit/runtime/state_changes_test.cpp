#include "runtime/state_changes.hpp"

#include "tests/unit/runtime/change_log.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>

using namespace berth;
using namespace berth::test;

namespace {

const account_region ours{"123456789012", "eu-central-1"};
constexpr std::chrono::seconds patience{30};

/// Knows every job that is asked for, but for the one that is gone.
class all_knowing_gateway final : public gateway_interface {
public:
  void call(caller who, request what,
            std::function<void(result)> answer) override {
    CHECK(who.owner == ours);
    if (fails)
      return answer(api_error{api_errc::unavailable, "try again"});
    jobs_response found;
    for (const auto& text : std::get<describe_jobs_request>(what).jobs) {
      job_view view;
      view.key = *parse_job_key(text);
      view.owner = who.owner;
      view.status = job_status::succeeded;
      if (view.key != gone)
        found.jobs.push_back(std::move(view));
    }
    CHECK(found.jobs.size() <= 100);
    answer(response{std::move(found)});
  }

  std::atomic<bool> fails = false;
  job_key gone;
};

/// What one follower was told.
class listener {
public:
  std::function<bool(const job_event&)> on_event() {
    return [this](const job_event& e) {
      std::lock_guard lock{mutex_};
      events_.push_back(e);
      moved_.notify_all();
      return events_.size() < stops_after;
    };
  }
  std::function<void(const api_error&)> on_end() {
    return [this](const api_error& why) {
      std::lock_guard lock{mutex_};
      end_ = why.message;
      moved_.notify_all();
    };
  }

  /// Waits for so many events.
  std::vector<job_event> events(size_t count) {
    std::unique_lock lock{mutex_};
    REQUIRE(moved_.wait_for(lock, patience,
                            [&] { return events_.size() >= count; }));
    CHECK(events_.size() == count);
    return events_;
  }
  std::string end() {
    std::unique_lock lock{mutex_};
    REQUIRE(moved_.wait_for(lock, patience, [&] { return end_.has_value(); }));
    return *end_;
  }

  size_t stops_after = SIZE_MAX;

private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::vector<job_event> events_;
  std::optional<std::string> end_;
};

struct world {
  explicit world(uint32_t shards = 1, log_use u = log_use::own)
      : use(u), log(shards) {
    open();
  }

  void open() {
    source = make_state_changes(log.transitions(), gateway, log.records(), use);
  }
  void restart() {
    source.reset();
    log.restart();
    open();
  }
  std::unique_ptr<event_subscription> follow(listener& l,
                                             const std::string& after = {}) {
    auto outcome = source->subscribe(ours, after, l.on_event(), l.on_end());
    if (const auto* error = std::get_if<api_error>(&outcome))
      FAIL(error->message);
    return std::move(std::get<std::unique_ptr<event_subscription>>(outcome));
  }
  std::string refusal(const std::string& after) {
    listener nobody;
    auto outcome =
        source->subscribe(ours, after, nobody.on_event(), nobody.on_end());
    REQUIRE(std::holds_alternative<api_error>(outcome));
    return std::get<api_error>(outcome).message;
  }

  const log_use use;
  change_log log;
  all_knowing_gateway gateway;
  std::unique_ptr<event_source> source;
};

std::vector<job_key> jobs_of(const std::vector<job_event>& events) {
  std::vector<job_key> all;
  for (const auto& e : events)
    all.push_back(e.job.key);
  return all;
}

const shard_id first{0};
const shard_id second{1};

} // namespace

TEST_CASE("a follower without a position gets what comes next") {
  world w;
  w.log.run_jobs(first, {1});
  listener l;
  auto following = w.follow(l);
  w.log.run_jobs(first, {2, 3});
  auto events = l.events(2);
  CHECK(jobs_of(events) == std::vector{numbered_job(2), numbered_job(3)});
  // As it was after the change, whatever it is now.
  CHECK(events[0].job.status == job_status::running);
}

TEST_CASE("a position is good after a restart of the server") {
  world w{2};
  listener before;
  {
    auto following = w.follow(before);
    w.log.run_jobs(first, {1, 2});
    w.log.run_jobs(second, {11});
    before.events(3);
  }
  w.log.run_jobs(second, {12});
  auto position = before.events(3)[0].position;
  auto known = before.events(3)[1].change;
  SECTION("of the run before") {
    w.restart();
  }
  SECTION("of two runs before") {
    w.restart();
    w.log.run_jobs(first, {3});
    w.restart();
    listener l;
    auto following = w.follow(l, position);
    l.events(4);
    return;
  }
  SECTION("of this run") {}
  listener after;
  auto following = w.follow(after, position);
  // Of one shard in order; nothing between the old and the new is lost.
  auto events = after.events(3);
  CHECK(jobs_of(events)
        == std::vector{numbered_job(2), numbered_job(11, 1),
                       numbered_job(12, 1)});
  CHECK(events[0].change == known);
  w.log.run_jobs(first, {3});
  CHECK(after.events(4)[3].job.key == numbered_job(3));
  // Every event's position goes on behind that event.
  listener last;
  auto going_on = w.follow(last, after.events(4)[2].position);
  CHECK(last.events(1)[0].job.key == numbered_job(3));
}

TEST_CASE("a follower that falls behind memory reads the log instead") {
  world w;
  listener l;
  w.log.run_jobs(first, {1});
  auto at = w.log.transitions().now();
  auto position = to_string(
      change_position{log_mark_of(w.log.records().cluster_id()), at.cursors});
  jobs_became_runnable children;
  children.jobs = {numbered_job(100).id, 0, 10'000};
  w.log.run_jobs(first, {2});
  for (int i = 0; i < 11; ++i)
    w.log.decide(first, {children});
  bool missed = false;
  w.log.transitions().after(at.sequence, 1, missed);
  REQUIRE(missed);
  auto following = w.follow(l, position);
  auto events = l.events(110'001);
  CHECK(events[0].job.key == numbered_job(2));
  CHECK(events[1].job.key == job_key{numbered_job(100).id, 0});
  CHECK(events[110'000].job.key == job_key{numbered_job(100).id, 9'999});
  w.log.run_jobs(first, {3});
  CHECK(l.events(110'002)[110'001].job.key == numbered_job(3));
}

TEST_CASE("jobs that are not kept any more have no events") {
  world w;
  w.gateway.gone = numbered_job(2);
  listener l;
  auto following = w.follow(l);
  w.log.run_jobs(first, {1, 2, 3});
  CHECK(jobs_of(l.events(2)) == std::vector{numbered_job(1), numbered_job(3)});
}

TEST_CASE("jobs that cannot be described end the stream, nothing is left out") {
  world w;
  listener l;
  auto following = w.follow(l);
  w.log.run_jobs(first, {1});
  auto position = l.events(1)[0].position;
  w.gateway.fails = true;
  w.log.run_jobs(first, {2});
  CHECK(l.end() == "try again");
  w.gateway.fails = false;
  w.log.run_jobs(first, {3});
  l.events(1);
  listener again;
  auto going_on = w.follow(again, position);
  CHECK(jobs_of(again.events(2))
        == std::vector{numbered_job(2), numbered_job(3)});
}

TEST_CASE("a log that was trimmed meanwhile ends the stream") {
  world w;
  auto a = w.log.run_jobs(first, {1});
  auto message = w.log.append(first, message_record{});
  w.log.run_jobs(first, {2});
  auto mark = log_mark_of(w.log.records().cluster_id());
  listener l;
  // Nothing tells a forged position before the log is read.
  auto following =
      w.follow(l, to_string(change_position{mark, {{message, 0}}}));
  CHECK_THAT(l.end(), Catch::Contains("is no position that an event had"));
  w.log.records().trim(first, message);
  CHECK_THAT(w.refusal(to_string(change_position{mark, {{a, 1}}})),
             Catch::Contains("older than what the log still keeps"));
}

TEST_CASE("positions that are not of this log are refused") {
  world w;
  auto a = w.log.run_jobs(first, {1});
  auto mark = log_mark_of(w.log.records().cluster_id());
  CHECK_THAT(w.refusal("nonsense"), Catch::Contains("no position of an event"));
  CHECK_THAT(w.refusal("00000000-1.0"),
             Catch::Contains("another server's log"));
  CHECK_THAT(w.refusal(to_string(change_position{mark, {{1, 0}, {1, 0}}})),
             Catch::Contains("another server's log"));
  CHECK_THAT(w.refusal(to_string(change_position{mark, {{a, 2}}})),
             Catch::Contains("ahead of this server's log"));
}

TEST_CASE("a position of a node that was ahead waits for this one, and tells "
          "nothing twice") {
  world w{1, log_use::shared};
  w.log.run_jobs(first, {1});
  auto event_of_job = [](uint8_t n) {
    return change_log::started(numbered_job(n));
  };
  // Another node has folded this, and gave the position of its first change.
  auto at = w.log.decide(first, {event_of_job(2), event_of_job(3)}, false);
  auto mark = log_mark_of(w.log.records().cluster_id());
  listener l;
  auto following = w.follow(l, to_string(change_position{mark, {{at, 1}}}));
  w.log.fold(first, at);
  w.log.run_jobs(first, {4});
  CHECK(jobs_of(l.events(2)) == std::vector{numbered_job(3), numbered_job(4)});
}

TEST_CASE("a position that the shared log has not come to ends the stream") {
  world w{1, log_use::shared};
  auto at = w.log.run_jobs(first, {1});
  auto mark = log_mark_of(w.log.records().cluster_id());
  listener l;
  auto following = w.follow(l, to_string(change_position{mark, {{at + 1, 1}}}));
  CHECK_THAT(l.end(), Catch::Contains("ahead of this server's log"));
}

TEST_CASE("a follower that has enough is told nothing more") {
  world w;
  listener l;
  l.stops_after = 1;
  auto following = w.follow(l);
  w.log.run_jobs(first, {1, 2});
  w.log.run_jobs(first, {3});
  l.events(1);
  following.reset();
  w.log.run_jobs(first, {4});
  l.events(1);
}
