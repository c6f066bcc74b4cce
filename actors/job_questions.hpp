// Answers about jobs: DescribeJobs, `why`, and the single views that listings
// are made of. Live jobs come from memory, terminal ones from fetched rows.
#pragma once

#include "actors/job_state.hpp"

namespace berth {

/// In `describe_jobs_call::owner`: the jobs of all accounts. No dialect lets a
/// client ask so.
inline const account_region anyone;

needed_rows rows_for(const job_state& state, const describe_jobs_call& call);
result answer_describe(const job_state& state, const describe_jobs_call& call,
                       const fetched_rows& rows);
result answer_why_job(const job_state& state, const why_call& call,
                      const fetched_rows& rows);

needed_rows rows_for(const job_state& state, const tag_job_call& call);
void decide_tags(const job_state& state, call_token token,
                 const tag_job_call& call, const decision_context& context,
                 draft& d);

/// Without `spec` and `tags`. Of a live job or child; the child exists.
job_view live_view(const job_state& state, const hot_entry& job, int32_t index);
job_view ended_view(const job_id& id, const terminal_job_row& row);
/// `own`: nothing when the child failed without a row of its own.
job_view ended_child_view(const job_key& key, const terminal_job_row& parent,
                          const std::optional<terminal_child_row>& own);
/// What a terminal child's own row says.
void take_child_row(const terminal_child_row& own, job_view& view);
/// Names and sizes only: what a listing shows of a specification.
shared_job_spec listed_spec(const job_class& common, std::string_view name,
                            uint32_t array_size);

} // namespace berth
