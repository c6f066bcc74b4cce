#include "actors/job_storage.hpp"

#include "messages/codec.hpp"
#include "messages/limits.hpp"
#include "messages/row_keys.hpp"
#include "messages/simulation.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace berth {

namespace {

listing_row listing_of(const job_id& id, const ended_job& ended) {
  const auto& row = ended.row;
  listing_row listing;
  listing.id = id;
  listing.owner = row.common.owner;
  listing.queue_name = row.common.queue_name;
  listing.name = ended.name;
  listing.definition_name = row.common.definition_name;
  listing.definition_revision = row.common.definition_revision;
  listing.position = row.position;
  listing.created_ms = row.created_ms;
  listing.started_ms = row.started_ms;
  listing.stopped_ms = row.stopped_ms;
  listing.status = row.status;
  listing.status_reason = row.status_reason;
  if (!row.activity.attempts.empty()) {
    const auto& last = row.activity.attempts.back();
    listing.exit_code = last.exit_code;
    listing.reason = last.reason;
    listing.placed_ms = last.placed_ms;
  }
  if (row.array) {
    listing.array_size = row.array->size;
    listing.children.assign(job_status_count, 0);
    for (auto status : row.array->statuses)
      ++listing.children[status];
    listing.children_changed_ms = row.array->changed_ms;
  }
  return listing;
}

/// One row names all jobs that ended since the last checkpoint: what expires
/// together is found together, for a few bytes a job.
void put_expiry(const job_state& state, row_changes& rows) {
  if (state.ended.empty())
    return;
  expiry_row expiry;
  int64_t newest = 0;
  for (const auto& [id, ended] : state.ended) {
    const auto& row = ended.row;
    newest = std::max(newest, row.stopped_ms);
    expiry.jobs.push_back({id, row.common.queue, row.status, row.position,
                           row.array ? row.array->size : 0});
  }
  std::sort(expiry.jobs.begin(), expiry.jobs.end(),
            [](auto& a, auto& b) { return a.id < b.id; });
  rows[expiry_row_key(newest, expiry.jobs.front().id)] = encode(expiry);
}

/// Rows of one kind on their way into a checkpoint. Sorted first, they go into
/// the map side by side, which spares searching it for each.
class rows_of_kind {
public:
  rows_of_kind(job_row_kind kind, row_changes& rows)
      : kind_(kind), rows_(rows) {}
  rows_of_kind(const rows_of_kind&) = delete;
  rows_of_kind& operator=(const rows_of_kind&) = delete;
  ~rows_of_kind() {
    std::sort(made_.begin(), made_.end(),
              [](auto& a, auto& b) { return a.first < b.first; });
    auto behind = rows_.lower_bound(job_row_prefix_end(kind_));
    for (auto& [key, bytes] : made_)
      rows_.insert_or_assign(behind, std::move(key), std::move(bytes));
  }
  void reserve(size_t count) { made_.reserve(count); }
  template <class Row>
  void put(std::string key, const Row& row) {
    made_.emplace_back(std::move(key), encode(row));
  }

private:
  job_row_kind kind_;
  row_changes& rows_;
  std::vector<std::pair<std::string, std::string>> made_;
};

job_bodies cut_bodies(job_state& state, row_changes& rows) {
  auto bodies = std::exchange(state.bodies, {});
  rows_of_kind made{job_row_kind::body, rows};
  made.reserve(bodies.size());
  for (const auto& [id, spec] : bodies)
    made.put(job_row_key(job_row_kind::body, id), *spec);
  return bodies;
}

void cut_ended(job_state& state, row_changes& rows) {
  put_expiry(state, rows);
  auto all = std::exchange(state.ended, {});
  auto children = std::exchange(state.ended_children, {});
  rows_of_kind terminal{job_row_kind::terminal, rows};
  rows_of_kind listed{job_row_kind::listing, rows};
  terminal.reserve(all.size() + children.size());
  listed.reserve(all.size());
  for (const auto& [id, ended] : all) {
    const auto& row = ended.row;
    terminal.put(job_row_key(job_row_kind::terminal, id), row);
    listed.put(listing_row_key(row.common.queue, row.status, row.position),
               listing_of(id, ended));
  }
  for (const auto& [key, row] : children)
    terminal.put(child_row_key(job_row_kind::terminal, key), row);
}

void cut_live(job_state& state, row_changes& rows) {
  rows_of_kind live{job_row_kind::live, rows};
  rows_of_kind children{job_row_kind::active_child, rows};
  for (const auto& id : std::exchange(state.dirty, {}))
    if (auto* job = state.find(id); job && job->second.dirty) {
      job->second.dirty = false;
      job->second.stored = true;
      live.put(job_row_key(job_row_kind::live, id), row_of(state, job->second));
    }
  for (const auto& key : std::exchange(state.dirty_children, {})) {
    auto* job = state.find(key.id);
    if (job == nullptr || job->second.array() == nullptr)
      continue;
    auto& active = job->second.details->array->active;
    auto child = active.find(key.index);
    if (child == active.end() || !child->second.dirty)
      continue;
    child->second.dirty = false;
    child->second.stored = true;
    children.put(child_row_key(job_row_kind::active_child, key),
                 active_child_row{child->second.activity});
  }
}

/// A row that could not have been written is not taken.
bool is_sound(const live_job_row& row) {
  auto live =
      !row.activity.attempts.empty() && !row.activity.attempts.back().end;
  if (is_terminal(row.status) || row.status > job_status::failed
      || is_active(row.status) != live
      || row.name.size() > limits::name_length_max)
    return false;
  if (!row.array)
    return true;
  const auto& statuses = row.array->statuses;
  return row.array->size <= limits::array_size_max
         && (statuses.empty() || statuses.size() == row.array->size)
         && std::all_of(statuses.begin(), statuses.end(),
                        [](uint8_t s) { return s < job_status_count; });
}

void restore_live(job_state& state, const job_id& id, live_job_row row,
                  const job_table::restored& to) {
  if (!is_sound(row))
    return;
  auto [at, is_new] = state.live.try_emplace(id);
  if (!is_new)
    return;
  auto& hot = at->second;
  hot.position = row.position;
  hot.created_ms = row.created_ms;
  hot.name = compact_name{row.name};
  hot.status = row.status;
  hot.stored = true;
  auto queue = row.common.queue;
  auto what = row.common.what;
  if (!row.dependencies.empty() || row.array || row.activity.end
      || !row.activity.attempts.empty()) {
    hot.details = std::make_unique<job_details>();
    hot.details->dependencies = std::move(row.dependencies);
    hot.details->activity = std::move(row.activity);
  }
  if (row.array) {
    auto array = std::make_unique<array_job>();
    array->children = std::move(*row.array);
    for (auto status : array->children.statuses)
      ++array->counts[status];
    hot.details->array = std::move(array);
  }
  hot.common = state.classes.take(std::move(row.common));
  state.by_queue[queue].by_status[static_cast<size_t>(hot.status)].insert(
      hot.position, &*at);
  if (hot.status == job_status::runnable && to.entry)
    to.entry(queue, hot.position, {id, no_index, no_index}, what,
             hot.created_ms);
  if ((hot.status == job_status::starting || hot.status == job_status::running)
      && to.lease)
    to.lease(queue, hot.details->activity.attempts.back().environment,
             hot.details->activity.lease, {id, no_index}, what);
  const auto* array = hot.array();
  if (array == nullptr || !to.entry)
    return;
  auto size = static_cast<int32_t>(array->children.statuses.size());
  for (int32_t first = 0; first < size; ++first) {
    auto last = first;
    while (last < size && array->status_of(last) == job_status::runnable)
      ++last;
    if (last > first) {
      to.entry(queue, hot.position, {id, first, last}, what, hot.created_ms);
      first = last;
    }
  }
}

void restore_child(job_state& state, const job_key& key, active_child_row row,
                   const job_table::restored& to) {
  auto* job = state.find(key.id);
  if (job == nullptr || job->second.array() == nullptr
      || !job->second.array()->has_child(key.index))
    return;
  auto& array = *job->second.details->array;
  auto active = is_active(array.status_of(key.index));
  if (active
      && (row.activity.attempts.empty() || row.activity.attempts.back().end))
    return;
  auto& child = array.active[key.index];
  child.activity = std::move(row.activity);
  child.stored = true;
  if (active && to.lease) {
    const auto& common = state.common(job->second);
    to.lease(common.queue, child.activity.attempts.back().environment,
             child.activity.lease, key, common.what);
  }
}

void restore_table(job_state& state, job_table_row row) {
  state.expired_before_ms = row.expired_before_ms;
  state.oldest_stop_ms = row.oldest_stop_ms;
  state.newest_stop_ms = row.newest_stop_ms;
  if (!broken(breakage::work_lost_on_load))
    state.works = std::move(row.works);
}

} // namespace

