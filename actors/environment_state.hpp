// What a compute environment knows; shared by the files that implement
// `compute_environment_actor`.
#pragma once

#include "actors/compute_environment_actor.hpp"
#include "actors/demand_runs.hpp"
#include "actors/placement.hpp"
#include "messages/queue_rows.hpp"

#include <map>
#include <set>

namespace berth {

/// A job that is the first of its queue that did not fit.
struct blocked_head {
  int64_t since_ms = 0;
  /// Reserved for it, once the wait is over.
  std::vector<std::string> agents;
};

/// The environment's side of what it and one queue have told each other. Kept
/// for the uids' whole life.
struct served_queue {
  queue_address address;
  int32_t priority = 0;
  uint64_t version = 0;
  uint64_t last_grant = 0;
  uint64_t grant_number = 0;
  /// The demand without what was granted since.
  demand_runs unmet;
  std::vector<unacknowledged_grant> unacknowledged;

  /// What it was told last.
  bool everything = false;
  std::set<shape> shapes;
  std::map<shape, unserviceable_reason> never;

  std::map<shape, blocked_head> heads;
};

struct environment_agent {
  /// The last one; over when the agent is not present.
  session_id session;
  resources capacity;
  resources free;
  bool present = false;
  /// Its leases stay; it is given no more.
  bool drains = false;
  /// Of the last `agent_joins` taken in this session; 0 = it said none.
  uint64_t order = 0;
  bool takes_work() const { return present && !drains; }
};

struct compute_environment_actor::state {
  struct lease_kind {
    queue_uid queue;
    shape what;
    std::string agent;
    friend auto operator<=>(const lease_kind&, const lease_kind&) = default;
  };
  /// How many leases there are of each kind; none has 0.
  using lease_kinds = std::map<lease_kind, uint32_t>;

  environment_object object;
  lease_id next_lease{1};
  std::map<std::string, environment_agent> agents;
  std::map<queue_uid, served_queue> queues;
  lease_kinds kinds;
  std::map<lease_id, lease_kinds::iterator> leases;
  int64_t vcpu_milli_leased = 0;

  environment_defaults defaults;
  /// Once what the last pass emitted is applied, another would emit nothing
  /// before the next due time. Not part of the state: it is false after a load
  /// and after every change that is not a pass's own, and only saves work.
  bool settled = false;

  explicit state(const environment_configured& first) : object(*first.object) {}

  bool has_agents() const;
  /// No head of a queue waits for this agent any more.
  void keep_no_more(const std::string& agent);
  /// Grants anything at all: enabled, not being deleted, with agents.
  bool serves() const;
  bool is_being_deleted() const {
    return object.status == object_status::deleting;
  }
  int64_t head_wait_ms() const;
  /// How much may still be leased under maxvCpus; nothing = no bound.
  std::optional<int64_t> vcpu_milli_left() const;
  std::optional<unserviceable_reason> never_fits(const shape& what) const;

  void hold(lease_id lease, const lease_kind& kind);
  void free(lease_id lease);
  /// Tells every queue that does not know it yet that there is nothing.
  void refuse_everything(draft& out) const;
};

} // namespace berth
