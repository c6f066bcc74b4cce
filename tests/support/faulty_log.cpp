#include "tests/support/faulty_log.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <utility>

namespace berth {

namespace {

struct held_append {
  shard_id partition;
  std::string bytes;
  append_callback done;
  planned_fault what;
};

/// An append that is in the log and not answered.
struct late_answer {
  shard_id partition;
  std::string bytes;
  append_callback done;
  /// Whether the log has answered, and what.
  bool answered = false;
  append_outcome outcome = append_outcome::unknown;
  storage_error error;
  /// Whether nothing but the log's answer is awaited any more.
  bool released = false;

  bool due() const { return answered && released; }
};

using shared_answer = std::shared_ptr<late_answer>;

void ignore(append_outcome, storage_error) {}

} // namespace

struct faulty_log::state : std::enable_shared_from_this<state> {
  explicit state(log& log_behind) : behind(log_behind) {}

  log& behind;
  mutable std::mutex mutex;
  std::map<shard_id, std::deque<planned_fault>> plans;
  random_faults by_chance;
  std::mt19937_64 random;
  std::array<size_t, append_fault_count> counts{};
  std::deque<held_append> slow;
  std::deque<held_append> late;
  std::vector<shared_answer> answers;

  planned_fault choose(shard_id partition, std::string_view bytes);
  bool must_wait(shard_id partition) const;
  bool has_late_answers() const {
    std::lock_guard lock{mutex};
    return !answers.empty();
  }
  void carry_out(held_append append);
  void append_with_late_answer(held_append append);
  void settle(const shared_answer& answer);
  void seen(shard_id partition, const std::vector<log_record>& records);
  bool release_slow(size_t choice, std::unique_lock<std::mutex>& lock);
};

planned_fault faulty_log::state::choose(shard_id partition,
                                        std::string_view bytes) {
  auto planned = plans.find(partition);
  if (planned != plans.end() && !planned->second.empty()) {
    auto next = std::move(planned->second.front());
    planned->second.pop_front();
    return next;
  }
  planned_fault chosen;
  auto draw = random() % 1000;
  for (size_t i = 1; i < append_fault_count; ++i) {
    if (draw < by_chance.per_mille[i]) {
      chosen.fault = static_cast<append_fault>(i);
      break;
    }
    draw -= by_chance.per_mille[i];
  }
  if (by_chance.intruder && random() % 1000 < by_chance.intruded_per_mille)
    chosen.intruders.push_back(by_chance.intruder(partition, bytes));
  return chosen;
}

bool faulty_log::state::must_wait(shard_id partition) const {
  return std::any_of(slow.begin(), slow.end(), [&](const held_append& held) {
    return held.partition == partition;
  });
}

void faulty_log::state::carry_out(held_append append) {
  for (auto& bytes : append.what.intruders)
    behind.append(append.partition, std::move(bytes), ignore);
  auto unknown = [done = append.done](append_outcome, storage_error) {
    done(append_outcome::unknown,
         {storage_errc::none, "the answer was lost (injected fault)"});
  };
  switch (append.what.fault) {
  case append_fault::refused:
    append.done(append_outcome::refused,
                {storage_errc::none, "refused (injected fault)"});
    return;
  case append_fault::unknown_and_kept:
    behind.append(append.partition, std::move(append.bytes), unknown);
    return;
  case append_fault::unknown_and_lost:
    unknown(append_outcome::unknown, {});
    return;
  case append_fault::unknown_and_late: {
    held_append held{append.partition, std::move(append.bytes), ignore, {}};
    {
      std::lock_guard lock{mutex};
      late.push_back(std::move(held));
    }
    unknown(append_outcome::unknown, {});
    return;
  }
  case append_fault::late_answer:
    append_with_late_answer(std::move(append));
    return;
  case append_fault::twice:
    behind.append(append.partition, append.bytes, ignore);
    break;
  case append_fault::none:
  case append_fault::slow:
    break;
  }
  behind.append(append.partition, std::move(append.bytes),
                std::move(append.done));
}

void faulty_log::state::append_with_late_answer(held_append append) {
  auto answer = std::make_shared<late_answer>();
  answer->partition = append.partition;
  answer->bytes = append.bytes;
  answer->done = std::move(append.done);
  {
    std::lock_guard lock{mutex};
    answers.push_back(answer);
  }
  behind.append(append.partition, std::move(append.bytes),
                [self = shared_from_this(), answer](append_outcome outcome,
                                                    storage_error error) {
                  {
                    std::lock_guard lock{self->mutex};
                    answer->answered = true;
                    answer->outcome = outcome;
                    answer->error = std::move(error);
                  }
                  self->settle(answer);
                });
}

/// Gives the answer when both the log and the release have come.
void faulty_log::state::settle(const shared_answer& answer) {
  {
    std::lock_guard lock{mutex};
    if (!answer->due() || std::erase(answers, answer) == 0)
      return;
  }
  answer->done(answer->outcome, answer->error);
}

void faulty_log::state::seen(shard_id partition,
                             const std::vector<log_record>& records) {
  std::vector<shared_answer> perhaps_due;
  {
    std::lock_guard lock{mutex};
    for (const auto& answer : answers) {
      auto is_it = [&](const log_record& record) {
        return record.bytes == answer->bytes;
      };
      if (answer->partition != partition
          || std::none_of(records.begin(), records.end(), is_it))
        continue;
      answer->released = true;
      perhaps_due.push_back(answer);
    }
  }
  for (const auto& answer : perhaps_due)
    settle(answer);
}

/// Releases the slow append `choice`, or the first of its partition, so that
/// their order is kept; and those behind it that need not wait themselves.
bool faulty_log::state::release_slow(size_t choice,
                                     std::unique_lock<std::mutex>& lock) {
  auto partition = slow[choice].partition;
  auto next_of_partition = [&] {
    return std::find_if(slow.begin(), slow.end(), [&](const held_append& held) {
      return held.partition == partition;
    });
  };
  auto next = next_of_partition();
  do {
    auto released = std::move(*next);
    slow.erase(next);
    lock.unlock();
    carry_out(std::move(released));
    lock.lock();
    next = next_of_partition();
  } while (next != slow.end() && next->what.fault != append_fault::slow);
  return true;
}

faulty_log::faulty_log(log& behind) : state_(std::make_shared<state>(behind)) {}

faulty_log::~faulty_log() {
  std::vector<append_callback> unanswered;
  {
    std::lock_guard lock{state_->mutex};
    for (auto& held : state_->slow)
      unanswered.push_back(std::move(held.done));
    for (auto& answer : state_->answers)
      unanswered.push_back(answer->done);
    state_->slow.clear();
    state_->late.clear();
    state_->answers.clear();
  }
  for (auto& done : unanswered)
    done(append_outcome::unknown, {storage_errc::none, "the log was closed"});
}

void faulty_log::plan(shard_id partition, planned_fault next) {
  std::lock_guard lock{state_->mutex};
  state_->plans[partition].push_back(std::move(next));
}

void faulty_log::fail_at_random(random_faults faults) {
  std::lock_guard lock{state_->mutex};
  state_->random.seed(faults.seed);
  state_->by_chance = std::move(faults);
}

void faulty_log::heal() {
  std::lock_guard lock{state_->mutex};
  state_->by_chance = {};
}

size_t faulty_log::held() const {
  std::lock_guard lock{state_->mutex};
  return state_->slow.size() + state_->late.size() + state_->answers.size();
}

bool faulty_log::release_one(size_t choice) {
  std::unique_lock lock{state_->mutex};
  auto& s = *state_;
  auto unreleased = std::count_if(
      s.answers.begin(), s.answers.end(),
      [](const shared_answer& answer) { return !answer->released; });
  auto count = s.slow.size() + s.late.size() + static_cast<size_t>(unreleased);
  if (count == 0)
    return false;
  choice %= count;
  if (choice < s.slow.size())
    return s.release_slow(choice, lock);
  choice -= s.slow.size();
  if (choice < s.late.size()) {
    auto at = s.late.begin() + static_cast<std::ptrdiff_t>(choice);
    auto released = std::move(*at);
    s.late.erase(at);
    lock.unlock();
    s.carry_out(std::move(released));
    return true;
  }
  choice -= s.late.size();
  for (const auto& answer : s.answers) {
    if (answer->released || choice-- != 0)
      continue;
    auto chosen = answer;
    chosen->released = true;
    lock.unlock();
    s.settle(chosen);
    return true;
  }
  return false;
}

void faulty_log::release() {
  for (auto count = held(); count > 0 && release_one(); --count) {
  }
}

size_t faulty_log::done(append_fault fault) const {
  std::lock_guard lock{state_->mutex};
  return state_->counts[static_cast<size_t>(fault)];
}

uint32_t faulty_log::partitions() const {
  return state_->behind.partitions();
}

std::string faulty_log::cluster_id() const {
  return state_->behind.cluster_id();
}

void faulty_log::append(shard_id partition, std::string bytes,
                        append_callback done) {
  held_append append{partition, std::move(bytes), std::move(done), {}};
  {
    std::lock_guard lock{state_->mutex};
    append.what = state_->choose(partition, append.bytes);
    ++state_->counts[static_cast<size_t>(append.what.fault)];
    if (append.what.fault == append_fault::slow
        || state_->must_wait(partition)) {
      state_->slow.push_back(std::move(append));
      return;
    }
  }
  state_->carry_out(std::move(append));
}

std::unique_ptr<log_reading>
faulty_log::read(shard_id partition, log_offset from,
                 records_callback on_records,
                 std::function<void(storage_error)> failed) {
  return state_->behind.read(
      partition, from,
      [partition, self = state_,
       on_records = std::move(on_records)](std::vector<log_record> records) {
        if (!self->has_late_answers())
          return on_records(std::move(records));
        auto given = records;
        on_records(std::move(records));
        self->seen(partition, given);
      },
      std::move(failed));
}

void faulty_log::end_offset(
    shard_id partition, std::function<void(log_offset, storage_error)> done) {
  state_->behind.end_offset(partition, std::move(done));
}

log_offset faulty_log::begin_offset(shard_id partition) {
  return state_->behind.begin_offset(partition);
}

} // namespace berth
