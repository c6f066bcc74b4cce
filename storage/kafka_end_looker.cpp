#include "storage/kafka_end_looker.hpp"

#include "storage/log_messages.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace berth {

namespace {

/// For a leader that is well.
constexpr int prompt_patience_ms = 250;
constexpr int failing_patience_ms = 1000;
/// Between looks at partitions whose leaders do not answer.
constexpr std::chrono::milliseconds retry_pause{200};

} // namespace

storage_error
kafka_end_looker::open(std::shared_ptr<const kafka_source> source) {
  source_ = std::move(source);
  if (auto error = source_->consumer(client_))
    return error;
  for (auto which : {lane::prompt, lane::failing})
    threads_.emplace_back([this, which] { serve(which); });
  return {};
}

kafka_end_looker::~kafka_end_looker() {
  {
    std::lock_guard lock{mutex_};
    closing_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_)
    thread.join();
  for (auto& [partition, waiting] : asked_)
    for (auto& done : waiting)
      done(0, log_closed(storage_errc::fenced));
}

void kafka_end_looker::ask(shard_id partition, answer done) {
  {
    std::lock_guard lock{mutex_};
    asked_[partition].push_back(std::move(done));
  }
  changed_.notify_all();
}

bool kafka_end_looker::look_now(shard_id partition, log_bounds& seen) {
  auto patience_ms = source_->options.answer_patience_ms;
  if (source_->look(client_.get(), partition, patience_ms, seen)
      == RD_KAFKA_RESP_ERR_NO_ERROR)
    return true;
  source_->learn_leaders(client_.get(), patience_ms);
  return source_->look(client_.get(), partition, patience_ms, seen)
         == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void kafka_end_looker::serve(lane which) {
  auto patience_ms =
      which == lane::prompt ? prompt_patience_ms : failing_patience_ms;
  questions next;
  while (take(which, next.first, next)) {
    log_offset end = 0;
    if (source_->look_at_end(client_.get(), next.first, patience_ms, end)
        == RD_KAFKA_RESP_ERR_NO_ERROR) {
      {
        std::lock_guard lock{mutex_};
        failing_.erase(next.first);
      }
      // Who asked may be kept alive by what is called.
      for (auto& done : std::exchange(next.second, {}))
        done(end, {});
      continue;
    }
    auto partition = next.first;
    put_back(std::move(next));
    next.first = partition;
    if (which == lane::prompt)
      continue;
    source_->learn_leaders(client_.get(), patience_ms);
    std::unique_lock lock{mutex_};
    if (changed_.wait_for(lock, retry_pause, [this] { return closing_; }))
      return;
  }
}

bool kafka_end_looker::take(lane which, shard_id last, questions& taken) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return closing_ || find(which, last, taken); });
  return !closing_;
}

bool kafka_end_looker::find(lane which, shard_id last, questions& taken) {
  auto is_ours = [&](const auto& one) {
    return (failing_.count(one.first) != 0) == (which == lane::failing);
  };
  auto turn = asked_.upper_bound(last);
  auto found = std::find_if(turn, asked_.end(), is_ours);
  if (found == asked_.end()) {
    found = std::find_if(asked_.begin(), turn, is_ours);
    if (found == turn)
      return false;
  }
  taken = {found->first, std::move(found->second)};
  asked_.erase(found);
  return true;
}

void kafka_end_looker::put_back(questions unanswered) {
  {
    std::lock_guard lock{mutex_};
    auto& waiting = asked_[unanswered.first];
    std::move(unanswered.second.begin(), unanswered.second.end(),
              std::back_inserter(waiting));
    failing_.insert(unanswered.first);
  }
  changed_.notify_all();
}

} // namespace berth
