// What actors say to each other. Between shards these travel as log messages
// (rule Outbox); inside a shard they are handled within the decision. Numbers
// are stable: never reused, never given a new meaning.
#pragma once

#include "messages/catalog.hpp"
#include "messages/dispatch.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

struct queue_address {
  queue_uid uid;
  shard_id shard;
  BERTH_FIELDS(uid, shard)
  friend auto operator<=>(const queue_address&, const queue_address&) = default;
  friend bool operator==(const queue_address&, const queue_address&) = default;
};

struct environment_address {
  environment_uid uid;
  shard_id shard;
  std::string name;
  BERTH_FIELDS(uid, shard, name)
};

// Catalog to environments and queues.

/// Creates the actor or changes its settings.
struct configure_environment {
  static constexpr uint16_t number = 1;
  environment_object object;
  BERTH_FIELDS(object)
};

struct remove_environment {
  static constexpr uint16_t number = 2;
  environment_uid uid;
  BERTH_FIELDS(uid)
};

struct configure_queue {
  static constexpr uint16_t number = 3;
  queue_object object;
  /// In the queue's order.
  std::vector<environment_address> environments;
  BERTH_FIELDS(object, environments)
};

/// The queue ends its jobs, waits for its leases and answers `queue_gone`.
struct remove_queue {
  static constexpr uint16_t number = 4;
  queue_uid uid;
  BERTH_FIELDS(uid)
};

struct queue_gone {
  static constexpr uint16_t number = 5;
  queue_uid uid;
  BERTH_FIELDS(uid)
};

// Demand and grant: the only protocol between queues and environments.

/// A stretch of the queue's next jobs that have one shape, in queue order.
struct demand_run {
  shape what;
  uint32_t count = 0;
  /// When the first of them was submitted.
  int64_t oldest_ms = 0;
  /// There are jobs before these that the demand has no room for; all of them
  /// have shapes of earlier runs. So these may be granted only while each of
  /// those shapes still has jobs that do not fit.
  bool beyond = false;
  BERTH_FIELDS(what, count, oldest_ms, beyond)
};

/// Replaces the queue's earlier demand. Grants later than `last_grant` are
/// deducted from the front of the matching runs.
struct demand {
  static constexpr uint16_t number = 10;
  environment_uid environment;
  queue_address queue;
  int32_t priority = 0;
  uint64_t version = 0;
  uint64_t last_grant = 0;
  std::vector<demand_run> runs;
  BERTH_FIELDS(environment, queue, priority, version, last_grant, runs)
};

/// A reservation of one shape on one agent for a queue.
struct lease {
  lease_id id;
  shape what;
  std::string agent;
  session_id session;
  BERTH_FIELDS(id, what, agent, session)
};

struct grant {
  static constexpr uint16_t number = 11;
  queue_uid queue;
  environment_uid environment;
  shard_id environment_shard;
  /// Without gaps per (environment, queue), for the uids' whole life.
  uint64_t grant_number = 0;
  std::vector<lease> leases;
  BERTH_FIELDS(queue, environment, environment_shard, grant_number, leases)
};

enum class unserviceable_reason : uint8_t {
  /// More than the environment's maximum.
  over_environment_maximum = 1,
  /// No agent is that large.
  over_every_agent = 2,
};

struct unserviceable_shape {
  shape what;
  unserviceable_reason reason = unserviceable_reason::over_every_agent;
  BERTH_FIELDS(what, reason)
};

/// The whole set of shapes that the queue cannot have now; replaces the earlier
/// one, whatever versions cross.
struct saturated {
  static constexpr uint16_t number = 12;
  queue_uid queue;
  environment_uid environment;
  uint64_t version = 0;
  /// Disabled, gone, or without agents: nothing at all can be had.
  bool everything = false;
  std::vector<shape> shapes;
  /// A part of `shapes`: those that can never fit here.
  std::vector<unserviceable_shape> never;
  BERTH_FIELDS(queue, environment, version, everything, shapes, never)
};

struct release {
  static constexpr uint16_t number = 13;
  environment_uid environment;
  queue_address queue;
  std::vector<lease_id> leases;
  BERTH_FIELDS(environment, queue, leases)
};

enum class lease_lost_reason : uint8_t {
  /// The agent's session is over: its keeper died or its lease lapsed.
  session_over = 1,
};

struct lease_lost {
  static constexpr uint16_t number = 14;
  queue_uid queue;
  environment_uid environment;
  std::vector<lease_id> leases;
  lease_lost_reason reason = lease_lost_reason::session_over;
  BERTH_FIELDS(queue, environment, leases, reason)
};

// Queue and job; always of one shard.

