// The job table's rows in the state store. Hot parts (activity, dependencies,
// the packed children of an array) are the same structs in memory.
#pragma once

#include "messages/events.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// CancelJob or TerminateJob was called; the first reason stays.
struct end_request {
  bool terminate = false;
  std::string reason;
  BERTH_FIELDS(terminate, reason)
};

enum class dependency_outcome : uint8_t { open = 0, met = 1, failed = 2 };

/// A dependency on another job. Of an array only `n_to_n` stays; everything
/// else is `plain`.
struct job_dependency {
  job_key on;
  dependency_kind kind = dependency_kind::plain;
  dependency_outcome outcome = dependency_outcome::open;
  /// n_to_n: a `dependency_outcome` per child.
  std::vector<uint8_t> children;
  BERTH_FIELDS(on, kind, outcome, children)
};

/// What a job or child has once it was placed or its end was asked for.
struct job_activity {
  /// Oldest first; the last is live while its `end` is not set.
  std::vector<attempt_record> attempts;
  /// Of the live attempt.
  lease_id lease;
  std::optional<end_request> end;
  BERTH_FIELDS(attempts, lease, end)
};

/// Children that failed without a row of their own.
struct failed_children {
  int32_t first = 0;
  int32_t last = 0;
  std::string status_reason;
  int64_t at_ms = 0;
  BERTH_FIELDS(first, last, status_reason, at_ms)
};

/// An array's children: one byte each.
struct packed_children {
  uint32_t size = 0;
  /// Child i waits for child i - 1.
  bool sequential = false;
  /// A `job_status` per child; empty until the children are made.
  std::vector<uint8_t> statuses;
  std::vector<failed_children> failures;
  int64_t made_ms = 0;
  int64_t changed_ms = 0;
  BERTH_FIELDS(size, sequential, statuses, failures, made_ms, changed_ms)
  bool made() const { return !statuses.empty(); }
};

/// What many jobs have in common.
struct job_class {
  account_region owner;
  queue_uid queue;
  std::string queue_name;
  std::string definition_name;
  uint32_t definition_revision = 0;
  shape what;
  retry_strategy retry;
  BERTH_FIELDS(owner, queue, queue_name, definition_name, definition_revision,
               what, retry)
};

struct live_job_row {
  job_class common;
  std::string name;
  queue_position position = 0;
  int64_t created_ms = 0;
  job_status status = job_status::submitted;
  std::vector<job_dependency> dependencies;
  job_activity activity;
  std::optional<packed_children> array;
  BERTH_FIELDS(common, name, position, created_ms, status, dependencies,
               activity, array)
};

struct active_child_row {
  job_activity activity;
  BERTH_FIELDS(activity)
};

struct job_waiter {
  job_id waiter;
  dependency_kind kind = dependency_kind::plain;
  /// The child waited for, or `no_index`.
  int32_t on_index = no_index;
  BERTH_FIELDS(waiter, kind, on_index)
};

/// Those who wait for a job: for the whole of it, or for its children one by
/// one (n_to_n) or one child of it.
struct waiters_row {
  std::vector<job_waiter> whole;
  std::vector<job_waiter> by_child;
  BERTH_FIELDS(whole, by_child)
};

/// The end of a single job or of an array as a whole.
struct terminal_job_row {
  job_class common;
  queue_position position = 0;
  int64_t created_ms = 0;
  int64_t started_ms = 0;
  int64_t stopped_ms = 0;
  job_status status = job_status::failed;
  std::string status_reason;
  job_activity activity;
  std::optional<packed_children> array;
  BERTH_FIELDS(common, position, created_ms, started_ms, stopped_ms, status,
               status_reason, activity, array)
};

struct terminal_child_row {
  int64_t started_ms = 0;
  int64_t stopped_ms = 0;
  job_status status = job_status::failed;
  std::string status_reason;
  job_activity activity;
  BERTH_FIELDS(started_ms, stopped_ms, status, status_reason, activity)
};

/// A terminal job as ListJobs shows it.
struct listing_row {
  job_id id;
  account_region owner;
  std::string queue_name;
  std::string name;
  std::string definition_name;
  uint32_t definition_revision = 0;
  queue_position position = 0;
  int64_t created_ms = 0;
  int64_t started_ms = 0;
  int64_t stopped_ms = 0;
  job_status status = job_status::failed;
  std::string status_reason;
  /// Of the last attempt.
  std::optional<int32_t> exit_code;
  std::string reason;
  uint32_t array_size = 0;
  /// Arrays only: `job_status_count` entries.
  status_counts children;
  /// Of the last attempt: its grant.
  int64_t placed_ms = 0;
  /// Arrays only: when `children` became what they are.
  int64_t children_changed_ms = 0;
  BERTH_FIELDS(id, owner, queue_name, name, definition_name,
               definition_revision, position, created_ms, started_ms,
               stopped_ms, status, status_reason, exit_code, reason, array_size,
               children, placed_ms, children_changed_ms)
};

struct job_tags_row {
  tag_map tags;
  BERTH_FIELDS(tags)
};

/// The table's own state.
struct job_table_row {
  int64_t expired_before_ms = 0;
  /// No unexpired job stopped before the first or after the second; 0 = none.
  int64_t oldest_stop_ms = 0;
  int64_t newest_stop_ms = 0;
  std::vector<job_work> works;
  BERTH_FIELDS(expired_before_ms, oldest_stop_ms, newest_stop_ms, works)
};

struct expiring_job {
  job_id id;
  queue_uid queue;
  job_status status = job_status::failed;
  queue_position position = 0;
  uint32_t array_size = 0;
  BERTH_FIELDS(id, queue, status, position, array_size)
};

/// Jobs that ended between two checkpoints.
struct expiry_row {
  std::vector<expiring_job> jobs;
  BERTH_FIELDS(jobs)
};

} // namespace berth
