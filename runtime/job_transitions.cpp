#include "runtime/job_transitions.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace berth {

namespace {

class collector {
public:
  collector(shard_id shard, log_offset offset, const decision_record& decision)
      : shard_(shard), offset_(offset), decision_(decision) {}

  void operator()(const jobs_became_runnable& e) {
    add(e.jobs, job_status::runnable);
  }
  void operator()(const job_submitted& e) {
    add(job_key{e.id, no_index},
        e.spec->array_size > 0 || !e.spec->depends_on.empty()
            ? job_status::pending
            : job_status::submitted);
  }
  void operator()(const attempt_placed& e) {
    add(e.attempt.job, job_status::starting);
  }
  void operator()(const attempt_started& e) {
    add(e.attempt.job, job_status::running);
  }
  void operator()(const attempt_finished& e) {
    add(e.attempt.job, e.next == after_attempt::succeed ? job_status::succeeded
                       : e.next == after_attempt::fail  ? job_status::failed
                                                        : job_status::runnable);
  }
  void operator()(const jobs_failed& e) { add(e.jobs, job_status::failed); }
  void operator()(const array_finished& e) {
    add(job_key{e.id, no_index},
        e.succeeded ? job_status::succeeded : job_status::failed);
  }
  template <class Other>
  void operator()(const Other&) {}

  std::vector<job_transition> found;

private:
  void add(const job_key& job, job_status status) {
    found.push_back(
        {0, shard_, offset_, found.size() + 1, job, status, decision_.at_ms});
  }
  void add(const job_range& jobs, job_status status) {
    if (jobs.first == no_index)
      return add(job_key{jobs.id, no_index}, status);
    for (auto i = jobs.first; i < jobs.last; ++i)
      add(job_key{jobs.id, i}, status);
  }

  shard_id shard_;
  log_offset offset_;
  const decision_record& decision_;
};

} // namespace

std::vector<job_transition> transitions_of(shard_id shard, log_offset offset,
                                           const decision_record& decision) {
  collector collect{shard, offset, decision};
  for (const auto& e : decision.events)
    std::visit(collect, e);
  return std::move(collect.found);
}

void job_transitions::add(std::vector<job_transition> transitions) {
  if (transitions.empty())
    return;
  {
    std::lock_guard lock{mutex_};
    for (auto& t : transitions) {
      t.sequence = ++last_sequence_;
      auto& cursor = cursor_of(t.shard);
      cursor = std::max(cursor, change_cursor{t.offset, t.number});
      kept_.push_back(t);
    }
    while (kept_.size() > job_transitions_kept)
      kept_.pop_front();
  }
  std::lock_guard lock{listeners_mutex_};
  for (const auto& [id, on_more] : listeners_)
    on_more();
}

std::vector<job_transition>
job_transitions::after(uint64_t sequence, size_t limit, bool& missed) const {
  std::lock_guard lock{mutex_};
  auto first = kept_.empty() ? last_sequence_ + 1 : kept_.front().sequence;
  missed = sequence + 1 < first;
  auto skip = missed ? 0 : std::min(sequence + 1 - first, kept_.size());
  auto count = std::min(limit, kept_.size() - skip);
  auto begin = kept_.begin() + static_cast<ptrdiff_t>(skip);
  return {begin, begin + static_cast<ptrdiff_t>(count)};
}

change_cursor& job_transitions::cursor_of(shard_id shard) {
  if (cursors_.size() <= shard.value)
    cursors_.resize(shard.value + 1);
  return cursors_[shard.value];
}

void job_transitions::start_at(shard_id shard, log_offset claim) {
  std::lock_guard lock{mutex_};
  auto& cursor = cursor_of(shard);
  cursor = std::max(cursor, change_cursor{claim, 0});
}

job_transitions::heads job_transitions::now() const {
  std::lock_guard lock{mutex_};
  return {last_sequence_, cursors_};
}

uint64_t job_transitions::last_sequence() const {
  std::lock_guard lock{mutex_};
  return last_sequence_;
}

uint64_t job_transitions::listen(listener on_more) {
  std::lock_guard lock{listeners_mutex_};
  listeners_.emplace(++last_listener_, std::move(on_more));
  return last_listener_;
}

void job_transitions::unlisten(uint64_t id) {
  std::lock_guard lock{listeners_mutex_};
  listeners_.erase(id);
}

} // namespace berth