/// Jobs that may run: a single job (both indices `no_index`), or children
/// `first` to `last` - 1 of an array.
struct job_range {
  job_id id;
  int32_t first = no_index;
  int32_t last = no_index;
  BERTH_FIELDS(id, first, last)
};

/// Position of a submission in its shard: kept by retries and late-met
/// dependencies. Order within a queue is (position, array index).
using queue_position = uint64_t;

struct enqueue_jobs {
  static constexpr uint16_t number = 20;
  queue_uid queue;
  job_range jobs;
  queue_position position = 0;
  shape what;
  int64_t submitted_ms = 0;
  BERTH_FIELDS(queue, jobs, position, what, submitted_ms)
};

/// They shall not run after all.
struct withdraw_jobs {
  static constexpr uint16_t number = 21;
  queue_uid queue;
  job_range jobs;
  queue_position position = 0;
  shape what;
  BERTH_FIELDS(queue, jobs, position, what)
};

/// The queue matched a lease to the job: start its next attempt.
struct place_job {
  static constexpr uint16_t number = 22;
  job_key job;
  lease_id lease;
  environment_uid environment;
  std::string agent;
  session_id session;
  BERTH_FIELDS(job, lease, environment, agent, session)
};

/// The attempt is over (or was never made): the lease is not needed any more.
struct finish_lease {
  static constexpr uint16_t number = 23;
  queue_uid queue;
  environment_uid environment;
  lease_id lease;
  job_key job;
  BERTH_FIELDS(queue, environment, lease, job)
};

struct attempt_lost {
  static constexpr uint16_t number = 24;
  job_key job;
  environment_uid environment;
  lease_id lease;
  lease_lost_reason reason = lease_lost_reason::session_over;
  BERTH_FIELDS(job, environment, lease, reason)
};

/// The queue is being deleted: end all of its jobs.
struct end_jobs_of_queue {
  static constexpr uint16_t number = 25;
  queue_uid queue;
  BERTH_FIELDS(queue)
};

/// None of the queue's jobs is alive any more (answer to `end_jobs_of_queue`).
struct jobs_of_queue_ended {
  static constexpr uint16_t number = 26;
  queue_uid queue;
  BERTH_FIELDS(queue)
};

// Dependencies; job to job, across shards.

/// `waiter` wants to know the end of `on`. For `n_to_n` both are arrays and
/// each child's end is told.
struct watch_job {
  static constexpr uint16_t number = 30;
  job_key on;
  job_id waiter;
  dependency_kind kind = dependency_kind::plain;
  BERTH_FIELDS(on, waiter, kind)
};

/// Children `first` to `last` - 1 (n_to_n), or the whole (both `no_index`), of
/// `on` have ended. An unknown `on` counts as failed.
struct dependency_ended {
  static constexpr uint16_t number = 31;
  job_id waiter;
  job_key on;
  int32_t first = no_index;
  int32_t last = no_index;
  bool succeeded = false;
  BERTH_FIELDS(waiter, on, first, last, succeeded)
};

// Submissions from a topic, to the shard of their queue.

/// As a `submit_job_call`, which the shard that reads the topic passes on.
/// Refused by `message_refused` with the topic's partition and the offset.
struct submit_job {
  static constexpr uint16_t number = 35;
  job_id id;
  account_region owner;
  queue_uid queue;
  shared_job_spec spec;
  /// `<topic>/<partition>` and the offset there.
  std::string source;
  int64_t offset = -1;
  BERTH_FIELDS(id, owner, queue, spec, source, offset)
};

// From agents, as log messages.

/// The agent is there; said again with no capacity it drains, else it does not.
struct agent_joins {
  static constexpr uint16_t number = 40;
  agent_id agent;
  session_id session;
  resources capacity;
  /// Appends may land in another order than they were made in: within a session
  /// only a greater order is taken. It grows with what is said anew, over all
  /// processes of the agent, and stays where the same is repeated. 0 = unknown
  /// (an older agent or keeper): what comes last counts.
  uint64_t order = 0;
  BERTH_FIELDS(agent, session, capacity, order)
};

/// Reports of one session to one shard; numbered, see `numbered_report`.
struct agent_reports {
  static constexpr uint16_t number = 41;
  agent_id agent;
  session_id session;
  std::vector<numbered_report> reports;
  BERTH_FIELDS(agent, session, reports)
};

using actor_message =
    std::variant<configure_environment, remove_environment, configure_queue,
                 remove_queue, queue_gone, demand, grant, saturated, release,
                 lease_lost, enqueue_jobs, withdraw_jobs, place_job,
                 finish_lease, attempt_lost, end_jobs_of_queue,
                 jobs_of_queue_ended, watch_job, dependency_ended, agent_joins,
                 agent_reports, submit_job>;

} // namespace berth
