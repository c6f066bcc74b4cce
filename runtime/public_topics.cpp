#include "runtime/public_topics.hpp"

#include "runtime/task_thread.hpp"

#include <atomic>
#include <mutex>
#include <spdlog/spdlog.h>
#include <utility>
#include <vector>

namespace berth {

opened_public_topics open_public_topics(const kafka_cluster_address& at,
                                        bool create_if_missing) {
  opened_public_topics all;
  all.submissions_name = topic_name(at.prefix, topic::submissions);
  auto read = [&](topic t, std::unique_ptr<log>& to) {
    if (all.error)
      return;
    auto found = open_topic(at, t, create_if_missing);
    all.error = found.error;
    to = std::move(found.opened);
  };
  auto write = [&](topic t, std::unique_ptr<topic_writer>& to) {
    if (all.error)
      return;
    auto found = open_topic_writer(at, t, create_if_missing);
    all.error = found.error;
    to = std::move(found.opened);
  };
  read(topic::submissions, all.submissions);
  write(topic::job_state_changes, all.changes);
  write(topic::rejections, all.rejections);
  write(topic::publisher_cursors, all.cursors_writer);
  read(topic::publisher_cursors, all.cursors);
  return all;
}

namespace {

/// Passes appends on and counts those that are in the topic.
class counting_writer final : public topic_writer {
public:
  explicit counting_writer(topic_writer& to) : to_(to) {}

  uint32_t partitions() const override { return to_.partitions(); }
  void append(shard_id partition, const std::string& key,
              const std::string& bytes, append_callback done) override {
    to_.append(partition, key, bytes,
               [count = count_, done = std::move(done)](
                   append_outcome outcome, const storage_error& error) {
                 if (outcome == append_outcome::appended)
                   ++*count;
                 done(outcome, error);
               });
  }
  uint64_t count() const { return *count_; }

private:
  topic_writer& to_;
  /// Answers may come when this is gone.
  std::shared_ptr<std::atomic<uint64_t>> count_ =
      std::make_shared<std::atomic<uint64_t>>(0);
};

/// As far as the shards have said. Thread-safe.
class taken_submissions {
public:
  void note(const std::string& source, log_offset taken) {
    std::lock_guard lock{mutex_};
    taken_[source] = taken;
  }
  std::map<std::string, log_offset> all() const {
    std::lock_guard lock{mutex_};
    return taken_;
  }

private:
  mutable std::mutex mutex_;
  std::map<std::string, log_offset> taken_;
};

} // namespace

class public_topics::impl {
public:
  impl(opened_public_topics topics, log& truth, public_topics_ports ports)
      : topics_(std::move(topics)), changes_(*topics_.changes),
        rejections_(*topics_.rejections), ports_(std::move(ports)) {
    for (uint32_t i = 0; i < truth.partitions(); ++i) {
      readers_.push_back(reader_of(shard_id{i}, truth.partitions()));
      publishers_.push_back(publisher_of(shard_id{i}, truth));
    }
  }

  ~impl() {
    stop();
    readers_.clear();
    publishers_.clear();
  }

  /// What still comes for the threads is dropped.
  void stop() {
    reading_.reset();
    publishing_.reset();
  }

  void on_owned(shard_id shard) {
    readers_.at(shard.value)->on_owned();
    publishers_.at(shard.value)->on_owned();
  }
  void on_disowned(shard_id shard) {
    readers_.at(shard.value)->stop();
    publishers_.at(shard.value)->on_disowned();
  }

  public_topics_counts counts() const {
    return {taken_->all(), changes_.count(), rejections_.count()};
  }

private:
  static void warn(const std::string& text) { spdlog::warn("{}", text); }

  template <class Ports>
  static void use_thread(Ports& p, const task_thread& thread) {
    p.post = [q = thread.queue()](std::function<void()> task) {
      q->post(std::move(task));
    };
    p.post_later = [q = thread.queue()](int64_t after_ms,
                                        std::function<void()> task) {
      q->post_later(after_ms, std::move(task));
    };
    p.warn = warn;
  }

  std::shared_ptr<submission_reader> reader_of(shard_id shard,
                                               uint32_t shards) {
    submission_ports p;
    use_thread(p, *reading_);
    p.parse = ports_.dialect.parse;
    p.resolve = ports_.resolve;
    p.give = [shard, give = ports_.give,
              taken = taken_](const std::string& source, log_offset after,
                              auto what, auto done) {
      auto note = [taken, source,
                   done = std::move(done)](submissions_standing now) {
        if (now.owns)
          taken->note(source, now.taken);
        done(now);
      };
      give(shard, source, after, std::move(what), std::move(note));
    };
    return std::make_shared<submission_reader>(
        submission_reader_options{shard, shards, topics_.submissions.get(),
                                  topics_.submissions_name},
        std::move(p));
  }

  std::shared_ptr<publisher> publisher_of(shard_id shard, log& truth) {
    publisher_ports p;
    use_thread(p, *publishing_);
    p.describe = ports_.describe;
    p.print_change = ports_.dialect.print_change;
    p.print_rejection = ports_.dialect.print_rejection;
    publisher_topics t;
    t.truth = &truth;
    t.submissions = topics_.submissions.get();
    t.submissions_name = topics_.submissions_name;
    t.changes = &changes_;
    t.rejections = &rejections_;
    t.cursors = topics_.cursors.get();
    t.cursors_writer = topics_.cursors_writer.get();
    return std::make_shared<publisher>(shard, t, std::move(p));
  }

  opened_public_topics topics_;
  counting_writer changes_;
  counting_writer rejections_;
  const std::shared_ptr<taken_submissions> taken_ =
      std::make_shared<taken_submissions>();
  const public_topics_ports ports_;
  std::unique_ptr<task_thread> reading_ = std::make_unique<task_thread>();
  std::unique_ptr<task_thread> publishing_ = std::make_unique<task_thread>();
  std::vector<std::shared_ptr<submission_reader>> readers_;
  std::vector<std::shared_ptr<publisher>> publishers_;
};

public_topics::public_topics(opened_public_topics topics, log& truth,
                             public_topics_ports ports)
    : impl_(
        std::make_unique<impl>(std::move(topics), truth, std::move(ports))) {}

public_topics::~public_topics() = default;

void public_topics::on_owned(shard_id shard) {
  impl_->on_owned(shard);
}

public_topics_counts public_topics::counts() const {
  return impl_->counts();
}

void public_topics::stop() {
  impl_->stop();
}

void public_topics::on_disowned(shard_id shard) {
  impl_->on_disowned(shard);
}

} // namespace berth
