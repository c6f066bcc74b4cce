// Questions whose answer needs more than one table of a shard.
#pragma once

#include "actors/shard_state.hpp"
#include "messages/calls.hpp"

namespace berth {

/// The catalog's answer, environments of this shard filled as `answer_fill`
/// does.
result answer_catalog(const shard_state& state, const catalog_call& call);

/// MANAGED environments that live in this shard with the vCPUs that their
/// demand asks for now; all others as they were given.
result answer_fill(const shard_state& state,
                   const fill_environments_call& call);

/// DescribeJobs; a job that waits and can never fit into any environment of its
/// queue says so in its status reason (AWS reference, 16.5).
result answer_describe(const shard_state& state, const describe_jobs_call& call,
                       const fetched_rows& rows);

/// GetJobQueueSnapshot: the first runnable jobs in the order they are served.
result answer_snapshot(const shard_state& state,
                       const queue_snapshot_call& call, int64_t now_ms);

/// Why a job waits, or why it runs where it runs: a typed reason, its position,
/// and sentences that say what would have to change.
result answer_why(const shard_state& state, const why_call& call,
                  const fetched_rows& rows);

} // namespace berth
