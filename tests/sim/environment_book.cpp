#include "tests/sim/environment_book.hpp"

#include <algorithm>

namespace berth::sim {

namespace {

/// What is left of the count.
uint32_t deduct(std::vector<demand_run>& runs, const shape& what,
                uint32_t count) {
  for (auto& run : runs) {
    if (run.what != what)
      continue;
    auto taken = std::min(run.count, count);
    run.count -= taken;
    count -= taken;
  }
  std::erase_if(runs, [](const demand_run& run) { return run.count == 0; });
  return count;
}

/// Told jobs come before those that lie beyond.
void deduct(book_demand& from, const shape& what, uint32_t count) {
  deduct(from.beyond, what, deduct(from.unmet, what, count));
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

bool book_demand::asks_for(const shape& what) const {
  auto is_asked = [&](const demand_run& run) { return run.what == what; };
  return std::any_of(unmet.begin(), unmet.end(), is_asked)
         || std::any_of(beyond.begin(), beyond.end(), is_asked);
}

bool book_environment::serves() const {
  return object.settings.state == object_state::enabled
         && object.status != object_status::deleting
         && std::any_of(agents.begin(), agents.end(),
                        [](const auto& e) { return e.second.takes_work(); });
}

bool book_environment::could_hold(const shape& what) const {
  if (is_managed() && what.each.vcpu_milli > object.settings.max_vcpus * 1000)
    return false;
  return what.node_count == 1
         && std::any_of(agents.begin(), agents.end(), [&](const auto& e) {
              return e.second.takes_work()
                     && fits(what.each, e.second.capacity);
            });
}

bool book_environment::has_room(
    queue_uid queue, const shape& what,
    const std::vector<agents_reserved>& also) const {
  if (!serves() || !could_hold(what))
    return false;
  std::vector<std::string> kept;
  auto left = object.settings.max_vcpus * 1000 - vcpu_milli_leased;
  auto keep = [&](queue_uid owner, const shape& head,
                  const std::vector<std::string>& names) {
    if (names.empty() || (owner == queue && head == what))
      return;
    kept.insert(kept.end(), names.begin(), names.end());
    left -= head.each.vcpu_milli;
  };
  for (const auto& [owner, demand] : demands)
    for (const auto& [head, names] : demand.kept)
      if (demand.asks_for(head) && could_hold(head))
        keep(owner, head, names);
  for (const auto& r : also)
    if (r.environment == object.uid)
      keep(r.queue, r.what, r.agents);
  if (is_managed() && what.each.vcpu_milli > left)
    return false;
  return std::any_of(agents.begin(), agents.end(), [&](const auto& e) {
    return e.second.takes_work() && !contains(kept, e.first)
           && fits(what.each, e.second.free);
  });
}

void book_environment::keep_no_more(const std::string& agent) {
  for (auto& [queue, demand] : demands)
    for (auto& [what, names] : demand.kept)
      std::erase(names, agent);
}

void environment_book::free(book_environment& environment, lease_id lease) {
  auto found = environment.leases.find(lease);
  if (found == environment.leases.end())
    return;
  const auto& each = found->second.what.each;
  environment.vcpu_milli_leased -= each.vcpu_milli;
  environment.agents[found->second.agent].free += each;
  environment.leases.erase(found);
}

/// Said again in a session with no capacity: it drains; else: no more. What it
/// offers it says once.
void environment_book::fold(const agent_joined& e) {
  auto found = environments_.find(e.agent.environment);
  if (found == environments_.end())
    return;
  auto& agent = found->second.agents[e.agent.name];
  auto drains = e.capacity == resources{};
  auto is_known = agent.present && agent.session == e.session;
  if (!is_known || agent.capacity == resources{})
    agent = {e.session, e.capacity, e.capacity, true, drains};
  agent.drains = drains;
  if (drains)
    found->second.keep_no_more(e.agent.name);
}

void environment_book::fold(const event& e) {
  if (const auto* x = std::get_if<environment_configured>(&e)) {
    environments_[x->object->uid].object = *x->object;
  } else if (const auto* x = std::get_if<environment_dropped>(&e)) {
    environments_.erase(x->environment);
  } else if (const auto* x = std::get_if<agent_joined>(&e)) {
    fold(*x);
  } else if (const auto* x = std::get_if<agent_session_ended>(&e)) {
    auto found = environments_.find(x->agent.environment);
    if (found == environments_.end())
      return;
    auto& environment = found->second;
    auto agent = environment.agents.find(x->agent.name);
    if (agent == environment.agents.end()
        || agent->second.session != x->session)
      return;
    std::vector<lease_id> lost;
    for (const auto& [id, lease] : environment.leases)
      if (lease.agent == x->agent.name)
        lost.push_back(id);
    for (auto id : lost)
      free(environment, id);
    agent->second.present = false;
    environment.keep_no_more(x->agent.name);
  } else if (const auto* x = std::get_if<demand_noted>(&e)) {
    auto found = environments_.find(x->environment);
    if (found == environments_.end())
      return;
    auto& demand = found->second.demands[x->queue.uid];
    demand.priority = x->priority;
    demand.unmet.clear();
    demand.beyond.clear();
    for (const auto& run : x->runs)
      (run.beyond ? demand.beyond : demand.unmet).push_back(run);
    std::erase_if(demand.unacknowledged,
                  [&](const auto& g) { return g.number <= x->last_grant; });
    for (const auto& g : demand.unacknowledged)
      deduct(demand, g.what, g.count);
  } else if (const auto* x = std::get_if<leases_granted>(&e)) {
    auto found = environments_.find(x->environment);
    if (found == environments_.end())
      return;
    auto& environment = found->second;
    auto& demand = environment.demands[x->queue.uid];
    demand.unacknowledged.push_back({x->grant_number, x->what, x->count});
    deduct(demand, x->what, x->count);
    for (uint32_t i = 0; i < x->count; ++i) {
      environment.leases.insert_or_assign(
          lease_id{x->first_lease.value + i},
          book_lease{x->queue.uid, x->what, x->agent});
      environment.vcpu_milli_leased += x->what.each.vcpu_milli;
      environment.agents[x->agent].free -= x->what.each;
    }
  } else if (const auto* x = std::get_if<leases_freed>(&e)) {
    auto found = environments_.find(x->environment);
    if (found != environments_.end())
      for (auto lease : x->leases)
        free(found->second, lease);
  } else if (const auto* x = std::get_if<agents_reserved>(&e)) {
    auto found = environments_.find(x->environment);
    if (found != environments_.end())
      found->second.demands[x->queue].kept[x->what] = x->agents;
  } else if (const auto* x = std::get_if<head_unblocked>(&e)) {
    auto found = environments_.find(x->environment);
    if (found != environments_.end())
      found->second.demands[x->queue].kept.erase(x->what);
  } else if (const auto* x = std::get_if<head_blocked>(&e)) {
    auto found = environments_.find(x->environment);
    if (found != environments_.end())
      found->second.demands[x->queue].kept.erase(x->what);
  }
}

const book_environment* environment_book::find(environment_uid uid) const {
  auto found = environments_.find(uid);
  return found == environments_.end() ? nullptr : &found->second;
}

} // namespace berth::sim
