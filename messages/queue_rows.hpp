// Rows of queues and environments in a shard's checkpoint, and the parts of
// their fingerprints.
#pragma once

#include "messages/actor_messages.hpp"

#include <cstdint>
#include <vector>

namespace berth {

/// What a queue and one environment have told each other; kept for the uids'
/// whole life.
struct queue_link_row {
  environment_address environment;
  int32_t priority = 0;
  uint64_t version = 0;
  uint64_t last_grant = 0;
  /// The demand as the environment sees it: grants taken are deducted.
  std::vector<demand_run> told;
  bool everything = false;
  std::vector<shape> shapes;
  std::vector<unserviceable_shape> never;
  /// Leases that wait to be given back.
  std::vector<lease_id> unreleased;
  BERTH_FIELDS(environment, priority, version, last_grant, told, everything,
               shapes, never, unreleased)
};

/// All of a queue but its runnable jobs and its leases.
struct queue_row {
  queue_object object;
  std::vector<environment_address> environments;
  bool closing = false;
  bool jobs_ended = false;
  std::vector<queue_link_row> links;
  BERTH_FIELDS(object, environments, closing, jobs_ended, links)
};

/// A runnable range in a fingerprint.
struct queue_entry_row {
  queue_uid queue;
  job_range jobs;
  queue_position position = 0;
  shape what;
  int64_t submitted_ms = 0;
  BERTH_FIELDS(queue, jobs, position, what, submitted_ms)
};

/// A held lease in a fingerprint.
struct queue_lease_row {
  queue_uid queue;
  environment_uid environment;
  lease_id lease;
  job_key job;
  int64_t vcpu_milli = 0;
  BERTH_FIELDS(queue, environment, lease, job, vcpu_milli)
};

/// The agent's last session; its leases are in the environment's row.
struct environment_agent_row {
  std::string name;
  session_id session;
  resources capacity;
  bool present = false;
  bool drains = false;
  /// Of the last `agent_joins` taken in this session.
  uint64_t order = 0;
  BERTH_FIELDS(name, session, capacity, present, drains, order)
};

/// A grant that the queue's demand did not know of.
struct unacknowledged_grant {
  uint64_t grant_number = 0;
  shape what;
  uint32_t count = 0;
  BERTH_FIELDS(grant_number, what, count)
};

struct blocked_head_row {
  shape what;
  int64_t since_ms = 0;
  /// Agents reserved for it, if any.
  std::vector<std::string> agents;
  BERTH_FIELDS(what, since_ms, agents)
};

struct environment_queue_row {
  queue_address queue;
  int32_t priority = 0;
  uint64_t version = 0;
  uint64_t last_grant = 0;
  uint64_t grant_number = 0;
  /// Not granted yet.
  std::vector<demand_run> unmet;
  std::vector<unacknowledged_grant> unacknowledged;
  bool everything = false;
  std::vector<shape> shapes;
  std::vector<unserviceable_shape> never;
  std::vector<blocked_head_row> heads;
  BERTH_FIELDS(queue, priority, version, last_grant, grant_number, unmet,
               unacknowledged, everything, shapes, never, heads)
};

/// Leases of one queue, shape and agent, ascending.
struct environment_leases_row {
  queue_uid queue;
  shape what;
  std::string agent;
  std::vector<lease_id> leases;
  BERTH_FIELDS(queue, what, agent, leases)
};

/// All of an environment.
struct environment_row {
  environment_object object;
  lease_id next_lease;
  std::vector<environment_agent_row> agents;
  std::vector<environment_queue_row> queues;
  std::vector<environment_leases_row> leases;
  BERTH_FIELDS(object, next_lease, agents, queues, leases)
};

} // namespace berth
