// ListJobs: jobs of a queue by status or by a filter, or the children of an
// array; in pages, each of which looks at a bounded number of rows. Jobs of a
// queue are listed in the order of their submission, filtered ones from the
// newest (AWS reference 8). Views carry what a summary shows: their `spec` has
// name, definition and array size only.
#pragma once

#include "actors/job_state.hpp"

namespace berth {

needed_rows rows_for(const job_state& state, const list_jobs_call& call);
result answer_list(const job_state& state, const list_jobs_call& call,
                   const fetched_rows& rows);

/// Whether a JOB_NAME value fits: letters of either case are the same, a
/// trailing `*` takes any rest.
bool matches_job_name(std::string_view wanted, std::string_view name);
/// Whether a JOB_DEFINITION value fits: a name, `name*`, or an ARN with its
/// revision.
bool matches_job_definition(std::string_view wanted, std::string_view name,
                            uint32_t revision);

} // namespace berth
