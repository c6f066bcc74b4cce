#include "actors/sendings.hpp"

#include "messages/limits.hpp"
#include "messages/simulation.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace berth {

uint64_t sendings::round_of(const std::string& to, uint64_t number) const {
  auto found = rounds_.find(to);
  if (found == rounds_.end())
    return first_round_;
  auto behind = found->second.upper_bound(number);
  return behind == found->second.begin() ? first_round_
                                         : std::prev(behind)->second;
}

void sendings::begin_anew() {
  arrived_.clear();
  overtaken_.clear();
  retries_.clear();
  rounds_.clear();
  first_round_ = ++last_round_;
}

sending sendings::begin(std::string to, uint64_t number) const {
  auto round = round_of(to, number);
  return {std::move(to), number, round};
}

void sendings::begin_round(const std::string& to, uint64_t from) {
  auto& rounds = rounds_[to];
  rounds.erase(rounds.lower_bound(from), rounds.end());
  rounds.emplace(from, ++last_round_);
  if (auto o = overtaken_.find(to); o != overtaken_.end() && o->second >= from)
    overtaken_.erase(o);
  if (auto r = retries_.find(to); r != retries_.end() && r->second.from >= from)
    retries_.erase(r);
}

sendings::arrival sendings::note_arrived(const std::string& to, uint64_t up_to,
                                         int64_t now_ms) {
  if (arrived_.empty())
    arrived_since_ms_ = now_ms;
  arrived_[to] = up_to;
  arrival a{true, std::nullopt};
  if (auto r = retries_.find(to);
      r != retries_.end() && r->second.from <= up_to)
    r->second.from = up_to + 1;
  auto overtaken = overtaken_.find(to);
  if (overtaken == overtaken_.end())
    return a;
  if (overtaken->second > up_to)
    a.send_again_from = up_to + 1;
  overtaken_.erase(overtaken);
  return a;
}

sendings::arrival sendings::on_arrived(const sending& what, uint64_t first,
                                       int64_t now_ms) {
  // What a later round sent has to arrive itself: the receiver may have passed
  // over the earlier sending.
  if (what.round != round_of(what.to, what.message_number))
    return {};
  auto next = first;
  if (auto known = arrived_.find(what.to); known != arrived_.end())
    next = std::max(next, known->second + 1);
  auto number = what.message_number;
  if (number < next)
    return {};
  // Rule Outbox: the receiver passed over what reached it before an earlier one
  // did, so that is no delivery.
  if (number > next && !broken(breakage::deliveries_recorded_one_by_one)) {
    auto [first_one, is_new] = overtaken_.try_emplace(what.to, number);
    if (!is_new)
      first_one->second = std::min(first_one->second, number);
    return {};
  }
  return note_arrived(what.to, number, now_ms);
}

sendings::arrival sendings::on_taken(const std::string& to, uint64_t up_to,
                                     uint64_t first, int64_t now_ms) {
  auto known = arrived_.find(to);
  if (up_to < first || (known != arrived_.end() && up_to <= known->second))
    return {};
  return note_arrived(to, up_to, now_ms);
}

void sendings::on_failed(const sending& what, uint64_t first, int64_t now_ms) {
  auto number = what.message_number;
  auto known = arrived_.find(what.to);
  if (number < first || (known != arrived_.end() && number <= known->second)
      || what.round != round_of(what.to, number))
    return;
  auto [r, is_new] = retries_.try_emplace(
      what.to, retry{number, now_ms + limits::send_again_delay_ms});
  r->second.from = std::min(r->second.from, number);
}

void sendings::forget(const std::string& to) {
  arrived_.erase(to);
  overtaken_.erase(to);
  retries_.erase(to);
  rounds_.erase(to);
}

std::vector<sendings::arrived> sendings::take_arrived() {
  std::vector<arrived> out;
  for (auto& [to, up_to] : std::exchange(arrived_, {}))
    out.push_back({to, up_to});
  return out;
}

std::optional<int64_t> sendings::arrived_since_ms() const {
  if (arrived_.empty())
    return std::nullopt;
  return arrived_since_ms_;
}

std::vector<sendings::failed> sendings::take_failed(int64_t now_ms) {
  std::vector<failed> out;
  for (auto r = retries_.begin(); r != retries_.end();) {
    if (r->second.at_ms > now_ms) {
      ++r;
      continue;
    }
    out.push_back({r->first, r->second.from});
    r = retries_.erase(r);
  }
  return out;
}

std::optional<int64_t> sendings::next_due_ms() const {
  std::optional<int64_t> due;
  if (!arrived_.empty())
    due = arrived_since_ms_ + limits::delivery_record_delay_ms;
  for (const auto& [to, r] : retries_)
    due = std::min(due.value_or(r.at_ms), r.at_ms);
  return due;
}

} // namespace berth
