#include "actors/job_classes.hpp"

#include "messages/assert.hpp"

#include <functional>
#include <string>
#include <utility>

namespace berth {

namespace {

size_t hash_of(const job_class& c) {
  constexpr size_t odd = 0x9e3779b97f4a7c15ULL;
  size_t hash = std::hash<std::string>{}(c.definition_name);
  for (auto part : {static_cast<size_t>(c.definition_revision),
                    static_cast<size_t>(c.queue.value),
                    static_cast<size_t>(c.what.each.vcpu_milli),
                    static_cast<size_t>(c.what.each.memory_mib),
                    static_cast<size_t>(c.retry.attempts)})
    hash = (hash ^ part) * odd;
  return hash;
}

} // namespace

uint32_t job_classes::take(job_class c) {
  auto hash = hash_of(c);
  auto [first, last] = by_hash_.equal_range(hash);
  for (; first != last; ++first)
    if (slots_[first->second].what == c) {
      ++slots_[first->second].jobs;
      return first->second;
    }
  uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  slots_[index] = {std::move(c), 1};
  by_hash_.emplace(hash, index);
  return index;
}

void job_classes::give_back(uint32_t index) {
  auto& s = slots_[index];
  BERTH_ASSERT(s.jobs > 0, "a class lives as long as its jobs");
  if (--s.jobs > 0)
    return;
  auto [first, last] = by_hash_.equal_range(hash_of(s.what));
  for (; first != last; ++first)
    if (first->second == index) {
      by_hash_.erase(first);
      break;
    }
  s = {};
  free_.push_back(index);
}

} // namespace berth
