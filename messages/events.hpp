// What has happened: the only writers of state (rule Fold). An event's meaning
// never changes; a new meaning is a new number. Applying one is total.
#pragma once

#include "messages/actor_messages.hpp"
#include "messages/boxed.hpp"
#include "messages/responses.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

// Catalog (1 to 19).

struct environment_created {
  static constexpr uint16_t number = 1;
  boxed<environment_object> object;
  BERTH_FIELDS(object)
};
struct environment_updated {
  static constexpr uint16_t number = 2;
  boxed<environment_object> object;
  BERTH_FIELDS(object)
};
struct environment_deleted {
  static constexpr uint16_t number = 3;
  environment_uid uid;
  BERTH_FIELDS(uid)
};
struct queue_created {
  static constexpr uint16_t number = 4;
  boxed<queue_object> object;
  BERTH_FIELDS(object)
};
/// Also when its deletion begins (status `deleting`).
struct queue_updated {
  static constexpr uint16_t number = 5;
  boxed<queue_object> object;
  BERTH_FIELDS(object)
};
struct queue_deleted {
  static constexpr uint16_t number = 6;
  queue_uid uid;
  BERTH_FIELDS(uid)
};
struct definition_registered {
  static constexpr uint16_t number = 7;
  boxed<definition_object> object;
  BERTH_FIELDS(object)
};
struct definition_deregistered {
  static constexpr uint16_t number = 8;
  account_region owner;
  std::string name;
  uint32_t revision = 0;
  int64_t at_ms = 0;
  BERTH_FIELDS(owner, name, revision, at_ms)
};
/// The whole new set of tags of an environment, queue or definition.
struct object_tagged {
  static constexpr uint16_t number = 9;
  parsed_arn what;
  tag_map tags;
  BERTH_FIELDS(what, tags)
};
/// A mutation's answer, kept for `limits::request_memory_ms`.
struct request_answered {
  static constexpr uint16_t number = 10;
  std::string request_key;
  boxed<response> answer;
  int64_t at_ms = 0;
  BERTH_FIELDS(request_key, answer, at_ms)
};
/// A deleted queue's name, and the shard in which repeats of calls find the
/// jobs that were submitted to it; kept for `limits::request_memory_ms`.
struct queue_name_freed {
  static constexpr uint16_t number = 12;
  account_region owner;
  std::string name;
  shard_id shard;
  int64_t at_ms = 0;
  BERTH_FIELDS(owner, name, shard, at_ms)
};
/// Answers, and freed names, older than this are forgotten.
struct requests_forgotten {
  static constexpr uint16_t number = 11;
  int64_t before_ms = 0;
  BERTH_FIELDS(before_ms)
};

// Queue (20 to 39).

struct queue_configured {
  static constexpr uint16_t number = 20;
  boxed<queue_object> object;
  std::vector<environment_address> environments;
  BERTH_FIELDS(object, environments)
};
/// Deletion has begun: nothing more is admitted, its jobs are ending.
struct queue_closing {
  static constexpr uint16_t number = 21;
  queue_uid queue;
  BERTH_FIELDS(queue)
};
struct queue_dropped {
  static constexpr uint16_t number = 22;
  queue_uid queue;
  BERTH_FIELDS(queue)
};
struct jobs_enqueued {
  static constexpr uint16_t number = 23;
  queue_uid queue;
  job_range jobs;
  queue_position position = 0;
  shape what;
  int64_t submitted_ms = 0;
  BERTH_FIELDS(queue, jobs, position, what, submitted_ms)
};
struct jobs_withdrawn {
  static constexpr uint16_t number = 24;
  queue_uid queue;
  job_range jobs;
  queue_position position = 0;
  shape what;
  BERTH_FIELDS(queue, jobs, position, what)
};
/// What the environment has been told.
struct demand_told {
  static constexpr uint16_t number = 25;
  queue_uid queue;
  environment_uid environment;
  int32_t priority = 0;
  uint64_t version = 0;
  uint64_t last_grant = 0;
  std::vector<demand_run> runs;
  BERTH_FIELDS(queue, environment, priority, version, last_grant, runs)
};
struct lease_match {
  lease_id lease;
  job_key job;
  queue_position position = 0;
  BERTH_FIELDS(lease, job, position)
};
/// A grant was taken: leases were matched to jobs, the others are given back.
/// `what` is the shape of all of them (a grant of several is several events
/// with one `grant_number`).
struct leases_matched {
  static constexpr uint16_t number = 26;
  queue_uid queue;
  environment_uid environment;
  uint64_t grant_number = 0;
  shape what;
  std::vector<lease_match> matches;
  /// Leases of this shape in the grant, matched or not.
  uint32_t granted = 0;
  BERTH_FIELDS(queue, environment, grant_number, what, matches, granted)
};
struct saturation_noted {
  static constexpr uint16_t number = 27;
  queue_uid queue;
  environment_uid environment;
  bool everything = false;
  std::vector<shape> shapes;
  std::vector<unserviceable_shape> never;
  BERTH_FIELDS(queue, environment, everything, shapes, never)
};
/// Leases of finished attempts, unwanted ones, or lost ones are the queue's no
/// more. All but the lost are given back by the next `releases_sent`.
struct leases_finished {
  static constexpr uint16_t number = 28;
  queue_uid queue;
  environment_uid environment;
  std::vector<lease_id> leases;
  bool lost = false;
  BERTH_FIELDS(queue, environment, leases, lost)
};
/// The first `count` leases that waited to be given back were.
struct releases_sent {
  static constexpr uint16_t number = 29;
  queue_uid queue;
  environment_uid environment;
  uint64_t count = 0;
  BERTH_FIELDS(queue, environment, count)
};
/// None of a closing queue's jobs is alive any more.
struct queue_jobs_ended {
  static constexpr uint16_t number = 30;
  queue_uid queue;
  BERTH_FIELDS(queue)
};

