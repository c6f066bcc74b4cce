// A log of decisions that change jobs, for tests of those who follow them.
#pragma once

#include "messages/codec.hpp"
#include "messages/record.hpp"
#include "runtime/job_transitions.hpp"
#include "storage/memory_log.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace berth::test {

inline job_key numbered_job(uint8_t number, uint32_t shard = 0) {
  std::array<uint8_t, 16> hash{};
  hash[0] = number;
  return {make_job_id(hash, shard_id{shard}), no_index};
}

/// Writes claims and decisions as an owner does, and tells the transitions as a
/// node does.
class change_log {
public:
  explicit change_log(uint32_t shards = 1) {
    memory_log_options options;
    options.partitions = shards;
    log_ = std::make_unique<memory_log>(memory_log_mode::threaded, options);
    owners_.resize(shards);
    for (uint32_t i = 0; i < shards; ++i)
      claim(shard_id{i});
  }

  void claim(shard_id shard) {
    auto& o = owners_[shard.value];
    o.nonce = "nonce-" + std::to_string(++nonces_);
    o.at = epoch{append(shard, claim_record{"n", "", o.nonce})};
    transitions_->start_at(shard, o.at.value);
  }

  decision_record next_decision(shard_id shard, std::vector<event> events) {
    auto& o = owners_[shard.value];
    decision_record d;
    d.at_epoch = o.at;
    d.nonce = o.nonce;
    d.seq = o.seq + 1;
    d.at_ms = 1'700'000'000'000;
    d.events = std::move(events);
    return d;
  }

  /// Its offset. `is_told`: the node folds it.
  log_offset decide(shard_id shard, std::vector<event> events,
                    bool is_told = true) {
    auto d = next_decision(shard, std::move(events));
    owners_[shard.value].seq = d.seq;
    auto offset = append(shard, d);
    if (is_told)
      transitions_->add(transitions_of(shard, offset, d));
    return offset;
  }

  /// The node folds the decision there.
  void fold(shard_id shard, log_offset offset) {
    auto bytes = log_->records(shard).at(static_cast<size_t>(offset)).bytes;
    auto read = decode<record>(bytes);
    transitions_->add(
        transitions_of(shard, offset, std::get<decision_record>(read->body)));
  }

  /// As `decide`; each number is a job that began to run.
  log_offset run_jobs(shard_id shard, const std::vector<uint8_t>& numbers) {
    std::vector<event> events;
    for (auto n : numbers)
      events.push_back(started(numbered_job(n, shard.value)));
    return decide(shard, std::move(events));
  }

  static event started(const job_key& job) {
    attempt_started e;
    e.attempt.job = job;
    return e;
  }

  log_offset
  append(shard_id shard,
         std::variant<message_record, claim_record, decision_record> body) {
    record r;
    r.body = std::move(body);
    std::promise<append_outcome> done;
    log_->append(shard, encode(r), [&](append_outcome outcome, storage_error) {
      done.set_value(outcome);
    });
    CHECK(done.get_future().get() == append_outcome::appended);
    return static_cast<log_offset>(log_->records(shard).size()) - 1;
  }

  /// A node that starts again: memory is empty, the shards are claimed anew.
  void restart() {
    transitions_ = std::make_unique<job_transitions>();
    for (uint32_t i = 0; i < owners_.size(); ++i)
      claim(shard_id{i});
  }

  memory_log& records() { return *log_; }
  job_transitions& transitions() { return *transitions_; }

private:
  struct owner {
    epoch at;
    std::string nonce;
    uint64_t seq = 0;
  };

  std::unique_ptr<memory_log> log_;
  std::unique_ptr<job_transitions> transitions_ =
      std::make_unique<job_transitions>();
  std::vector<owner> owners_;
  int nonces_ = 0;
};

} // namespace berth::test
