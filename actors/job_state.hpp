// The job table's state and the questions that its parts ask of it. Only
// `job_table.cpp` (apply) and `job_storage.cpp` (load, checkpoint) change it.
#pragma once

#include "actors/job_classes.hpp"
#include "actors/job_table.hpp"
#include "actors/position_index.hpp"
#include "messages/job_rows.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace berth {

/// Eight bytes beside the characters; at most `limits::name_length_max`.
class compact_name {
public:
  compact_name() = default;
  explicit compact_name(std::string_view text);
  std::string_view view() const;

private:
  /// Length in the first byte.
  std::unique_ptr<char[]> bytes_;
};

struct active_child {
  job_activity activity;
  bool dirty = false;
  /// The store has a row of it.
  bool stored = false;
};

struct array_job {
  packed_children children;
  std::array<uint32_t, job_status_count> counts{};
  std::map<int32_t, active_child> active;

  bool made() const { return children.made(); }
  /// PENDING before the children are made.
  job_status status_of(int32_t index) const;
  bool has_child(int32_t index) const {
    return made() && index >= 0 && static_cast<uint32_t>(index) < children.size;
  }
  const job_activity* activity_of(int32_t index) const;
};

/// What only some live jobs have.
struct job_details {
  std::vector<job_dependency> dependencies;
  job_activity activity;
  std::unique_ptr<array_job> array;
};

/// A live job: single, or an array as a whole.
struct hot_job {
  queue_position position = 0;
  int64_t created_ms = 0;
  std::unique_ptr<job_details> details;
  compact_name name;
  uint32_t common = 0;
  job_status status = job_status::submitted;
  bool dirty = false;
  bool stored = false;

  const array_job* array() const {
    return details ? details->array.get() : nullptr;
  }
  const end_request* end() const {
    return details && details->activity.end ? &*details->activity.end : nullptr;
  }
};

using hot_jobs = std::unordered_map<job_id, hot_job>;
using hot_entry = hot_jobs::value_type;

/// Live jobs of a queue by status.
struct queue_jobs {
  static constexpr size_t live_status_count = 5;
  std::array<position_index<hot_entry>, live_status_count> by_status;

  size_t size() const;
  /// Ascending from the first position >= `from`, over all statuses.
  std::vector<const hot_entry*> ascend(queue_position from, size_t limit) const;
  /// Descending from the last position < `before`.
  std::vector<const hot_entry*> descend(queue_position before,
                                        size_t limit) const;
};

/// A terminal job whose rows are not in the store yet.
struct ended_job {
  terminal_job_row row;
  std::string name;
};

struct job_state {
  job_table_options options;
  queue_lookup queues;

  hot_jobs live;
  job_classes classes;
  std::unordered_map<queue_uid, queue_jobs> by_queue;
  /// By the job waited for; kept until all have been told.
  std::unordered_map<job_id, waiters_row> waiters;
  std::vector<job_work> works;
  int64_t expired_before_ms = 0;
  int64_t oldest_stop_ms = 0;
  int64_t newest_stop_ms = 0;

  // Not in the store yet; no part of the logical state.
  job_bodies bodies;
  std::unordered_map<job_id, ended_job> ended;
  std::unordered_map<job_key, terminal_child_row> ended_children;
  std::unordered_map<job_id, tag_map> tags;
  std::unordered_set<std::string> deletions;
  std::vector<job_id> dirty;
  std::vector<job_key> dirty_children;
  std::unordered_set<job_id> dirty_waiters;
  bool dirty_table = false;

  const hot_entry* find(const job_id& id) const;
  hot_entry* find(const job_id& id);
  const job_class& common(const hot_job& job) const {
    return classes.at(job.common);
  }
  /// Of a live job or one of its children; null when it has none.
  const job_activity* activity(const job_key& key) const;
  std::optional<job_status> status(const job_key& key) const;
  size_t live_of(queue_uid queue) const;
  bool has_work_on(const job_id& id) const;
  bool is_expired(int64_t stopped_ms) const {
    return stopped_ms < expired_before_ms;
  }
  /// Terminal and not expired: from what is not in the store yet, or a fetched
  /// row.
  std::optional<terminal_job_row> ended_row(const job_id& id,
                                            const fetched_rows* rows) const;
  std::optional<terminal_child_row>
  ended_child_row(const job_key& key, const fetched_rows* rows) const;
  /// Known and terminal, expired or not, while its rows are there.
  bool is_ended(const job_id& id, const fetched_rows* rows) const;
};

/// Nothing when the row was not fetched or is not there.
const std::string* find_row(const fetched_rows* rows, const std::string& key);

bool is_waiting(job_status s);
bool is_active(job_status s);

} // namespace berth