// Compute environment (40 to 59).

struct environment_configured {
  static constexpr uint16_t number = 40;
  boxed<environment_object> object;
  BERTH_FIELDS(object)
};
struct environment_dropped {
  static constexpr uint16_t number = 41;
  environment_uid environment;
  BERTH_FIELDS(environment)
};
struct agent_joined {
  static constexpr uint16_t number = 42;
  agent_id agent;
  session_id session;
  resources capacity;
  int64_t at_ms = 0;
  /// As `agent_joins` said.
  uint64_t order = 0;
  BERTH_FIELDS(agent, session, capacity, at_ms, order)
};
/// The session is over; its leases are lost.
struct agent_session_ended {
  static constexpr uint16_t number = 43;
  agent_id agent;
  session_id session;
  BERTH_FIELDS(agent, session)
};
struct demand_noted {
  static constexpr uint16_t number = 44;
  environment_uid environment;
  queue_address queue;
  int32_t priority = 0;
  uint64_t version = 0;
  uint64_t last_grant = 0;
  std::vector<demand_run> runs;
  BERTH_FIELDS(environment, queue, priority, version, last_grant, runs)
};
/// One shape, one agent; `first_lease` and the `count - 1` following ids.
struct leases_granted {
  static constexpr uint16_t number = 45;
  environment_uid environment;
  queue_address queue;
  uint64_t grant_number = 0;
  shape what;
  std::string agent;
  lease_id first_lease;
  uint32_t count = 0;
  BERTH_FIELDS(environment, queue, grant_number, what, agent, first_lease,
               count)
};
struct leases_freed {
  static constexpr uint16_t number = 46;
  environment_uid environment;
  std::vector<lease_id> leases;
  BERTH_FIELDS(environment, leases)
};
struct saturation_told {
  static constexpr uint16_t number = 47;
  environment_uid environment;
  queue_uid queue;
  bool everything = false;
  std::vector<shape> shapes;
  std::vector<unserviceable_shape> never;
  BERTH_FIELDS(environment, queue, everything, shapes, never)
};
/// A head of the queue did not fit in a pass for the first time.
struct head_blocked {
  static constexpr uint16_t number = 48;
  environment_uid environment;
  queue_uid queue;
  shape what;
  int64_t since_ms = 0;
  BERTH_FIELDS(environment, queue, what, since_ms)
};
struct head_unblocked {
  static constexpr uint16_t number = 49;
  environment_uid environment;
  queue_uid queue;
  shape what;
  BERTH_FIELDS(environment, queue, what)
};
/// `head_wait` is over: these agents take nothing else until it fits.
struct agents_reserved {
  static constexpr uint16_t number = 50;
  environment_uid environment;
  queue_uid queue;
  shape what;
  std::vector<std::string> agents;
  BERTH_FIELDS(environment, queue, what, agents)
};

// Jobs (60 to 89).

