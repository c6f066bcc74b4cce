// What a queue knows; shared by the files that implement `queue_actor`.
#pragma once

#include "actors/demand_runs.hpp"
#include "actors/queue_actor.hpp"
#include "actors/runnable_jobs.hpp"

#include <deque>
#include <map>
#include <set>

namespace berth {

/// The queue's side of what it and one environment have told each other. Kept
/// for the uids' whole life, also when the environment has left the list.
struct environment_link {
  environment_address address;
  int32_t priority = 0;
  uint64_t version = 0;
  uint64_t last_grant = 0;
  /// The demand as the environment sees it: grants taken are deducted.
  demand_runs told;

  /// Its last answer.
  bool everything = false;
  std::set<shape> shapes;
  std::map<shape, unserviceable_reason> never;

  struct held_lease {
    job_key job;
    int64_t vcpu_milli = 0;
  };
  std::map<lease_id, held_lease> leases;
  /// They wait for the next `releases_sent`.
  std::deque<lease_id> unreleased;

  bool is_saturated_for(const shape& what) const {
    return everything || shapes.count(what) != 0;
  }
};

struct queue_actor::state {
  queue_object object;
  std::vector<environment_address> environments;
  bool closing = false;
  bool jobs_ended = false;
  std::map<environment_uid, environment_link> links;
  runnable_jobs jobs;
  int64_t vcpu_milli_leased = 0;
  /// Once what `settle` emitted last is applied, it would emit nothing. Not
  /// part of the state: it is false after a load and after every change that is
  /// not its own, and only saves work.
  bool settled = false;

  explicit state(const queue_configured& first);

  environment_link* find_link(environment_uid environment);
  const environment_link* find_link(environment_uid environment) const;
  bool is_listed(environment_uid environment) const;
  void hold(environment_link& link, lease_id lease, const job_key& job,
            const shape& what);
  /// Whether it was held.
  bool let_go(environment_link& link, lease_id lease);

  /// What the queue asks of the environment at place `order` of its list (from
  /// 0): its next jobs in order, of the shapes for which all environments
  /// before are saturated, without those that can never fit there. At most
  /// `limits::demand_jobs_max` jobs; shapes that lie wholly behind the last of
  /// them follow as `beyond`.
  demand_runs demand_of(size_t order) const;
  /// Tells the environment a demand that it does not have yet.
  void tell(const environment_link& link, demand_runs runs, draft& out) const;
  /// Gives back the leases that wait for it.
  void give_back(const environment_link& link, draft& out) const;
  queue_address address() const { return {object.uid, object.shard}; }
};

} // namespace berth
