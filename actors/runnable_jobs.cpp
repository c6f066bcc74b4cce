#include "actors/runnable_jobs.hpp"

#include "messages/assert.hpp"

#include <algorithm>

namespace berth {

job_range runnable_range::jobs() const {
  if (first == no_index)
    return {id, no_index, no_index};
  return {id, first, last};
}

runnable_range make_runnable_range(const job_range& jobs,
                                   queue_position position,
                                   int64_t submitted_ms) {
  runnable_range made{position, jobs.first, jobs.last, jobs.id, submitted_ms};
  if (jobs.first == no_index)
    made.last = 0;
  else if (jobs.first < 0 || jobs.last < jobs.first)
    made.last = made.first;
  return made;
}

namespace {

using ranges = std::set<runnable_range>;

/// The first range of the position that ends at or behind `first`.
ranges::const_iterator first_touching(const ranges& all,
                                      queue_position position, int32_t first) {
  auto at = all.upper_bound({position, first, 0, {}, 0});
  if (at != all.begin()) {
    auto before = std::prev(at);
    if (before->position == position && before->last >= first)
      return before;
  }
  return at;
}

} // namespace

void runnable_jobs::rehead(shape_map::iterator at,
                           std::optional<place> before) {
  std::optional<place> now;
  if (!at->second.ranges.empty()) {
    const auto& front = *at->second.ranges.begin();
    now = place{front.position, front.first};
  }
  if (before != now) {
    if (before)
      heads_.erase(*before);
    if (now)
      heads_[*now] = &*at;
  }
  if (!now)
    shapes_.erase(at);
}

namespace {

std::optional<runnable_jobs::place>
front_of(const runnable_jobs::of_shape& jobs) {
  if (jobs.ranges.empty())
    return std::nullopt;
  const auto& front = *jobs.ranges.begin();
  return runnable_jobs::place{front.position, front.first};
}

} // namespace

void runnable_jobs::add(const shape& what, const runnable_range& range) {
  if (range.size() == 0)
    return;
  auto at = shapes_.try_emplace(what).first;
  auto& jobs = at->second;
  auto before = front_of(jobs);
  auto whole = range;
  size_t had = 0;
  auto touching = first_touching(jobs.ranges, range.position, range.first);
  while (touching != jobs.ranges.end() && touching->position == range.position
         && touching->first <= whole.last) {
    whole.first = std::min(whole.first, touching->first);
    whole.last = std::max(whole.last, touching->last);
    had += touching->size();
    touching = jobs.ranges.erase(touching);
  }
  jobs.ranges.insert(touching, whole);
  jobs.count += whole.size() - had;
  count_ += whole.size() - had;
  rehead(at, before);
}

void runnable_jobs::erase(of_shape& jobs, queue_position position,
                          int32_t first, int32_t last) {
  auto at = first_touching(jobs.ranges, position, first);
  while (at != jobs.ranges.end() && at->position == position
         && at->first < last) {
    auto from = std::max(first, at->first);
    auto to = std::min(last, at->last);
    if (from >= to) {
      ++at;
      continue;
    }
    jobs.count -= static_cast<size_t>(to - from);
    count_ -= static_cast<size_t>(to - from);
    auto behind = *at;
    behind.first = to;
    auto next = std::next(at);
    if (from > at->first) {
      at->last = from;
      if (behind.size() > 0)
        jobs.ranges.insert(next, behind);
    } else if (behind.size() > 0) {
      auto node = jobs.ranges.extract(at);
      node.value().first = to;
      jobs.ranges.insert(next, std::move(node));
    } else {
      jobs.ranges.erase(at);
    }
    at = next;
  }
}

void runnable_jobs::remove(const shape& what, queue_position position,
                           int32_t first, int32_t last) {
  auto at = shapes_.find(what);
  if (at == shapes_.end())
    return;
  auto before = front_of(at->second);
  erase(at->second, position, first, last);
  rehead(at, before);
}

void runnable_jobs::remove(const shape& what,
                           const std::vector<lease_match>& matches) {
  auto at = shapes_.find(what);
  if (at == shapes_.end())
    return;
  auto before = front_of(at->second);
  for (const auto& match : matches)
    erase(at->second, match.position, match.job.index, match.job.index + 1);
  rehead(at, before);
}

bool runnable_jobs::contains_all(const shape& what,
                                 const runnable_range& range) const {
  auto at = shapes_.find(what);
  if (at == shapes_.end())
    return range.size() == 0;
  const auto& all = at->second.ranges;
  auto found = first_touching(all, range.position, range.first);
  return found != all.end() && found->position == range.position
         && found->first <= range.first && found->last >= range.last;
}

bool runnable_jobs::contains_any(const shape& what,
                                 const runnable_range& range) const {
  auto at = shapes_.find(what);
  if (at == shapes_.end() || range.size() == 0)
    return false;
  const auto& all = at->second.ranges;
  auto found = first_touching(all, range.position, range.first);
  if (found != all.end() && found->position == range.position
      && found->last == range.first)
    ++found;
  return found != all.end() && found->position == range.position
         && found->first < range.last;
}

std::vector<std::pair<job_key, queue_position>>
runnable_jobs::first_of(const shape& what, size_t limit) const {
  std::vector<std::pair<job_key, queue_position>> found;
  auto at = shapes_.find(what);
  if (at == shapes_.end())
    return found;
  found.reserve(std::min(limit, at->second.count));
  for (const auto& range : at->second.ranges)
    for (auto index = range.first; index < range.last; ++index) {
      if (found.size() == limit)
        return found;
      found.push_back({job_key{range.id, index}, range.position});
    }
  return found;
}

void runnable_jobs::check_invariants() const {
  size_t total = 0;
  for (const auto& entry : shapes_) {
    const auto& jobs = entry.second;
    BERTH_ASSERT(!jobs.ranges.empty(), "shapes without jobs are removed");
    size_t count = 0;
    const runnable_range* previous = nullptr;
    for (const auto& range : jobs.ranges) {
      BERTH_ASSERT(range.first < range.last, "no range is empty");
      BERTH_ASSERT(!previous || previous->position < range.position
                       || (previous->position == range.position
                           && previous->last < range.first),
                   "ranges neither overlap nor touch");
      count += range.size();
      previous = &range;
    }
    BERTH_ASSERT(count == jobs.count, "each shape counts its jobs");
    auto head = heads_.find(*front_of(jobs));
    BERTH_ASSERT(head != heads_.end() && head->second == &entry,
                 "each shape's first place is among the heads");
    total += count;
  }
  BERTH_ASSERT(total == count_, "the total counts all shapes");
  BERTH_ASSERT(heads_.size() == shapes_.size(), "no head without a shape");
}

runnable_walk::runnable_walk(const runnable_jobs& jobs)
    : jobs_(jobs), unopened_(jobs.heads().begin()) {}

runnable_walk::runnable_walk(
    const runnable_jobs& jobs,
    const std::vector<const runnable_jobs::shape_map::value_type*>& only)
    : jobs_(jobs), unopened_(jobs.heads().end()) {
  for (const auto* entry : only)
    open(entry);
}

runnable_walk::runnable_walk(const runnable_jobs& jobs,
                             runnable_jobs::place behind)
    : jobs_(jobs), unopened_(jobs.heads().end()), cut_(behind) {
  for (const auto& entry : jobs.shapes()) {
    const auto& all = entry.second.ranges;
    auto at = first_touching(all, behind.first, behind.second);
    if (at != all.end() && at->position == behind.first
        && at->last <= behind.second + 1)
      ++at;
    if (at != all.end()) {
      cursors_.push_back({at, &entry});
      std::push_heap(cursors_.begin(), cursors_.end(), later{});
    }
  }
}

void runnable_walk::open(const runnable_jobs::shape_map::value_type* entry) {
  cursors_.push_back({entry->second.ranges.begin(), entry});
  std::push_heap(cursors_.begin(), cursors_.end(), later{});
}

bool runnable_walk::next() {
  if (current_) {
    auto at = *current_;
    current_.reset();
    if (++at.at != at.shape->second.ranges.end()) {
      cursors_.push_back(at);
      std::push_heap(cursors_.begin(), cursors_.end(), later{});
    }
  }
  while (unopened_ != jobs_.heads().end()
         && (cursors_.empty() || unopened_->first < cursors_.front().place())) {
    open(unopened_->second);
    ++unopened_;
  }
  if (cursors_.empty())
    return false;
  std::pop_heap(cursors_.begin(), cursors_.end(), later{});
  current_ = cursors_.back();
  cursors_.pop_back();
  range_ = *current_->at;
  current_->seen += range_.size();
  if (cut_ && range_.position == cut_->first && range_.first <= cut_->second)
    range_.first = cut_->second + 1;
  return true;
}

std::optional<size_t> runnable_walk::rest_of_only_shape() const {
  if (!cursors_.empty() || unopened_ != jobs_.heads().end())
    return std::nullopt;
  return current_->shape->second.count - current_->seen;
}

void runnable_walk::leave_shape() {
  current_.reset();
}

} // namespace berth
