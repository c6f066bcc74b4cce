#include "runtime/publisher.hpp"

#include "runtime/task_thread.hpp"
#include "storage/keyed_record.hpp"
#include "tests/unit/runtime/change_log.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>

using namespace berth;
using namespace berth::test;

namespace {

constexpr std::chrono::seconds patience{30};
const shard_id here{0};

/// Keeps what is written; behind it, a log that readers may read.
class memory_topic final : public topic_writer {
public:
  struct written {
    shard_id partition;
    std::string key;
    std::string text;
  };

  explicit memory_topic(uint32_t count = 1) {
    memory_log_options o;
    o.partitions = count;
    log_ = std::make_unique<memory_log>(memory_log_mode::threaded, o);
  }

  uint32_t partitions() const override { return log_->partitions(); }
  void append(shard_id partition, const std::string& key,
              const std::string& bytes, append_callback done) override {
    {
      std::lock_guard lock{mutex_};
      if (failures_ > 0) {
        --failures_;
        return done(append_outcome::unknown, {});
      }
      written_.push_back({partition, key, bytes});
    }
    changed_.notify_all();
    log_->append(partition, bytes, std::move(done));
  }

  void fail_next(int appends) {
    std::lock_guard lock{mutex_};
    failures_ = appends;
  }
  std::vector<written> wait_for(size_t count) {
    std::unique_lock lock{mutex_};
    REQUIRE(changed_.wait_for(lock, patience,
                              [&] { return written_.size() >= count; }));
    return written_;
  }
  std::vector<std::string> texts(size_t count) {
    std::vector<std::string> all;
    for (const auto& w : wait_for(count))
      all.push_back(w.text);
    return all;
  }
  void forget() {
    std::lock_guard lock{mutex_};
    written_.clear();
  }
  memory_log& log() { return *log_; }

private:
  std::unique_ptr<memory_log> log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<written> written_;
  int failures_ = 0;
};

/// One node after the other publishes shard 0.
class world {
public:
  world() : submissions(2), changes(3) {}
  ~world() { node.reset(); }

  std::shared_ptr<publisher> start() {
    publisher_ports p;
    p.post = [q = thread.queue()](auto task) { q->post(std::move(task)); };
    p.post_later = [q = thread.queue()](int64_t ms, auto task) {
      q->post_later(ms, std::move(task));
    };
    p.describe = [this](std::vector<job_key> jobs, auto done) {
      done(describe(jobs));
    };
    // shard:offset.number status
    p.print_change = [](const job_event& e, const change_sequence& s) {
      return std::to_string(s.offset) + "." + std::to_string(s.number) + " "
             + to_string(e.job.status);
    };
    p.print_rejection = [](const rejected_submission& r) {
      return r.topic + "/" + std::to_string(r.partition) + "@"
             + std::to_string(r.offset) + " " + r.reason + ": "
             + r.original.value_or("(gone)");
    };
    p.warn = [](const std::string&) {};
    publisher_topics t;
    t.truth = &truth.records();
    t.submissions = &submissions.log();
    t.submissions_name = "subs";
    t.changes = &changes;
    t.rejections = &rejections;
    t.cursors = &cursors.log();
    t.cursors_writer = &cursors;
    node = std::make_shared<publisher>(here, t, p);
    node->on_owned();
    return node;
  }

  result describe(const std::vector<job_key>& jobs) {
    std::lock_guard lock{mutex};
    if (refusals > 0) {
      --refusals;
      refused_once.notify_all();
      return api_error{api_errc::unavailable, "try again"};
    }
    jobs_response answer;
    for (const auto& key : jobs) {
      if (key == gone)
        continue;
      job_view view;
      view.key = key;
      view.status = job_status::succeeded;
      view.stopped_ms = 1;
      answer.jobs.push_back(view);
    }
    return response{answer};
  }

  void wait_for_refusal(int of) {
    std::unique_lock lock{mutex};
    REQUIRE(
        refused_once.wait_for(lock, patience, [&] { return refusals < of; }));
  }

  /// Until the publisher has done what it was told.
  void settle() {
    std::promise<void> done;
    thread.queue()->post([&] { done.set_value(); });
    done.get_future().get();
  }

  void submit(uint32_t partition, const std::string& text) {
    std::promise<void> done;
    submissions.log().append(
        shard_id{partition}, join_keyed("key of " + text, text),
        [&](append_outcome, storage_error) { done.set_value(); });
    done.get_future().get();
  }

  static event refused(const std::string& source, log_offset offset) {
    return message_refused{source, offset, "no sense"};
  }

  /// As a node that is killed: its queue is dropped.
  void kill() {
    thread.queue()->close();
    node.reset();
  }

  using texts = std::vector<std::string>;
  change_log truth;
  memory_topic submissions;
  memory_topic changes;
  memory_topic rejections;
  memory_topic cursors;
  std::mutex mutex;
  std::condition_variable refused_once;
  int refusals = 0;
  job_key gone;
  std::shared_ptr<publisher> node;
  task_thread thread;
};

} // namespace

TEST_CASE("changes are published in the log's order, by job and sequence") {
  world w;
  w.truth.run_jobs(here, {1, 2});
  w.start();
  w.truth.run_jobs(here, {3});
  auto found = w.changes.wait_for(3);
  CHECK(found[0].text == "1.1 RUNNING");
  CHECK(found[1].text == "1.2 RUNNING");
  CHECK(found[2].text == "2.1 RUNNING");
  CHECK(found[2].key == to_string(numbered_job(3).id));
  CHECK(found[2].partition == shard_id{0});
}

