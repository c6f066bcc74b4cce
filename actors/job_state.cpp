#include "actors/job_state.hpp"

#include "messages/codec.hpp"
#include "messages/limits.hpp"
#include "messages/row_keys.hpp"

#include <algorithm>
#include <cstring>

namespace berth {

compact_name::compact_name(std::string_view text) {
  // Gateways refuse longer ones; folding is total all the same.
  text = text.substr(0, limits::name_length_max);
  bytes_ = std::make_unique<char[]>(text.size() + 1);
  bytes_[0] = static_cast<char>(text.size());
  std::memcpy(bytes_.get() + 1, text.data(), text.size());
}

std::string_view compact_name::view() const {
  if (!bytes_)
    return {};
  return {bytes_.get() + 1, static_cast<uint8_t>(bytes_[0])};
}

job_status array_job::status_of(int32_t index) const {
  return made() ? static_cast<job_status>(
             children.statuses[static_cast<size_t>(index)])
                : job_status::pending;
}

const job_activity* array_job::activity_of(int32_t index) const {
  auto found = active.find(index);
  return found == active.end() ? nullptr : &found->second.activity;
}

size_t queue_jobs::size() const {
  size_t n = 0;
  for (const auto& index : by_status)
    n += index.size();
  return n;
}

namespace {

using index_entry = position_index<hot_entry>::entry;

std::vector<const hot_entry*> without_positions(std::vector<index_entry> found,
                                                size_t limit) {
  std::vector<const hot_entry*> jobs;
  for (const auto& e : found)
    if (jobs.size() < limit)
      jobs.push_back(e.what);
  return jobs;
}

} // namespace

std::vector<const hot_entry*> queue_jobs::ascend(queue_position from,
                                                 size_t limit) const {
  std::vector<index_entry> found;
  for (const auto& index : by_status) {
    size_t taken = 0;
    index.ascend(from, [&](const index_entry& e) {
      if (taken == limit)
        return false;
      ++taken;
      found.push_back(e);
      return true;
    });
  }
  std::sort(found.begin(), found.end(),
            [](auto& a, auto& b) { return a.position < b.position; });
  return without_positions(std::move(found), limit);
}

std::vector<const hot_entry*> queue_jobs::descend(queue_position before,
                                                  size_t limit) const {
  std::vector<index_entry> found;
  for (const auto& index : by_status) {
    size_t taken = 0;
    index.descend(before, [&](const index_entry& e) {
      if (taken == limit)
        return false;
      ++taken;
      found.push_back(e);
      return true;
    });
  }
  std::sort(found.begin(), found.end(),
            [](auto& a, auto& b) { return a.position > b.position; });
  return without_positions(std::move(found), limit);
}

const hot_entry* job_state::find(const job_id& id) const {
  auto found = live.find(id);
  return found == live.end() ? nullptr : &*found;
}

hot_entry* job_state::find(const job_id& id) {
  auto found = live.find(id);
  return found == live.end() ? nullptr : &*found;
}

const job_activity* job_state::activity(const job_key& key) const {
  const auto* entry = find(key.id);
  if (entry == nullptr || !entry->second.details)
    return nullptr;
  if (!key.is_child())
    return &entry->second.details->activity;
  const auto* array = entry->second.array();
  return array ? array->activity_of(key.index) : nullptr;
}

std::optional<job_status> job_state::status(const job_key& key) const {
  const auto* entry = find(key.id);
  if (entry == nullptr)
    return std::nullopt;
  if (!key.is_child())
    return entry->second.status;
  const auto* array = entry->second.array();
  if (array == nullptr || !array->has_child(key.index))
    return std::nullopt;
  return array->status_of(key.index);
}

size_t job_state::live_of(queue_uid queue) const {
  auto found = by_queue.find(queue);
  return found == by_queue.end() ? 0 : found->second.size();
}

bool job_state::has_work_on(const job_id& id) const {
  return std::any_of(works.begin(), works.end(), [&](const job_work& w) {
    return w.kind == job_work_kind::tell_waiters && w.job.id == id;
  });
}

const std::string* find_row(const fetched_rows* rows, const std::string& key) {
  if (rows == nullptr)
    return nullptr;
  auto found = rows->find(key);
  return found == rows->end() || !found->second ? nullptr : &*found->second;
}

std::optional<terminal_job_row>
job_state::ended_row(const job_id& id, const fetched_rows* rows) const {
  std::optional<terminal_job_row> row;
  if (auto found = ended.find(id); found != ended.end())
    row = found->second.row;
  else if (const auto* bytes =
               find_row(rows, job_row_key(job_row_kind::terminal, id)))
    row = decode<terminal_job_row>(*bytes);
  if (row && is_expired(row->stopped_ms))
    return std::nullopt;
  return row;
}

std::optional<terminal_child_row>
job_state::ended_child_row(const job_key& key, const fetched_rows* rows) const {
  if (auto found = ended_children.find(key); found != ended_children.end())
    return found->second;
  if (const auto* bytes =
          find_row(rows, child_row_key(job_row_kind::terminal, key)))
    return decode<terminal_child_row>(*bytes);
  return std::nullopt;
}

bool job_state::is_ended(const job_id& id, const fetched_rows* rows) const {
  auto key = job_row_key(job_row_kind::terminal, id);
  return ended.contains(id)
         || (!deletions.contains(key) && find_row(rows, key) != nullptr);
}

bool is_waiting(job_status s) {
  return s == job_status::submitted || s == job_status::pending
         || s == job_status::runnable;
}

bool is_active(job_status s) {
  return s == job_status::starting || s == job_status::running;
}

} // namespace berth
