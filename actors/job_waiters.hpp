// Telling those who wait for a job that it ended. A few are told at once; many
// by long work, so that a job with 100,000 waiters stays bounded per decision
// (rule Bounds).
#pragma once

#include "actors/job_state.hpp"

namespace berth {

/// More waiters than this are told by long work.
constexpr size_t tell_at_once_max = 100;

/// Cursor of `job_work_kind::tell_waiters`; the work's job names the job or,
/// with `run` > 0, the first of `run` children.
struct tell_cursor {
  /// The next waiter to tell.
  uint32_t at = 0;
  uint32_t run = 0;
  bool succeeded = false;
  /// Those who wait for single children are told too: none was ever made.
  bool children_too = false;
};
uint64_t pack(const tell_cursor& cursor);
tell_cursor unpack_tell_cursor(uint64_t packed);

/// The whole of the job ends by an event that the caller emits next.
void tell_end(const job_state& state, const hot_entry& job, bool succeeded,
              draft& d);
/// Children `first` to `last` - 1 end.
void tell_children_end(const job_state& state, const job_id& id, int32_t first,
                       int32_t last, bool succeeded, draft& d);
/// Goes on with the work for at most `steps` waiters; gives back how many.
size_t tell_more(const job_state& state, const job_work& work, size_t steps,
                 draft& d);

void decide_watch(const job_state& state, const watch_job& m,
                  const decision_context& context, draft& d);

} // namespace berth
