#include "runtime/change_history.hpp"

#include <algorithm>
#include <future>
#include <memory>
#include <mutex>
#include <utility>

namespace berth {

namespace {

using first_records = std::variant<std::vector<log_record>, storage_error>;

/// The records that the log gives first; waits for them.
first_records read_some(log& from, shard_id shard, log_offset at) {
  struct waiting {
    std::once_flag once;
    std::promise<first_records> came;
  };
  auto shared = std::make_shared<waiting>();
  auto coming = shared->came.get_future();
  auto reading = from.read(
      shard, at,
      [shared](std::vector<log_record> records) {
        std::call_once(shared->once,
                       [&] { shared->came.set_value(std::move(records)); });
      },
      [shared](storage_error error) {
        std::call_once(shared->once,
                       [&] { shared->came.set_value(std::move(error)); });
      });
  return coming.get();
}

} // namespace

change_history::change_history(log& from, shard_id shard, change_cursor cursor,
                               log_offset goal)
    : log_(from), shard_(shard), cursor_(cursor), goal_(goal),
      next_(cursor.offset), decisions_(shard, cursor.offset) {}

std::optional<change_history::problem> change_history::read_more() {
  if (next_ < log_.begin_offset(shard_))
    return problem{"changes that the follower has not seen are not kept any "
                   "more; describe the jobs and follow from now on"};
  auto came = read_some(log_, shard_, next_);
  if (const auto* error = std::get_if<storage_error>(&came))
    return problem{"the log cannot be read: " + error->message};
  for (auto& record : std::get<std::vector<log_record>>(came))
    if (record.offset <= goal_)
      records_.push_back(std::move(record));
  if (records_.empty())
    next_ = goal_ + 1;
  else
    next_ = records_.back().offset + 1;
  return std::nullopt;
}

std::optional<change_history::problem>
change_history::take(const log_record& record,
                     std::vector<job_transition>& found) {
  auto taken = decisions_.take(record);
  if (auto* stopped = std::get_if<problem>(&taken))
    return std::move(*stopped);
  const auto& decision = std::get<std::optional<decision_record>>(taken);
  if (!decision)
    return std::nullopt;
  found = transitions_of(shard_, record.offset, *decision);
  if (record.offset == cursor_.offset)
    found.erase(found.begin(), found.begin()
                                   + static_cast<ptrdiff_t>(
                                       std::min(cursor_.given, found.size())));
  return std::nullopt;
}

std::variant<std::vector<job_transition>, change_history::problem>
change_history::next() {
  std::vector<job_transition> found;
  while (found.empty()) {
    if (records_.empty()) {
      if (next_ > goal_)
        break;
      if (auto stopped = read_more())
        return *stopped;
      continue;
    }
    auto stopped = take(records_.front(), found);
    records_.pop_front();
    if (stopped)
      return *stopped;
  }
  return found;
}

} // namespace berth
