// How a queue's state follows its events.
#include "actors/queue_state.hpp"

#include <algorithm>

namespace berth {

void queue_actor::state::hold(environment_link& link, lease_id lease,
                              const job_key& job, const shape& what) {
  auto vcpu_milli = what.each.vcpu_milli;
  if (link.leases
          .try_emplace(lease, environment_link::held_lease{job, vcpu_milli})
          .second)
    vcpu_milli_leased += vcpu_milli;
}

bool queue_actor::state::let_go(environment_link& link, lease_id lease) {
  auto held = link.leases.find(lease);
  if (held == link.leases.end())
    return false;
  vcpu_milli_leased -= held->second.vcpu_milli;
  link.leases.erase(held);
  return true;
}

void queue_actor::apply(const queue_configured& e) {
  state_->settled = false;
  state_->object = *e.object;
  state_->environments = e.environments;
  for (const auto& environment : e.environments)
    state_->links[environment.uid].address = environment;
}

void queue_actor::apply(const queue_closing&) {
  state_->settled = false;
  state_->closing = true;
}

void queue_actor::apply(const queue_jobs_ended&) {
  state_->jobs_ended = true;
}

void queue_actor::apply(const jobs_enqueued& e) {
  state_->settled = false;
  state_->jobs.add(e.what,
                   make_runnable_range(e.jobs, e.position, e.submitted_ms));
}

void queue_actor::apply(const jobs_withdrawn& e) {
  state_->settled = false;
  auto range = make_runnable_range(e.jobs, e.position, 0);
  state_->jobs.remove(e.what, range.position, range.first, range.last);
}

void queue_actor::apply(const demand_told& e) {
  auto* link = state_->find_link(e.environment);
  if (!link)
    return;
  link->priority = e.priority;
  link->version = e.version;
  link->told = e.runs;
}

void queue_actor::apply(const leases_matched& e) {
  state_->settled = false;
  auto* link = state_->find_link(e.environment);
  if (!link)
    return;
  link->last_grant = e.grant_number;
  deduct(link->told, e.what, e.granted);
  state_->jobs.remove(e.what, e.matches);
  for (const auto& match : e.matches)
    state_->hold(*link, match.lease, match.job, e.what);
}

void queue_actor::apply(const saturation_noted& e) {
  state_->settled = false;
  auto* link = state_->find_link(e.environment);
  if (!link)
    return;
  link->everything = e.everything;
  link->shapes = {e.shapes.begin(), e.shapes.end()};
  link->never.clear();
  for (const auto& entry : e.never)
    link->never.emplace(entry.what, entry.reason);
}

void queue_actor::apply(const leases_finished& e) {
  state_->settled = false;
  auto* link = state_->find_link(e.environment);
  if (!link)
    return;
  for (auto lease : e.leases) {
    state_->let_go(*link, lease);
    if (!e.lost)
      link->unreleased.push_back(lease);
  }
}

void queue_actor::apply(const releases_sent& e) {
  auto* link = state_->find_link(e.environment);
  if (!link)
    return;
  auto count = std::min<uint64_t>(e.count, link->unreleased.size());
  link->unreleased.erase(link->unreleased.begin(),
                         link->unreleased.begin()
                             + static_cast<ptrdiff_t>(count));
}

void queue_actor::restore_entry(const queue_entry& entry) {
  state_->settled = false;
  state_->jobs.add(entry.what, make_runnable_range(entry.jobs, entry.position,
                                                   entry.submitted_ms));
}

void queue_actor::restore_lease(environment_uid environment, lease_id lease,
                                const job_key& job, const shape& what) {
  state_->settled = false;
  if (auto* link = state_->find_link(environment))
    state_->hold(*link, lease, job, what);
}

} // namespace berth