live_job_row row_of(const job_state& state, const hot_job& job) {
  live_job_row row;
  row.common = state.common(job);
  row.name = job.name.view();
  row.position = job.position;
  row.created_ms = job.created_ms;
  row.status = job.status;
  if (job.details) {
    row.dependencies = job.details->dependencies;
    row.activity = job.details->activity;
    if (job.details->array)
      row.array = job.details->array->children;
  }
  return row;
}

job_table_row table_row_of(const job_state& state) {
  return {state.expired_before_ms, state.oldest_stop_ms, state.newest_stop_ms,
          state.works};
}

job_bodies cut_checkpoint(job_state& state, row_changes& rows) {
  for (const auto& key : std::exchange(state.deletions, {}))
    rows[key] = std::nullopt;
  auto bodies = cut_bodies(state, rows);
  for (const auto& [id, tags] : std::exchange(state.tags, {}))
    rows[job_row_key(job_row_kind::tags, id)] = encode(job_tags_row{tags});
  cut_ended(state, rows);
  cut_live(state, rows);
  for (const auto& id : std::exchange(state.dirty_waiters, {})) {
    auto list = state.waiters.find(id);
    rows[job_row_key(job_row_kind::waiters, id)] =
        list == state.waiters.end() ? std::nullopt
                                    : std::optional{encode(list->second)};
  }
  if (std::exchange(state.dirty_table, false))
    rows[job_table_row_key()] = encode(table_row_of(state));
  return bodies;
}

