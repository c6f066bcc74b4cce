// A shard driver around a log and a store in memory, in one thread: tests say
// when the log moves.
#pragma once

#include "runtime/shard_driver.hpp"
#include "storage/memory_log.hpp"
#include "storage/memory_store.hpp"
#include "tests/support/shard_fixture.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::test {

class driven_shard final : public shard_port {
public:
  driven_shard(memory_log& of, std::shared_ptr<store> rows, std::string node,
               bool followed = true)
      : log_(of) {
    shard_driver_options o;
    o.followed = followed;
    o.candidate = followed;
    o.shard.state.catalog.shard_count = of.partitions();
    o.shard.cluster_id = of.cluster_id();
    o.shard.node = node;
    o.store_ = rows;
    rows_ = std::move(rows);
    node_ = std::move(node);
    driver_ = std::make_unique<shard_driver>(std::move(o), *this);
    driver_->start();
  }

  shard_driver& driver() { return *driver_; }
  const shard& machine() const { return *driver_->machine(); }

  /// Brings a call and runs the log until it is answered.
  result call(shard_call what) {
    auto token = ++last_token_;
    driver_->on_calls({{token, std::move(what)}});
    log_.deliver();
    return answers_.at(token);
  }

  /// Writes to the store what it was given so far; returns how often.
  size_t finish_writes() {
    size_t finished = 0;
    for (; !writes_.empty(); ++finished) {
      auto [batch, at] = std::move(writes_.front());
      writes_.pop_front();
      driver_->on_written(rows_->write(*batch, at));
    }
    return finished;
  }

  /// What has left for agents.
  std::vector<dispatch> sent;
  /// Appends of it are lost from now on, with an unknown outcome.
  bool loses_appends = false;
  std::function<void()> on_owned = [] {};
  std::vector<std::string> reloads;
  /// A test that expects one sets `may_end`.
  std::vector<std::string> fatals;
  bool may_end = false;
  /// Where its readings began.
  std::vector<log_offset> reads_from;
  bool restart_waits = false;
  int rests = 0;

  int64_t boottime_ms() override { return 1000; }
  std::string fresh_nonce() override {
    return node_ + "-" + std::to_string(++nonces_);
  }
  void start_reading(uint64_t incarnation, log_offset from) override {
    reads_from.push_back(from);
    reading_ = log_.read(
        shard_id{0}, from,
        [this, incarnation](std::vector<log_record> records) {
          driver_->on_records(incarnation, records);
        },
        [this, incarnation](const storage_error& e) {
          driver_->on_reading_failed(incarnation, e);
        });
  }
  void stop_reading() override { stopped_.push_back(std::move(reading_)); }
  bool reads() const { return reading_ != nullptr; }
  void look_at_end(uint64_t incarnation) override {
    log_.end_offset(shard_id{0},
                    [this, incarnation](log_offset end, storage_error e) {
                      driver_->on_end(incarnation, end, e);
                    });
  }
  void append(uint64_t incarnation, std::string bytes) override {
    if (loses_appends) {
      failed_ = [this, incarnation] {
        driver_->on_append_failed(incarnation, append_outcome::unknown, {});
      };
      return;
    }
    log_.append(shard_id{0}, std::move(bytes),
                [](append_outcome, storage_error) {});
  }
  /// What came of the lost append is told.
  void fail_append() { std::exchange(failed_, nullptr)(); }
  void append_to(uint64_t, shard_id, sending, const std::string&) override {}
  void send(uint64_t, sending, dispatch what) override {
    sent.push_back(std::move(what));
  }
  void write(std::shared_ptr<const row_batch> rows,
             const checkpoint& at) override {
    writes_.emplace_back(std::move(rows), at);
  }
  void wake_at(int64_t) override {}
  void restart_later() override { restart_waits = true; }
  void answer(std::vector<call_answer> answers) override {
    for (auto& a : answers)
      answers_[a.token] = std::move(a.answer);
  }
  void folded(log_offset,
              const std::shared_ptr<const decision_record>&) override {}
  void catalog_loaded(std::shared_ptr<std::vector<row>>) override {}
  void owned() override { on_owned(); }
  void resting() override { ++rests; }
  void reloading(const std::string& why) override { reloads.push_back(why); }
  void fatal(const std::string& why) override {
    fatals.push_back(why);
    if (!may_end)
      FAIL(why);
  }

private:
  memory_log& log_;
  std::shared_ptr<store> rows_;
  std::deque<std::pair<std::shared_ptr<const row_batch>, checkpoint>> writes_;
  std::string node_;
  std::unique_ptr<log_reading> reading_;
  /// A reading must not end inside its own callback here.
  std::vector<std::unique_ptr<log_reading>> stopped_;
  std::unique_ptr<shard_driver> driver_;
  std::function<void()> failed_;
  std::map<call_token, result> answers_;
  call_token last_token_ = 0;
  int nonces_ = 0;
};

} // namespace berth::test
