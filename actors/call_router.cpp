#include "actors/call_router.hpp"

#include <algorithm>

namespace berth {

call_router::call_router(call_router_settings settings) : settings_(settings) {}

void call_router::on_clock(int64_t boottime_ms) {
  boottime_ms_ = std::max(boottime_ms_, boottime_ms);
  while (!ends_.empty() && ends_.begin()->first <= boottime_ms_)
    give_up(ends_.begin()->second);
  while (!again_.empty() && again_.begin()->first <= boottime_ms_) {
    auto token = again_.begin()->second;
    again_.erase(again_.begin());
    auto& call = calls_.at(token);
    call.again_ms = 0;
    bring(token, call);
  }
}

void call_router::on_call(shard_id to, call_token token, shard_call what) {
  if (calls_.size() >= routed_calls_max) {
    effects_.push_back(answer_call_effect{
        token, api_error{api_errc::too_many_requests,
                         "more than " + std::to_string(routed_calls_max)
                             + " calls wait at this node"}});
    return;
  }
  auto& call = calls_[token];
  call.to = to;
  call.what = std::move(what);
  call.given_up_ms = boottime_ms_ + settings_.patience_ms;
  ends_.emplace(call.given_up_ms, token);
  bring(token, call);
}

/// A copy stays here until it is answered.
void call_router::bring(call_token token, routed_call& call) {
  auto owner = owners_.find(call.to);
  if (owner == owners_.end() || owner->second.empty())
    return;
  drop_due(token, call);
  call.again_ms = 0;
  call.at = owner->second;
  effects_.push_back(bring_call_effect{call.at, call.to, token, call.what});
}

void call_router::wait(call_token token, routed_call& call) {
  call.at.clear();
  auto pause = call.turned_away ? 2 * settings_.again_ms : settings_.again_ms;
  call.turned_away = true;
  drop_due(token, call);
  call.again_ms = boottime_ms_ + pause;
  again_.emplace(call.again_ms, token);
}

void call_router::drop_due(call_token token, const routed_call& call) {
  if (call.again_ms != 0)
    again_.erase({call.again_ms, token});
}

void call_router::on_owner(shard_id of, const std::string& endpoint) {
  claimed_.insert(of);
  bring_to_owner(of, endpoint);
}

void call_router::on_holder(shard_id of, const std::string& endpoint) {
  if (claimed_.count(of) == 0)
    bring_to_owner(of, endpoint);
}

void call_router::on_at_rest(shard_id of) {
  claimed_.erase(of);
}

void call_router::bring_to_owner(shard_id of, const std::string& endpoint) {
  auto& owner = owners_[of];
  if (owner == endpoint)
    return;
  owner = endpoint;
  for (auto& [token, call] : calls_)
    if (call.to == of && call.at != endpoint)
      bring(token, call);
}

void call_router::on_unreachable(const std::string& endpoint) {
  for (auto& [token, call] : calls_)
    if (call.at == endpoint)
      wait(token, call);
}

void call_router::on_answer(const std::string& from, call_token token,
                            result answer) {
  auto found = calls_.find(token);
  if (found == calls_.end())
    return;
  const auto* refused = std::get_if<api_error>(&answer);
  if (refused == nullptr || refused->code != api_errc::unavailable)
    return finish(token, std::move(answer));
  // Of one that was asked before the present one it says nothing.
  if (found->second.at == from)
    wait(token, found->second);
}

void call_router::finish(call_token token, result answer) {
  auto found = calls_.find(token);
  drop_due(token, found->second);
  ends_.erase({found->second.given_up_ms, token});
  calls_.erase(found);
  effects_.push_back(answer_call_effect{token, std::move(answer)});
}

void call_router::give_up(call_token token) {
  const auto& call = calls_.at(token);
  auto shard = "shard " + std::to_string(call.to.value);
  finish(token,
         api_error{api_errc::unavailable,
                   call.at.empty() ? "no node that can be reached owns " + shard
                                         + " now; try again"
                                   : "the owner of " + shard + " at " + call.at
                                         + " does not answer; try again"});
}

std::vector<call_router_effect> call_router::take_effects() {
  return std::exchange(effects_, {});
}

std::optional<int64_t> call_router::next_due_boottime_ms() const {
  std::optional<int64_t> due;
  for (const auto* times : {&again_, &ends_})
    if (!times->empty())
      due =
          std::min(due.value_or(times->begin()->first), times->begin()->first);
  return due;
}

} // namespace berth
