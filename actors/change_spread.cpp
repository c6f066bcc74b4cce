#include "actors/change_spread.hpp"

#include <algorithm>
#include <iterator>

namespace berth {

change_spread::change_spread(change_spread_settings settings)
    : settings_(std::move(settings)), members_{settings_.endpoint} {}

void change_spread::on_clock(int64_t boottime_ms) {
  boottime_ms_ = std::max(boottime_ms_, boottime_ms);
  // By token is by time: all are waited for equally long.
  while (!open_.empty() && open_.begin()->second.given_up_ms <= boottime_ms_)
    settle(open_.begin());
}

void change_spread::on_members(std::vector<std::string> endpoints) {
  members_ = {endpoints.begin(), endpoints.end()};
  members_.insert(settings_.endpoint);
  stop_waiting_for(
      [this](const std::string& who) { return members_.count(who) == 0; });
}

void change_spread::on_change(call_token token) {
  open_[token] = {boottime_ms_ + settings_.patience_ms, members_};
  for (const auto& endpoint : members_)
    effects_.push_back(ask_member_effect{endpoint, token});
}

bool change_spread::on_answer(const std::string& from, call_token token,
                              bool has_folded) {
  auto found = open_.find(token);
  if (found == open_.end())
    return false;
  // One that cannot say so now may be serving clients all the same.
  if (has_folded && found->second.awaited.erase(from) != 0
      && found->second.awaited.empty())
    settle(found);
  return true;
}

void change_spread::on_unreachable(const std::string& endpoint) {
  stop_waiting_for([&](const std::string& who) { return who == endpoint; });
}

template <class Predicate>
void change_spread::stop_waiting_for(Predicate is_gone) {
  for (auto change = open_.begin(); change != open_.end();) {
    std::erase_if(change->second.awaited, is_gone);
    change =
        change->second.awaited.empty() ? settle(change) : std::next(change);
  }
}

change_spread::open_changes::iterator
change_spread::settle(open_changes::iterator change) {
  effects_.push_back(change_settled_effect{change->first});
  return open_.erase(change);
}

std::vector<change_spread_effect> change_spread::take_effects() {
  return std::exchange(effects_, {});
}

std::optional<int64_t> change_spread::next_due_boottime_ms() const {
  if (open_.empty())
    return std::nullopt;
  return open_.begin()->second.given_up_ms;
}

} // namespace berth
