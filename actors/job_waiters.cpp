#include "actors/job_waiters.hpp"

#include "messages/assert.hpp"
#include "messages/simulation.hpp"

#include <algorithm>

namespace berth {

namespace {

constexpr int run_bits = 30;

size_t count(const waiters_row& list) {
  return list.whole.size() + list.by_child.size();
}

const job_waiter& waiter_at(const waiters_row& list, size_t i) {
  return i < list.whole.size() ? list.whole[i]
                               : list.by_child[i - list.whole.size()];
}

void tell(const job_waiter& w, const job_key& on, int32_t first, int32_t last,
          bool succeeded, draft& d) {
  d.send(shard_of(w.waiter),
         dependency_ended{w.waiter, on, first, last, succeeded});
}

void tell_one(const job_waiter& w, const job_key& job,
              const tell_cursor& cursor, draft& d) {
  auto whole = w.on_index == no_index;
  if (cursor.run == 0) {
    if (whole || cursor.children_too)
      tell(w, {job.id, w.on_index}, no_index, no_index, cursor.succeeded, d);
    return;
  }
  auto last = job.index + static_cast<int32_t>(cursor.run);
  if (whole && w.kind == dependency_kind::n_to_n)
    tell(w, {job.id, no_index}, job.index, last, cursor.succeeded, d);
  else if (w.on_index >= job.index && w.on_index < last)
    tell(w, {job.id, w.on_index}, no_index, no_index, cursor.succeeded, d);
}

void tell_or_begin_work(const waiters_row& list, const job_key& job,
                        tell_cursor cursor, draft& d) {
  if (count(list) - cursor.at > tell_at_once_max
      || (count(list) > cursor.at && rarely("tell waiters as work"))) {
    d.emit(job_work_advanced{
        {job_work_kind::tell_waiters, job, {}, pack(cursor)}});
    return;
  }
  for (size_t i = cursor.at; i < count(list); ++i)
    tell_one(waiter_at(list, i), job, cursor, d);
}

/// Tells one waiter what is known of children that ended already, in runs of
/// one outcome.
void tell_ended_children(const job_waiter& w, const job_id& id,
                         const std::vector<uint8_t>& statuses, draft& d) {
  auto size = static_cast<int32_t>(statuses.size());
  for (int32_t first = 0; first < size;) {
    auto status = statuses[static_cast<size_t>(first)];
    auto last = first + 1;
    while (last < size && statuses[static_cast<size_t>(last)] == status)
      ++last;
    if (is_terminal(static_cast<job_status>(status)))
      tell(w, {id, no_index}, first, last,
           static_cast<job_status>(status) == job_status::succeeded, d);
    first = last;
  }
}

/// What a terminal job, or none at all, answers.
void answer_watch(const std::optional<terminal_job_row>& row,
                  const watch_job& m, const job_waiter& w, draft& d) {
  if (!row) {
    tell(w, m.on, no_index, no_index, false, d);
    return;
  }
  auto status = row->status;
  if (m.on.is_child()) {
    auto index = static_cast<size_t>(m.on.index);
    auto known =
        row->array && m.on.index >= 0 && index < row->array->statuses.size();
    status = known ? static_cast<job_status>(row->array->statuses[index])
                   : job_status::failed;
  } else if (m.kind == dependency_kind::n_to_n && row->array) {
    tell_ended_children(w, m.on.id, row->array->statuses, d);
  }
  tell(w, m.on, no_index, no_index, status == job_status::succeeded, d);
}

} // namespace

uint64_t pack(const tell_cursor& cursor) {
  return static_cast<uint64_t>(cursor.at) << (run_bits + 2)
         | static_cast<uint64_t>(cursor.run) << 2
         | static_cast<uint64_t>(cursor.children_too) << 1
         | static_cast<uint64_t>(cursor.succeeded);
}

tell_cursor unpack_tell_cursor(uint64_t packed) {
  constexpr uint64_t run_mask = (uint64_t{1} << run_bits) - 1;
  return {static_cast<uint32_t>(packed >> (run_bits + 2)),
          static_cast<uint32_t>(packed >> 2 & run_mask), (packed & 1) != 0,
          (packed & 2) != 0};
}

void tell_end(const job_state& state, const hot_entry& job, bool succeeded,
              draft& d) {
  auto found = state.waiters.find(job.first);
  if (found == state.waiters.end())
    return;
  const auto* array = job.second.array();
  tell_cursor cursor;
  cursor.succeeded = succeeded;
  cursor.children_too = array == nullptr || !array->made();
  tell_or_begin_work(found->second, {job.first, no_index}, cursor, d);
}

void tell_children_end(const job_state& state, const job_id& id, int32_t first,
                       int32_t last, bool succeeded, draft& d) {
  auto found = state.waiters.find(id);
  if (found == state.waiters.end() || found->second.by_child.empty())
    return;
  tell_cursor cursor;
  cursor.at = static_cast<uint32_t>(found->second.whole.size());
  cursor.run = static_cast<uint32_t>(last - first);
  cursor.succeeded = succeeded;
  tell_or_begin_work(found->second, {id, first}, cursor, d);
}

size_t tell_more(const job_state& state, const job_work& work, size_t steps,
                 draft& d) {
  auto cursor = unpack_tell_cursor(work.cursor);
  auto found = state.waiters.find(work.job.id);
  auto size = found == state.waiters.end() ? 0 : count(found->second);
  size_t done = 0;
  for (; cursor.at < size && done < steps; ++cursor.at, ++done)
    tell_one(waiter_at(found->second, cursor.at), work.job, cursor, d);
  auto advanced = work;
  advanced.cursor = pack(cursor);
  if (cursor.at < size)
    d.emit(job_work_advanced{advanced});
  else
    d.emit(job_work_finished{advanced});
  return std::max<size_t>(done, 1);
}

void decide_watch(const job_state& state, const watch_job& m,
                  const decision_context& context, draft& d) {
  job_waiter w{m.waiter, m.kind, m.on.index};
  const auto* entry = state.find(m.on.id);
  if (entry == nullptr) {
    answer_watch(state.ended_row(m.on.id, context.rows), m, w, d);
    return;
  }
  const auto* array = entry->second.array();
  if (m.on.is_child()) {
    auto known = array != nullptr && m.on.index >= 0
                 && static_cast<uint32_t>(m.on.index) < array->children.size;
    auto status = known ? array->status_of(m.on.index) : job_status::failed;
    if (is_terminal(status)) {
      tell(w, m.on, no_index, no_index, status == job_status::succeeded, d);
      return;
    }
  }
  d.emit(waiter_added{m.on, m.waiter, m.kind});
  if (!m.on.is_child() && m.kind == dependency_kind::n_to_n && array != nullptr)
    tell_ended_children(w, m.on.id, array->children.statuses, d);
}

} // namespace berth
