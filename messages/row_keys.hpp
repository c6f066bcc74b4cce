// Keys of the job table's rows in the state store. All begin with `j`; keys
// compare by their bytes, so numbers are big-endian. Account and region are not
// spelled out: a job's id is a hash over them, a queue's uid belongs to one
// account, and every row names its owner.
#pragma once

#include "messages/ids.hpp"
#include "messages/job.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// What a row of the job table is; the second byte of its key.
enum class job_row_kind : char {
  /// `job_spec`, from submission to expiry.
  body = 'b',
  /// `active_child_row`, while the child has attempts and is not terminal.
  active_child = 'c',
  /// `expiry_row`, ordered by time: what may be deleted when.
  expiry = 'e',
  /// `live_job_row`, until the job is terminal.
  live = 'l',
  /// `job_table_row`; there is one.
  table = 'm',
  /// `listing_row`, ordered by (queue, status, position).
  listing = 's',
  /// `terminal_job_row`, or `terminal_child_row` behind an index.
  terminal = 't',
  /// `job_tags_row`: tags that were changed after submission.
  tags = 'g',
  /// `waiters_row`.
  waiters = 'w',
};

std::string job_row_prefix(job_row_kind kind);
/// The least key behind all of that kind.
std::string job_row_prefix_end(job_row_kind kind);

/// body, live, terminal, tags, waiters.
std::string job_row_key(job_row_kind kind, const job_id& id);
/// active_child, terminal; sorts by index, behind the parent's own row.
std::string child_row_key(job_row_kind kind, const job_key& child);
std::string job_table_row_key();
/// Jobs of a queue in one terminal status, in order of their submission.
std::string listing_row_key(queue_uid queue, job_status status,
                            uint64_t position);
std::string listing_row_prefix_end(queue_uid queue, job_status status);
/// `newest_ms`: the latest end among the jobs that the row names.
std::string expiry_row_key(int64_t newest_ms, const job_id& first);
/// All expiry rows whose jobs stopped before this.
std::string expiry_row_end(int64_t before_ms);

struct parsed_job_row_key {
  job_row_kind kind = job_row_kind::body;
  /// Set where the kind's keys name a job.
  job_key job;
};
/// Nothing when this is no key of a live, active child, waiters or table row.
std::optional<parsed_job_row_key> parse_live_row_key(std::string_view key);

} // namespace berth
