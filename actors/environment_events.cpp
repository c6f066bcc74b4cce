// How a compute environment's state follows its events.
#include "actors/environment_state.hpp"

#include <algorithm>

namespace berth {

void compute_environment_actor::state::hold(lease_id lease,
                                            const lease_kind& kind) {
  auto at = kinds.try_emplace(kind, 0).first;
  if (!leases.try_emplace(lease, at).second) {
    if (at->second == 0)
      kinds.erase(at);
    return;
  }
  ++at->second;
  vcpu_milli_leased += kind.what.each.vcpu_milli;
  agents[kind.agent].free -= kind.what.each;
}

void compute_environment_actor::state::free(lease_id lease) {
  auto found = leases.find(lease);
  if (found == leases.end())
    return;
  auto kind = found->second;
  const auto& each = kind->first.what.each;
  vcpu_milli_leased -= each.vcpu_milli;
  agents[kind->first.agent].free += each;
  leases.erase(found);
  if (--kind->second == 0)
    kinds.erase(kind);
}

void compute_environment_actor::state::keep_no_more(const std::string& agent) {
  for (auto& entry : queues)
    for (auto& head : entry.second.heads)
      std::erase(head.second.agents, agent);
}

void compute_environment_actor::apply(const environment_configured& e) {
  state_->settled = false;
  state_->object = *e.object;
}

void compute_environment_actor::apply(const agent_joined& e) {
  state_->settled = false;
  auto& agent = state_->agents[e.agent.name];
  if (agent.present && agent.session == e.session) {
    agent.order = e.order;
    agent.drains = e.capacity == resources{};
    if (agent.drains)
      state_->keep_no_more(e.agent.name);
    // Who drained when its session began says only now what it offers.
    if (agent.capacity == resources{})
      agent.capacity = agent.free = e.capacity;
    return;
  }
  agent = {e.session, e.capacity, e.capacity, true, e.capacity == resources{},
           e.order};
}

void compute_environment_actor::apply(const agent_session_ended& e) {
  state_->settled = false;
  auto known = state_->agents.find(e.agent.name);
  if (known == state_->agents.end() || known->second.session != e.session)
    return;
  std::vector<lease_id> lost;
  for (const auto& [id, kind] : state_->leases)
    if (kind->first.agent == e.agent.name)
      lost.push_back(id);
  for (auto id : lost)
    state_->free(id);
  known->second.present = false;
  known->second.drains = false;
  state_->keep_no_more(e.agent.name);
}

void compute_environment_actor::apply(const demand_noted& e) {
  state_->settled = false;
  auto& queue = state_->queues[e.queue.uid];
  queue.address = e.queue;
  queue.priority = e.priority;
  queue.version = e.version;
  queue.last_grant = e.last_grant;
  queue.unmet = e.runs;
  auto& grants = queue.unacknowledged;
  grants.erase(std::remove_if(grants.begin(), grants.end(),
                              [&](const unacknowledged_grant& g) {
                                return g.grant_number <= e.last_grant;
                              }),
               grants.end());
  for (const auto& g : grants)
    deduct(queue.unmet, g.what, g.count);
}

void compute_environment_actor::apply(const leases_granted& e) {
  auto& queue = state_->queues[e.queue.uid];
  queue.address = e.queue;
  queue.grant_number = std::max(queue.grant_number, e.grant_number);
  deduct(queue.unmet, e.what, e.count);
  auto& grants = queue.unacknowledged;
  if (!grants.empty() && grants.back().grant_number == e.grant_number
      && grants.back().what == e.what)
    grants.back().count += e.count;
  else
    grants.push_back({e.grant_number, e.what, e.count});
  state::lease_kind kind{e.queue.uid, e.what, e.agent};
  for (uint32_t i = 0; i < e.count; ++i)
    state_->hold(lease_id{e.first_lease.value + i}, kind);
  state_->next_lease.value =
      std::max(state_->next_lease.value, e.first_lease.value + e.count);
}

void compute_environment_actor::apply(const leases_freed& e) {
  state_->settled = false;
  for (auto lease : e.leases)
    state_->free(lease);
}

void compute_environment_actor::apply(const saturation_told& e) {
  auto& queue = state_->queues[e.queue];
  queue.everything = e.everything;
  queue.shapes = {e.shapes.begin(), e.shapes.end()};
  queue.never.clear();
  for (const auto& entry : e.never)
    queue.never.emplace(entry.what, entry.reason);
}

void compute_environment_actor::apply(const head_blocked& e) {
  state_->queues[e.queue].heads[e.what] = {e.since_ms, {}};
}

void compute_environment_actor::apply(const head_unblocked& e) {
  state_->queues[e.queue].heads.erase(e.what);
}

void compute_environment_actor::apply(const agents_reserved& e) {
  state_->queues[e.queue].heads[e.what].agents = e.agents;
}

} // namespace berth