bool load_row(job_state& state, std::string_view key, std::string_view bytes,
              const job_table::restored& to) {
  auto parsed = parse_live_row_key(key);
  if (!parsed)
    return false;
  switch (parsed->kind) {
  case job_row_kind::live:
    if (auto row = decode<live_job_row>(bytes))
      restore_live(state, parsed->job.id, std::move(*row), to);
    break;
  case job_row_kind::active_child:
    if (auto row = decode<active_child_row>(bytes))
      restore_child(state, parsed->job, std::move(*row), to);
    break;
  case job_row_kind::waiters:
    if (auto row = decode<waiters_row>(bytes))
      state.waiters[parsed->job.id] = std::move(*row);
    break;
  case job_row_kind::table:
    if (auto row = decode<job_table_row>(bytes))
      restore_table(state, std::move(*row));
    break;
  default:
    return false;
  }
  return true;
}

std::optional<std::optional<std::string>> pending_row(const job_state& state,
                                                      const std::string& key) {
  constexpr size_t id_at = 2;
  constexpr size_t id_size = 16;
  constexpr size_t child_key_size = id_at + id_size + sizeof(uint32_t);
  if (key.size() < id_at + id_size)
    return std::nullopt;
  job_key job;
  std::copy_n(key.begin() + id_at, id_size, job.id.bytes.begin());
  if (key == job_row_key(job_row_kind::body, job.id)) {
    if (auto found = state.bodies.find(job.id); found != state.bodies.end())
      return encode(*found->second);
  } else if (key == job_row_key(job_row_kind::terminal, job.id)) {
    if (auto found = state.ended.find(job.id); found != state.ended.end())
      return encode(found->second.row);
  } else if (key == job_row_key(job_row_kind::tags, job.id)) {
    if (auto found = state.tags.find(job.id); found != state.tags.end())
      return encode(job_tags_row{found->second});
  } else if (key.size() == child_key_size) {
    uint32_t index = 0;
    for (auto i = id_at + id_size; i < key.size(); ++i)
      index = index << 8 | static_cast<uint8_t>(key[i]);
    job.index = static_cast<int32_t>(index);
    auto found = state.ended_children.find(job);
    if (key == child_row_key(job_row_kind::terminal, job)
        && found != state.ended_children.end())
      return encode(found->second);
  }
  if (state.deletions.contains(key))
    return std::optional<std::string>{};
  return std::nullopt;
}

void forget_expired(job_state& state, const std::string& key,
                    std::string_view bytes) {
  auto expiry = decode<expiry_row>(bytes);
  state.deletions.insert(key);
  if (!expiry)
    return;
  for (const auto& job : expiry->jobs) {
    state.deletions.insert(
        listing_row_key(job.queue, job.status, job.position));
    // A job of the same id may have been submitted since.
    if (state.find(job.id) != nullptr || state.ended.contains(job.id))
      continue;
    for (auto kind :
         {job_row_kind::body, job_row_kind::terminal, job_row_kind::tags})
      state.deletions.insert(job_row_key(kind, job.id));
    for (uint32_t i = 0; i < job.array_size; ++i)
      state.deletions.insert(child_row_key(job_row_kind::terminal,
                                           {job.id, static_cast<int32_t>(i)}));
  }
}

void add_to_hash(const job_state& state, state_hash& hash) {
  auto key_text = [](const job_id& id) {
    return std::string(id.bytes.begin(), id.bytes.end());
  };
  for (const auto& [id, job] : state.live) {
    hash.add("job", key_text(id) + encode(row_of(state, job)));
    if (const auto* array = job.array())
      for (const auto& [index, child] : array->active)
        hash.add("child", key_text(id) + std::to_string(index) + ":"
                              + encode(active_child_row{child.activity}));
  }
  for (const auto& [id, list] : state.waiters)
    hash.add("waiters", key_text(id) + encode(list));
  hash.add("jobs", encode(table_row_of(state)));
}

} // namespace berth
