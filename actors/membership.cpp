#include "actors/membership.hpp"

#include "actors/stable_hash.hpp"

#include <algorithm>
#include <utility>

namespace berth {

uint64_t member_weight(const std::string& node, shard_id shard) {
  return stable_hash(node + "/" + std::to_string(shard.value));
}

membership::membership(membership_settings settings)
    : settings_(std::move(settings)) {}

void membership::on_clock(int64_t boottime_ms) {
  boottime_ms_ = std::max(boottime_ms_, boottime_ms);
  forget_silent();
}

bool membership::own_is_silent() const {
  return !own_started_ || boottime_ms_ - own_heard_ms_ >= settings_.timeout_ms;
}

/// While this node's own heartbeats do not come back the silence of others
/// says nothing of them.
void membership::forget_silent() {
  if (own_is_silent())
    return;
  std::erase_if(members_, [&](const auto& entry) {
    return boottime_ms_ - entry.second.heard_ms >= settings_.timeout_ms;
  });
}

void membership::on_heartbeat(const node_heartbeat& h, int64_t position) {
  auto started = h.started >= 0 ? h.started : position;
  if (h.node == settings_.node && h.nonce == settings_.nonce) {
    // Others could not be heard either: their silence counts from now.
    if (own_started_ && own_is_silent())
      for (auto& [name, m] : members_)
        m.heard_ms = boottime_ms_;
    if (!own_started_)
      own_started_ = started;
    own_heard_ms_ = boottime_ms_;
  } else if (h.node == settings_.node && own_started_
             && started > *own_started_) {
    replaced_by_ = h.endpoint;
  }
  auto found = members_.find(h.node);
  if (found == members_.end()) {
    if (members_.size() >= members_max)
      return;
    found = members_.try_emplace(h.node).first;
  } else if (found->second.said.nonce != h.nonce
             && started <= found->second.started) {
    // An earlier process of that name still speaks.
    return;
  }
  found->second = {h, started, boottime_ms_, ++last_order_};
}

void membership::on_read_to_end() {
  read_to_end_ = true;
}

node_heartbeat membership::own_heartbeat(bool leaving,
                                         std::vector<shard_id> owned,
                                         std::vector<shard_id> warm) const {
  return {settings_.node,
          settings_.nonce,
          settings_.endpoint,
          own_started_.value_or(-1),
          leaving,
          std::move(owned),
          std::move(warm),
          {}};
}

bool membership::is_known() const {
  return read_to_end_ && !own_is_silent();
}

std::vector<node_heartbeat> membership::members() const {
  std::vector<node_heartbeat> all;
  for (const auto& [name, m] : members_)
    all.push_back(m.said);
  return all;
}

std::vector<std::string> membership::ranking(shard_id shard) const {
  std::vector<std::pair<uint64_t, std::string>> weights;
  for (const auto& [name, m] : members_)
    if (!m.said.leaving)
      weights.emplace_back(member_weight(name, shard), name);
  std::sort(weights.rbegin(), weights.rend());
  std::vector<std::string> names;
  for (auto& [weight, name] : weights)
    names.push_back(std::move(name));
  return names;
}

std::optional<std::string> membership::owner(shard_id shard) const {
  auto names = ranking(shard);
  return names.empty() ? std::nullopt : std::optional{names[0]};
}

std::optional<std::string> membership::follower(shard_id shard) const {
  auto names = ranking(shard);
  return names.size() < 2 ? std::nullopt : std::optional{names[1]};
}

std::optional<node_heartbeat> membership::holder(shard_id shard) const {
  const member* last = nullptr;
  for (const auto& [name, m] : members_) {
    const auto& owned = m.said.owned;
    if (std::find(owned.begin(), owned.end(), shard) != owned.end()
        && (last == nullptr || m.order > last->order))
      last = &m;
  }
  return last == nullptr ? std::nullopt : std::optional{last->said};
}

bool membership::should_own(shard_id shard, bool is_warm) const {
  if (!is_known() || replaced_by_ || owner(shard) != settings_.node)
    return false;
  auto held = holder(shard);
  return is_warm || !held || held->node == settings_.node;
}

bool membership::is_warm(const std::string& node, shard_id shard) const {
  const auto& warm = members_.at(node).said.warm;
  return std::find(warm.begin(), warm.end(), shard) != warm.end();
}

bool membership::should_follow(shard_id shard, bool follows) const {
  if (shard == catalog_shard)
    return true;
  if (!is_known())
    return follows;
  auto names = ranking(shard);
  names.resize(std::min(names.size(), followed_ranks));
  if (std::find(names.begin(), names.end(), settings_.node) != names.end())
    return true;
  return follows
         && (names.size() < followed_ranks
             || !std::all_of(names.begin(), names.end(), [&](const auto& name) {
                  return is_warm(name, shard);
                }));
}

std::optional<int64_t> membership::next_due_boottime_ms() const {
  std::optional<int64_t> due;
  auto by = [&](int64_t at_ms) { due = std::min(due.value_or(at_ms), at_ms); };
  if (own_is_silent())
    return due;
  by(own_heard_ms_ + settings_.timeout_ms);
  for (const auto& [name, m] : members_)
    by(m.heard_ms + settings_.timeout_ms);
  return due;
}

} // namespace berth