TEST_CASE("decisions that rule Validity ignores are not published") {
  world w;
  w.truth.run_jobs(here, {1});
  auto stale =
      w.truth.next_decision(here, {change_log::started(numbered_job(8))});
  w.truth.claim(here);
  w.truth.append(here, stale);
  w.truth.run_jobs(here, {2});
  w.start();
  CHECK(w.changes.texts(2) == world::texts{"1.1 RUNNING", "4.1 RUNNING"});
}

TEST_CASE("the next publisher goes on from the cursor") {
  world w;
  w.start();
  w.truth.run_jobs(here, {1, 2});
  w.truth.run_jobs(here, {3});
  w.changes.wait_for(3);
  w.cursors.wait_for(1);
  w.kill();
  w.changes.forget();
  w.truth.run_jobs(here, {4});
  // The same topics in another process.
  world next;
  auto cursor = w.cursors.wait_for(1).back();
  CHECK(cursor.key == "0");
  std::promise<void> kept;
  next.cursors.append(shard_id{0}, cursor.key, cursor.text,
                      [&](append_outcome, storage_error) { kept.set_value(); });
  kept.get_future().get();
  next.truth.run_jobs(here, {1, 2});
  next.truth.run_jobs(here, {3});
  next.truth.run_jobs(here, {4});
  next.start();
  CHECK(next.changes.texts(1).front() == "3.1 RUNNING");
}

TEST_CASE("a cursor that could not be written is written later") {
  world w;
  w.cursors.fail_next(2);
  w.start();
  w.truth.run_jobs(here, {1});
  CHECK(w.cursors.wait_for(1).back().key == "0");
}

TEST_CASE("who is owner again goes on where it was") {
  world w;
  auto node = w.start();
  w.truth.run_jobs(here, {1});
  w.changes.wait_for(1);
  w.cursors.wait_for(1);
  node->on_disowned();
  w.truth.run_jobs(here, {2});
  node->on_owned();
  CHECK(w.changes.texts(2) == world::texts{"1.1 RUNNING", "2.1 RUNNING"});
}

TEST_CASE("who is owner again before anything was published leaves nothing "
          "out") {
  constexpr int many = 1'000'000;
  // More than a log gives to its readers at once.
  constexpr int claims = 5'000;
  world w;
  for (int i = 0; i < claims; ++i)
    w.truth.claim(here);
  auto at = w.truth.run_jobs(here, {1});
  w.refusals = many;
  auto node = w.start();
  w.wait_for_refusal(many);
  node->on_disowned();
  w.settle();
  {
    std::lock_guard lock{w.mutex};
    w.refusals = 0;
  }
  node->on_owned();
  CHECK(w.changes.texts(1) == world::texts{std::to_string(at) + ".1 RUNNING"});
}

TEST_CASE("what was not written for sure is written again, in order") {
  world w;
  w.truth.run_jobs(here, {1, 2, 3});
  w.changes.fail_next(2);
  w.start();
  // The third was there, the first two were not.
  CHECK(w.changes.texts(4)
        == world::texts{"1.3 RUNNING", "1.1 RUNNING", "1.2 RUNNING",
                        "1.3 RUNNING"});
}

TEST_CASE("a shard that does not answer is asked again") {
  world w;
  w.refusals = 2;
  w.start();
  w.truth.run_jobs(here, {1});
  CHECK(w.changes.texts(1) == world::texts{"1.1 RUNNING"});
}

TEST_CASE("changes of a job that is not kept any more are left out") {
  world w;
  w.gone = numbered_job(1);
  w.start();
  w.truth.run_jobs(here, {1, 2});
  CHECK(w.changes.texts(1) == world::texts{"1.2 RUNNING"});
}

TEST_CASE("refused submissions are published with what they were") {
  world w;
  w.submit(0, "zero");
  w.submit(1, "first");
  w.submit(1, "second");
  w.submit(1, "third");
  w.start();
  w.truth.decide(here,
                 {world::refused("subs/1", 2), world::refused("agent", 7),
                  world::refused("subs/0", 0), world::refused("subs/1", 0)});
  CHECK(w.rejections.texts(3)
        == world::texts{"subs/1@2 no sense: third", "subs/0@0 no sense: zero",
                        "subs/1@0 no sense: first"});
  CHECK(w.rejections.wait_for(3)[0].key == "key of third");
}

TEST_CASE("the original of a rejection may be gone") {
  world w;
  w.submit(0, "zero");
  w.submit(0, "one");
  w.submissions.log().trim(shard_id{0}, 1);
  w.start();
  w.truth.decide(here, {world::refused("subs/0", 0)});
  CHECK(w.rejections.texts(1) == world::texts{"subs/0@0 no sense: (gone)"});
}

TEST_CASE("a large decision is published in parts") {
  world w;
  w.start();
  std::vector<event> events;
  for (int i = 0; i < 2500; ++i)
    events.push_back(
        change_log::started(numbered_job(static_cast<uint8_t>(i))));
  w.truth.decide(here, events);
  auto all = w.changes.texts(2500);
  for (size_t i = 0; i < all.size(); ++i)
    CHECK(all[i] == "1." + std::to_string(i + 1) + " RUNNING");
}