struct job_submitted {
  static constexpr uint16_t number = 60;
  job_id id;
  account_region owner;
  queue_uid queue;
  shared_job_spec spec;
  queue_position position = 0;
  int64_t created_ms = 0;
  BERTH_FIELDS(id, owner, queue, spec, position, created_ms)
};
/// `waiter` will be told of the end of `on`.
struct waiter_added {
  static constexpr uint16_t number = 61;
  job_key on;
  job_id waiter;
  dependency_kind kind = dependency_kind::plain;
  BERTH_FIELDS(on, waiter, kind)
};
/// A dependency of `waiter` ended; indices as in `dependency_ended`.
struct dependency_settled {
  static constexpr uint16_t number = 62;
  job_id waiter;
  job_key on;
  int32_t first = no_index;
  int32_t last = no_index;
  bool succeeded = false;
  BERTH_FIELDS(waiter, on, first, last, succeeded)
};
/// The jobs wait for resources from now on.
struct jobs_became_runnable {
  static constexpr uint16_t number = 63;
  job_range jobs;
  int64_t at_ms = 0;
  BERTH_FIELDS(jobs, at_ms)
};
struct attempt_placed {
  static constexpr uint16_t number = 64;
  attempt_id attempt;
  lease_id lease;
  environment_uid environment;
  std::string agent;
  session_id session;
  int64_t at_ms = 0;
  BERTH_FIELDS(attempt, lease, environment, agent, session, at_ms)
};
struct attempt_started {
  static constexpr uint16_t number = 65;
  attempt_id attempt;
  int64_t started_ms = 0;
  BERTH_FIELDS(attempt, started_ms)
};
enum class after_attempt : uint8_t { succeed = 1, fail = 2, retry = 3 };
struct attempt_finished {
  static constexpr uint16_t number = 66;
  attempt_id attempt;
  attempt_end end = attempt_end::exited;
  std::optional<int32_t> exit_code;
  std::string reason;
  std::string status_reason;
  int64_t started_ms = 0;
  int64_t stopped_ms = 0;
  after_attempt next = after_attempt::fail;
  BERTH_FIELDS(attempt, end, exit_code, reason, status_reason, started_ms,
               stopped_ms, next)
};
/// Jobs that end without (another) attempt: cancelled, terminated while
/// waiting, or a dependency failed.
struct jobs_failed {
  static constexpr uint16_t number = 67;
  job_range jobs;
  std::string status_reason;
  int64_t at_ms = 0;
  BERTH_FIELDS(jobs, status_reason, at_ms)
};
/// CancelJob or TerminateJob was called on it; takes effect as the AWS
/// reference 15.6 says. The first reason given stays.
struct end_requested {
  static constexpr uint16_t number = 68;
  job_key job;
  bool terminate = false;
  std::string reason;
  BERTH_FIELDS(job, terminate, reason)
};
/// All children are terminal.
struct array_finished {
  static constexpr uint16_t number = 69;
  job_id id;
  bool succeeded = false;
  std::string status_reason;
  int64_t at_ms = 0;
  BERTH_FIELDS(id, succeeded, status_reason, at_ms)
};
struct job_tagged {
  static constexpr uint16_t number = 70;
  job_id id;
  tag_map tags;
  BERTH_FIELDS(id, tags)
};
/// Terminal jobs that stopped before this are gone.
struct jobs_expired {
  static constexpr uint16_t number = 71;
  int64_t stopped_before_ms = 0;
  BERTH_FIELDS(stopped_before_ms)
};
/// Long work that later decisions go on with (rule Bounds).
enum class job_work_kind : uint8_t {
  /// Tell the waiters of `job` that it ended.
  tell_waiters = 1,
  /// Cancel or terminate the children of `job`.
  end_children = 2,
  /// End the jobs of `queue`.
  end_queue = 3,
};
struct job_work {
  job_work_kind kind = job_work_kind::tell_waiters;
  job_key job;
  queue_uid queue;
  /// Where to go on; the meaning belongs to the kind.
  uint64_t cursor = 0;
  BERTH_FIELDS(kind, job, queue, cursor)
};
/// New work, or work that got this far.
struct job_work_advanced {
  static constexpr uint16_t number = 72;
  job_work work;
  BERTH_FIELDS(work)
};
struct job_work_finished {
  static constexpr uint16_t number = 73;
  job_work work;
  BERTH_FIELDS(work)
};

// Shard (90 to 99).

/// The last message taken from a shard or an agent's session.
struct messages_taken {
  static constexpr uint16_t number = 90;
  /// `shard:<n>` or `agent:<environment>:<name>:<start>.<lease>`.
  std::string source;
  uint64_t up_to = 0;
  BERTH_FIELDS(source, up_to)
};
/// A message that makes no sense is noted and passed over, never retried.
struct message_refused {
  static constexpr uint16_t number = 91;
  std::string source;
  log_offset offset = 0;
  std::string why;
  BERTH_FIELDS(source, offset, why)
};
/// Outbox messages up to this one have reached their destination.
struct delivery_recorded {
  static constexpr uint16_t number = 92;
  std::string destination;
  uint64_t up_to = 0;
  BERTH_FIELDS(destination, up_to)
};
/// The agent's session is over: nothing more is sent to or taken from it.
struct session_forgotten {
  static constexpr uint16_t number = 93;
  agent_id agent;
  session_id session;
  BERTH_FIELDS(agent, session)
};

using event = std::variant<
    environment_created, environment_updated, environment_deleted,
    queue_created, queue_updated, queue_deleted, definition_registered,
    definition_deregistered, object_tagged, request_answered, queue_name_freed,
    requests_forgotten, queue_configured, queue_closing, queue_dropped,
    jobs_enqueued, jobs_withdrawn, demand_told, leases_matched,
    saturation_noted, leases_finished, releases_sent, queue_jobs_ended,
    environment_configured, environment_dropped, agent_joined,
    agent_session_ended, demand_noted, leases_granted, leases_freed,
    saturation_told, head_blocked, head_unblocked, agents_reserved,
    job_submitted, waiter_added, dependency_settled, jobs_became_runnable,
    attempt_placed, attempt_started, attempt_finished, jobs_failed,
    end_requested, array_finished, job_tagged, jobs_expired, job_work_advanced,
    job_work_finished, messages_taken, message_refused, delivery_recorded,
    session_forgotten>;
static_assert(sizeof(event) <= 160, "a decision may have many thousands");

} // namespace berth
