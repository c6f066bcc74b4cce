#include "actors/placement.hpp"

#include "messages/simulation.hpp"

#include <algorithm>
#include <tuple>

namespace berth {

namespace {

resources times(const resources& each, int64_t count) {
  auto product = each;
  product.vcpu_milli *= count;
  product.memory_mib *= count;
  for (auto& entry : product.named)
    entry.second *= count;
  return product;
}

/// The largest part of any need that is not free, in millionths.
int64_t lacking(const resources& need, const resources& free) {
  constexpr int64_t whole = 1'000'000;
  int64_t worst = 0;
  auto look = [&](int64_t needed, int64_t available) {
    if (needed > available)
      worst = std::max(
          worst, static_cast<int64_t>(static_cast<double>(needed - available)
                                      / static_cast<double>(needed)
                                      * static_cast<double>(whole)));
  };
  look(need.vcpu_milli, free.vcpu_milli);
  look(need.memory_mib, free.memory_mib);
  for (const auto& [name, amount] : need.named) {
    auto found = free.named.find(name);
    look(amount, found == free.named.end() ? 0 : found->second);
  }
  return worst;
}

} // namespace

void placement::add_agent(const std::string& name, session_id session,
                          const resources& capacity, const resources& free) {
  agents_.push_back({&name, session, &capacity, free, std::nullopt});
}

void placement::reserve(const head_key& head,
                        const std::vector<std::string>& agents) {
  if (!has_reservation(head))
    reserved_.push_back(head);
  for (auto& one : agents_)
    if (std::find(agents.begin(), agents.end(), *one.name) != agents.end())
      one.kept_for = head;
}

bool placement::unreserve(const head_key& head) {
  if (std::erase(reserved_, head) == 0)
    return false;
  for (auto& one : agents_)
    if (one.kept_for == head)
      one.kept_for.reset();
  without_room_.clear();
  return true;
}

bool placement::has_reservation(const head_key& head) const {
  return std::find(reserved_.begin(), reserved_.end(), head) != reserved_.end();
}

int64_t placement::times_within_maximum(const head_key& jobs,
                                        int64_t limit) const {
  if (!vcpu_milli_left_ || jobs.what.each.vcpu_milli <= 0)
    return limit;
  auto left = *vcpu_milli_left_;
  // Up to itself: heads that wait for each other's share would wait for ever.
  for (const auto& head : reserved_) {
    if (head == jobs)
      break;
    left -= head.what.each.vcpu_milli;
  }
  return std::clamp<int64_t>(left / jobs.what.each.vcpu_milli, 0, limit);
}

std::vector<placed_stretch> placement::place(const head_key& jobs,
                                             uint32_t count) {
  std::vector<placed_stretch> placed;
  const auto& each = jobs.what.each;
  auto left = times_within_maximum(jobs, count);
  if (left == 0 || jobs.what.node_count != 1)
    return placed;
  auto is_head = has_reservation(jobs);
  if (!is_head && without_room_.count(jobs.what) != 0)
    return placed;
  auto before = [](const agent* a, const agent* b) {
    return std::tie(a->free.vcpu_milli, a->free.memory_mib, *a->name)
           > std::tie(b->free.vcpu_milli, b->free.memory_mib, *b->name);
  };
  std::vector<agent*> heap;
  for (auto& one : agents_)
    if (one.open_to(jobs) && fits(each, one.free))
      heap.push_back(&one);
  std::make_heap(heap.begin(), heap.end(), before);
  while (left > 0 && !heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), before);
    auto& one = *heap.back();
    heap.pop_back();
    auto taken = times_fitting(each, one.free, left);
    if (broken(breakage::capacity_counted_once_too_few) && taken < left)
      ++taken;
    auto need = times(each, taken);
    one.free -= need;
    if (vcpu_milli_left_)
      *vcpu_milli_left_ -= need.vcpu_milli;
    left -= taken;
    placed.push_back({*one.name, one.session, static_cast<uint32_t>(taken)});
  }
  if (left > 0 && !is_head)
    without_room_.insert(jobs.what);
  return placed;
}

placement_refusal placement::refusal(const head_key& jobs) const {
  if (times_within_maximum(jobs, 1) == 0)
    return placement_refusal::over_maximum;
  auto refusal = placement_refusal::no_room;
  for (const auto& one : agents_)
    if (jobs.what.node_count == 1 && fits(jobs.what.each, one.free)) {
      if (one.open_to(jobs))
        return placement_refusal::none;
      refusal = placement_refusal::reserved_for_others;
    }
  return refusal;
}

bool placement::could_hold(const shape& what) const {
  return what.node_count == 1
         && std::any_of(agents_.begin(), agents_.end(), [&](const agent& one) {
              return fits(what.each, *one.capacity);
            });
}

std::optional<std::string>
placement::choose_reservation(const shape& what) const {
  const agent* best = nullptr;
  int64_t least = 0;
  for (const auto& one : agents_) {
    if (one.kept_for || !fits(what.each, *one.capacity))
      continue;
    auto lack = lacking(what.each, one.free);
    if (!best || lack < least || (lack == least && *one.name < *best->name)) {
      best = &one;
      least = lack;
    }
  }
  if (!best)
    return std::nullopt;
  return *best->name;
}

} // namespace berth
