// What a gateway brings to a shard's owner directly. Calls are not in the log:
// the decision carries all that comes of them. From one node to another they
// travel in the frames of messages/node_frames.hpp.
#pragma once

#include "messages/boxed.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"

#include <string>
#include <variant>
#include <vector>

namespace berth {

/// A mutation of the catalog; shard 0 only. Names are resolved by the catalog.
struct catalog_call {
  static constexpr uint16_t number = 1;
  caller who;
  boxed<request> what;
  BERTH_FIELDS(who, what)
};

/// A submission that the gateway resolved against its replica of the catalog.
/// A known id answers as it did before.
struct submit_job_call {
  static constexpr uint16_t number = 2;
  job_id id;
  account_region owner;
  queue_uid queue;
  shared_job_spec spec;
  BERTH_FIELDS(id, owner, queue, spec)
};

/// CancelJob and TerminateJob.
struct end_job_call {
  static constexpr uint16_t number = 3;
  account_region owner;
  job_key job;
  bool terminate = false;
  std::string reason;
  BERTH_FIELDS(owner, job, terminate, reason)
};

/// TagResource and UntagResource of a job: the keys are removed, then the tags
/// are put.
struct tag_job_call {
  static constexpr uint16_t number = 4;
  account_region owner;
  job_id job;
  tag_map put;
  std::vector<std::string> remove;
  BERTH_FIELDS(owner, job, put, remove)
};

/// The owner's own watch gives an agent up: its session ends as if a newer one
/// had joined. Nobody waits for its answer (`no_caller`).
struct agent_lost_call {
  static constexpr uint16_t number = 5;
  agent_id agent;
  session_id session;
  BERTH_FIELDS(agent, session)
};

// Questions; answered from confirmed state behind a barrier.

struct describe_jobs_call {
  static constexpr uint16_t number = 6;
  account_region owner;
  std::vector<job_key> jobs;
  BERTH_FIELDS(owner, jobs)
};

struct list_jobs_call {
  static constexpr uint16_t number = 7;
  account_region owner;
  /// One of the two: all jobs of a queue, or the children of an array.
  std::optional<queue_uid> queue;
  std::optional<job_id> array_job;
  std::optional<job_status> status;
  job_filter_kind filter = job_filter_kind::none;
  std::vector<std::string> filter_values;
  page_request page;
  BERTH_FIELDS(owner, queue, array_job, status, filter, filter_values, page)
};

struct queue_snapshot_call {
  static constexpr uint16_t number = 8;
  account_region owner;
  queue_uid queue;
  BERTH_FIELDS(owner, queue)
};

struct why_call {
  static constexpr uint16_t number = 9;
  account_region owner;
  job_key job;
  BERTH_FIELDS(owner, job)
};

/// Environments as the catalog has them. Answers `environments_response`: the
/// same ones, with what only the shard that they live in knows.
struct fill_environments_call {
  static constexpr uint16_t number = 10;
  std::vector<environment_object> environments;
  BERTH_FIELDS(environments)
};

/// Answers `done_response` once the owner has seen the log's end. To the
/// catalog's shard: once the node that is asked, whoever owns the shard, has
/// folded what the log holds now and its gateway's replica knows it.
struct barrier_call {
  static constexpr uint16_t number = 11;
  BERTH_FIELDS()
};

using shard_call =
    std::variant<catalog_call, submit_job_call, end_job_call, tag_job_call,
                 agent_lost_call, describe_jobs_call, list_jobs_call,
                 queue_snapshot_call, why_call, fill_environments_call,
                 barrier_call>;

constexpr bool is_question(const shard_call& c) {
  return c.index() >= 5;
}

} // namespace berth
