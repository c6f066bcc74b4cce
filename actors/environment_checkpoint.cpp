// A compute environment's row, fingerprint and invariants.
#include "actors/environment_state.hpp"
#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace berth {

namespace {

environment_queue_row row_of(const served_queue& queue) {
  environment_queue_row row{queue.address,
                            queue.priority,
                            queue.version,
                            queue.last_grant,
                            queue.grant_number,
                            queue.unmet,
                            queue.unacknowledged,
                            queue.everything,
                            {queue.shapes.begin(), queue.shapes.end()},
                            {},
                            {}};
  for (const auto& [what, reason] : queue.never)
    row.never.push_back({what, reason});
  for (const auto& [what, head] : queue.heads)
    row.heads.push_back({what, head.since_ms, head.agents});
  return row;
}

served_queue queue_of(environment_queue_row row) {
  served_queue queue;
  queue.address = row.queue;
  queue.priority = row.priority;
  queue.version = row.version;
  queue.last_grant = row.last_grant;
  queue.grant_number = row.grant_number;
  queue.unmet = std::move(row.unmet);
  queue.unacknowledged = std::move(row.unacknowledged);
  queue.everything = row.everything;
  queue.shapes = {row.shapes.begin(), row.shapes.end()};
  for (const auto& entry : row.never)
    queue.never.emplace(entry.what, entry.reason);
  for (auto& head : row.heads)
    queue.heads[head.what] = {head.since_ms, std::move(head.agents)};
  return queue;
}

} // namespace

std::string compute_environment_actor::to_row() const {
  environment_row row{state_->object, state_->next_lease, {}, {}, {}};
  for (const auto& [name, agent] : state_->agents)
    row.agents.push_back({name, agent.session, agent.capacity, agent.present,
                          agent.drains, agent.order});
  for (const auto& entry : state_->queues)
    row.queues.push_back(row_of(entry.second));
  std::map<const void*, size_t> places;
  for (const auto& kind : state_->kinds) {
    places[&kind] = row.leases.size();
    row.leases.push_back(
        {kind.first.queue, kind.first.what, kind.first.agent, {}});
  }
  for (const auto& [id, kind] : state_->leases)
    row.leases[places.at(&*kind)].leases.push_back(id);
  return encode(row);
}

std::optional<compute_environment_actor>
compute_environment_actor::from_row(std::string_view bytes) {
  auto row = decode<environment_row>(bytes);
  if (!row)
    return std::nullopt;
  compute_environment_actor made{environment_configured{row->object}};
  auto& state = *made.state_;
  state.next_lease = row->next_lease;
  for (auto& agent : row->agents)
    state.agents[agent.name] = {agent.session, agent.capacity, agent.capacity,
                                agent.present, agent.drains,   agent.order};
  for (auto& queue : row->queues) {
    auto uid = queue.queue.uid;
    state.queues[uid] = queue_of(std::move(queue));
  }
  for (const auto& kind : row->leases)
    for (auto id : kind.leases)
      state.hold(id, {kind.queue, kind.what, kind.agent});
  return made;
}

void compute_environment_actor::add_to(state_hash& hash) const {
  hash.add("environment", to_row());
}

void compute_environment_actor::check_invariants() const {
  std::map<std::string, resources> used;
  std::map<const void*, uint32_t> counted;
  int64_t vcpu_milli = 0;
  for (const auto& [id, kind] : state_->leases) {
    const auto& [queue, what, agent] = kind->first;
    BERTH_ASSERT(id < state_->next_lease, "leases are numbered upwards");
    BERTH_ASSERT(state_->queues.count(queue) != 0, "leases belong to queues");
    ++counted[&*kind];
    used[agent] += what.each;
    vcpu_milli += what.each.vcpu_milli;
  }
  BERTH_ASSERT(vcpu_milli == state_->vcpu_milli_leased,
               "leased vCPUs are the sum over the leases");
  BERTH_ASSERT(counted.size() == state_->kinds.size(),
               "every kind of lease has leases");
  for (const auto& kind : state_->kinds)
    BERTH_ASSERT(counted[&kind] == kind.second, "kinds count their leases");
  for (const auto& [name, agent] : state_->agents) {
    auto all = agent.free;
    all += used[name];
    auto whole = agent.capacity;
    whole += resources{0, 0, {}};
    BERTH_ASSERT(fits(all, whole) && fits(whole, all),
                 "what is free and what is leased make up the agent");
    BERTH_ASSERT(fits(used[name], agent.capacity), "no agent is overcommitted");
    BERTH_ASSERT(agent.present || used[name] == resources{},
                 "an agent that is gone holds no leases");
  }
  std::set<std::string> kept;
  for (const auto& [uid, queue] : state_->queues) {
    BERTH_ASSERT(queue.unmet.size() <= limits::demand_runs_max,
                 "a demand has a bounded number of runs");
    for (const auto& run : queue.unmet)
      BERTH_ASSERT(run.count > 0, "no run of a demand is empty");
    for (const auto& grant : queue.unacknowledged)
      BERTH_ASSERT(grant.grant_number > queue.last_grant
                       && grant.grant_number <= queue.grant_number,
                   "only later grants are unacknowledged");
    for (const auto& [what, reason] : queue.never)
      BERTH_ASSERT(queue.shapes.count(what) != 0,
                   "what can never fit counts as saturated");
    for (const auto& [what, head] : queue.heads)
      for (const auto& name : head.agents) {
        BERTH_ASSERT(kept.insert(name).second,
                     "an agent is kept for one head only");
        BERTH_ASSERT(state_->agents.count(name) != 0
                         && state_->agents.at(name).takes_work(),
                     "only agents that are there are kept");
      }
  }
}

} // namespace berth
