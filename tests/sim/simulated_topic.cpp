#include "tests/sim/simulated_topic.hpp"

#include "tests/sim/draws.hpp"
#include "tests/sim/simulated_clock.hpp"

#include <algorithm>
#include <utility>

namespace berth::sim {

namespace {

/// An appender gives up after this.
constexpr sim_time append_timeout = 5 * second;
/// A late one lands this long after that, on average.
constexpr double late_mean_us = 3.0 * second;
/// From a record to its duplicate.
constexpr double duplicate_mean_us = 0.5 * second;
/// Between tries while a partition cannot be reached.
constexpr sim_time unreachable_retry = 100 * millisecond;
/// Of one fetch.
constexpr uint64_t records_per_fetch_max = 64;

} // namespace

struct simulated_topic::append_under_way {
  uint64_t number = 0;
  log_client by;
  /// Of the appender when it appended.
  uint64_t life = 0;
  shard_id to;
  std::string bytes;
  std::function<void(append_outcome)> done;
  fate what = fate::fine;
  sim_time sent_at = 0;
  bool is_duplicate = false;
};

simulated_topic::simulated_topic(const parameters& with, timeline& time,
                                 random_source random,
                                 simulated_network& network,
                                 uint32_t partitions, topic_watcher* watcher)
    : with_(with), time_(time), random_(random), network_(network),
      partitions_(partitions), watcher_(watcher) {}

simulated_topic::fate simulated_topic::draw_fate() {
  if (!faults_on_)
    return fate::fine;
  if (random_.chance(with_.faults.append_lost))
    return random_.chance(0.3) ? fate::refused : fate::lost;
  if (random_.chance(with_.faults.append_unknown))
    return fate::unknown;
  if (random_.chance(with_.faults.append_late))
    return fate::late;
  return fate::fine;
}

/// A share of what an append takes in all.
sim_time simulated_topic::latency(const partition& p, double share) {
  auto mean = static_cast<double>(with_.cluster.append_mean_us) * p.slowness;
  return exponential(random_, mean * share);
}

void simulated_topic::append(const log_client& by, shard_id to,
                             std::string bytes,
                             std::function<void(append_outcome)> done) {
  auto& p = partitions_.at(to.value);
  // Whoever was told of an earlier life does not hear of this one.
  auto heard = [life = by.life, number = by.life->number(),
                done = std::move(done)](append_outcome outcome) {
    if (life->is_alive() && life->number() == number)
      done(outcome);
  };
  auto a = std::make_shared<append_under_way>(append_under_way{
      ++last_append_, by, by.life->number(), to, std::move(bytes),
      std::move(heard), draw_fate(), time_.now(), false});
  auto at = time_.now() + latency(p, 0.4);
  if (a->what == fate::refused)
    return tell(a, append_outcome::refused, at);
  if (a->what == fate::lost) {
    lose();
    return tell(a, append_outcome::unknown, a->sent_at + append_timeout);
  }
  ++under_way_;
  if (a->what == fate::late) {
    tell(a, append_outcome::unknown, a->sent_at + append_timeout);
    at = a->sent_at + append_timeout + exponential(random_, late_mean_us);
  } else {
    // One client's appends keep their order while all goes well.
    auto& last = p.last_arrival[by.name];
    at = last = std::max(at, last + 1);
  }
  time_.at(at, [this, a] { arrive(a); });
}

void simulated_topic::lose() {
  if (watcher_ != nullptr)
    watcher_->lost();
}

void simulated_topic::tell(const shared_append& a, append_outcome outcome,
                           sim_time when) {
  a->by.life->at(when, [a, outcome] { a->done(outcome); });
}

void simulated_topic::arrive(const shared_append& a) {
  auto is_cut = network_.is_cut(a->by.at, broker_place(a->to.value));
  if (a->what == fate::late) {
    --under_way_;
    return is_cut ? void() : land(a);
  }
  auto& held = partitions_.at(a->to.value).held[{a->by.name, a->life}];
  if (!is_cut && held.empty()) {
    --under_way_;
    return land(a);
  }
  held.push_back(a);
  if (held.size() == 1)
    try_again(a);
}

/// A producer sends what it holds in its order.
void simulated_topic::try_again(const shared_append& first) {
  time_.after(unreachable_retry, [this, first] {
    auto& held =
        partitions_.at(first->to.value).held[{first->by.name, first->life}];
    while (!held.empty()) {
      auto next = held.front();
      auto is_cut = network_.is_cut(next->by.at, broker_place(next->to.value));
      if (is_cut && time_.now() < next->sent_at + append_timeout)
        return try_again(next);
      held.pop_front();
      --under_way_;
      if (!is_cut) {
        land(next);
      } else {
        lose();
        tell(next, append_outcome::unknown, time_.now());
      }
    }
  });
}

void simulated_topic::land(const shared_append& a) {
  auto& p = partitions_.at(a->to.value);
  auto offset = static_cast<log_offset>(p.records.size());
  p.records.push_back(
      {offset, epoch_of_runs_ms + time_.now() / 1000 + p.clock_offset_ms,
       a->bytes});
  last_landed_at_ = time_.now();
  if (watcher_ != nullptr)
    watcher_->landed(
        {a->to, offset, a->number, a->by, p.records.back().bytes,
         !a->is_duplicate
             && (a->what == fate::unknown || a->what == fate::late)});
  if (faults_on_ && !a->is_duplicate
      && random_.chance(with_.faults.append_duplicated))
    land_again(*a);
  p.next_visible_at =
      std::max(p.next_visible_at, time_.now() + latency(p, 0.3));
  time_.at(p.next_visible_at, [this, a, offset] { become_visible(a, offset); });
}

/// As a producer makes it that repeats what it was not told of.
void simulated_topic::land_again(const append_under_way& a) {
  auto again = std::make_shared<append_under_way>(a);
  again->is_duplicate = true;
  // Nobody is told of it.
  again->what = fate::late;
  ++under_way_;
  time_.after(exponential(random_, duplicate_mean_us), [this, again] {
    --under_way_;
    land(again);
  });
}

void simulated_topic::insert(const log_client& by, shard_id to,
                             std::string bytes) {
  land(std::make_shared<append_under_way>(append_under_way{
      ++last_append_, by, by.life ? by.life->number() : 0, to, std::move(bytes),
      [](append_outcome) {}, fate::late, time_.now(), true}));
}

void simulated_topic::become_visible(const shared_append& a,
                                     log_offset offset) {
  auto& p = partitions_.at(a->to.value);
  p.visible = offset + 1;
  if (watcher_ != nullptr)
    watcher_->visible(a->to, offset);
  auto unheard = a->what == fate::unknown
                 || network_.is_cut(broker_place(a->to.value), a->by.at);
  if (a->what == fate::fine && !unheard)
    tell(a, append_outcome::appended, time_.now() + latency(p, 0.3));
  else if (a->what != fate::late)
    tell(a, append_outcome::unknown,
         std::max(time_.now(), a->sent_at + append_timeout));
  for (auto& [reading, r] : readers_)
    if (r.shard == a->to && !r.fetching)
      fetch(reading);
}

uint64_t simulated_topic::start_reading(
    const log_client& by, shard_id from_shard, log_offset from,
    std::function<void(const std::vector<log_record>&)> on_records) {
  auto reading = ++last_reading_;
  readers_.emplace(reading,
                   reader{by, from_shard, from, false, std::move(on_records)});
  fetch(reading);
  return reading;
}

void simulated_topic::stop_reading(uint64_t reading) {
  readers_.erase(reading);
}

void simulated_topic::fetch(uint64_t reading) {
  auto found = readers_.find(reading);
  if (found == readers_.end())
    return;
  auto& r = found->second;
  const auto& p = partitions_.at(r.shard.value);
  if (r.next >= p.visible)
    return;
  r.fetching = true;
  r.by.life->after(latency(p, 0.3), [this, reading] { deliver(reading); });
}

void simulated_topic::deliver(uint64_t reading) {
  auto found = readers_.find(reading);
  if (found == readers_.end())
    return;
  auto& r = found->second;
  if (network_.is_cut(broker_place(r.shard.value), r.by.at)) {
    r.by.life->after(unreachable_retry, [this, reading] { deliver(reading); });
    return;
  }
  r.fetching = false;
  const auto& p = partitions_.at(r.shard.value);
  auto most = static_cast<log_offset>(1 + random_.below(records_per_fetch_max));
  auto end = std::min(p.visible, r.next + most);
  std::vector<log_record> records(p.records.begin() + r.next,
                                  p.records.begin() + end);
  r.next = end;
  fetch(reading);
  // The last use of `r`: what is called may end this reading.
  auto take = r.on_records;
  take(records);
}

void simulated_topic::end_offset(const log_client& by, shard_id of,
                                 std::function<void(log_offset)> done) {
  auto& p = partitions_.at(of.value);
  by.life->after(latency(p, 0.3), [this, by, of, done = std::move(done)] {
    auto broker = broker_place(of.value);
    if (network_.is_cut(by.at, broker) || network_.is_cut(broker, by.at)) {
      by.life->after(unreachable_retry,
                     [this, by, of, done] { end_offset(by, of, done); });
      return;
    }
    const auto& there = partitions_.at(of.value);
    by.life->after(latency(there, 0.3),
                   [done, end = there.visible] { done(end); });
  });
}

bool simulated_topic::is_quiet() const {
  if (under_way_ > 0)
    return false;
  return std::all_of(partitions_.begin(), partitions_.end(), [](const auto& p) {
    return p.visible == static_cast<log_offset>(p.records.size());
  });
}

void simulated_topic::set_slowness(shard_id of, double times) {
  partitions_.at(of.value).slowness = times;
}

void simulated_topic::jump_clock(shard_id of, int64_t by_ms) {
  partitions_.at(of.value).clock_offset_ms += by_ms;
}

void simulated_topic::end_faults() {
  faults_on_ = false;
  for (auto& p : partitions_)
    p.slowness = 1;
}

} // namespace berth::sim
