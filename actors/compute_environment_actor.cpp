#include "actors/compute_environment_actor.hpp"

#include "actors/environment_state.hpp"

#include <algorithm>

namespace berth {

bool compute_environment_actor::state::has_agents() const {
  return std::any_of(agents.begin(), agents.end(), [](const auto& entry) {
    return entry.second.takes_work();
  });
}

bool compute_environment_actor::state::serves() const {
  return object.settings.state == object_state::enabled && !is_being_deleted()
         && has_agents();
}

int64_t compute_environment_actor::state::head_wait_ms() const {
  return object.settings.head_wait_ms.value_or(defaults.head_wait_ms);
}

std::optional<int64_t>
compute_environment_actor::state::vcpu_milli_left() const {
  if (object.settings.type != environment_type::managed)
    return std::nullopt;
  return object.settings.max_vcpus * 1000 - vcpu_milli_leased;
}

std::optional<unserviceable_reason>
compute_environment_actor::state::never_fits(const shape& what) const {
  if (object.settings.type == environment_type::managed
      && what.each.vcpu_milli > object.settings.max_vcpus * 1000)
    return unserviceable_reason::over_environment_maximum;
  auto holds = [&](const auto& entry) {
    return entry.second.takes_work() && fits(what.each, entry.second.capacity);
  };
  if (what.node_count != 1 || std::none_of(agents.begin(), agents.end(), holds))
    return unserviceable_reason::over_every_agent;
  return std::nullopt;
}

void compute_environment_actor::state::refuse_everything(draft& out) const {
  for (const auto& [uid, queue] : queues) {
    if (queue.everything)
      continue;
    out.emit(saturation_told{object.uid, uid, true, {}, {}});
    out.send(queue.address.shard,
             saturated{uid, object.uid, queue.version, true, {}, {}});
  }
}

compute_environment_actor::compute_environment_actor(
    const environment_configured& first)
    : state_(std::make_unique<state>(first)) {}
compute_environment_actor::~compute_environment_actor() = default;
compute_environment_actor::compute_environment_actor(
    compute_environment_actor&&) noexcept = default;
compute_environment_actor& compute_environment_actor::operator=(
    compute_environment_actor&&) noexcept = default;

void compute_environment_actor::set_defaults(
    const environment_defaults& defaults) {
  state_->defaults = defaults;
  state_->settled = false;
}

void compute_environment_actor::decide(const configure_environment& m,
                                       const decision_context&,
                                       draft& out) const {
  auto object = m.object;
  // Its end has been asked for, and cannot be taken back.
  if (state_->is_being_deleted())
    object.status = object_status::deleting;
  if (object != state_->object)
    out.emit(environment_configured{std::move(object)});
}

void compute_environment_actor::decide(const remove_environment& m,
                                       const decision_context&,
                                       draft& out) const {
  if (state_->leases.empty()) {
    state_->refuse_everything(out);
    out.emit(environment_dropped{m.uid});
    return;
  }
  if (state_->is_being_deleted())
    return;
  auto object = state_->object;
  object.status = object_status::deleting;
  out.emit(environment_configured{std::move(object)});
}

void compute_environment_actor::decide(const demand& m, const decision_context&,
                                       draft& out) const {
  auto known = state_->queues.find(m.queue.uid);
  if (known != state_->queues.end() && m.version <= known->second.version)
    return;
  out.emit(demand_noted{m.environment, m.queue, m.priority, m.version,
                        m.last_grant, m.runs});
}

void compute_environment_actor::decide(const release& m,
                                       const decision_context&,
                                       draft& out) const {
  std::set<lease_id> freed;
  for (auto id : m.leases) {
    auto found = state_->leases.find(id);
    if (found != state_->leases.end()
        && found->second->first.queue == m.queue.uid)
      freed.insert(id);
  }
  if (freed.empty())
    return;
  out.emit(leases_freed{m.environment, {freed.begin(), freed.end()}});
  if (state_->is_being_deleted() && freed.size() == state_->leases.size()) {
    state_->refuse_everything(out);
    out.emit(environment_dropped{m.environment});
  }
}

void compute_environment_actor::decide(const agent_joins& m,
                                       const decision_context& context,
                                       draft& out) const {
  auto known = state_->agents.find(m.agent.name);
  if (known != state_->agents.end()) {
    if (m.session < known->second.session)
      return;
    if (m.session == known->second.session) {
      auto order = known->second.order;
      auto is_later = order == 0 && m.order == 0
                          ? known->second.drains != (m.capacity == resources{})
                          : m.order > order;
      if (known->second.present && is_later)
        out.emit(agent_joined{m.agent, m.session, m.capacity, context.now_ms,
                              m.order});
      return;
    }
    if (known->second.present)
      end_session(m.agent, known->second.session, out);
    if (drops_with(m.agent.name, out))
      return;
  }
  out.emit(
      agent_joined{m.agent, m.session, m.capacity, context.now_ms, m.order});
}

void compute_environment_actor::decide(const agent_lost_call& m,
                                       draft& out) const {
  auto known = state_->agents.find(m.agent.name);
  if (known == state_->agents.end() || !known->second.present
      || known->second.session != m.session)
    return;
  end_session(m.agent, m.session, out);
  drops_with(m.agent.name, out);
}

/// An environment that is being deleted goes with its last leases.
bool compute_environment_actor::drops_with(const std::string& agent,
                                           draft& out) const {
  auto is_elsewhere = [&](const auto& lease) {
    return lease.second->first.agent != agent;
  };
  if (!state_->is_being_deleted()
      || std::any_of(state_->leases.begin(), state_->leases.end(),
                     is_elsewhere))
    return false;
  state_->refuse_everything(out);
  out.emit(environment_dropped{state_->object.uid});
  return true;
}

void compute_environment_actor::end_session(const agent_id& agent,
                                            session_id session,
                                            draft& out) const {
  out.emit(agent_session_ended{agent, session});
  std::map<queue_uid, std::vector<lease_id>> lost;
  for (const auto& [id, kind] : state_->leases)
    if (kind->first.agent == agent.name)
      lost[kind->first.queue].push_back(id);
  for (auto& [queue, leases] : lost)
    out.send(state_->queues.at(queue).address.shard,
             lease_lost{queue, state_->object.uid, std::move(leases),
                        lease_lost_reason::session_over});
}

bool compute_environment_actor::is_settled() const {
  return state_->settled;
}

environment_uid compute_environment_actor::uid() const {
  return state_->object.uid;
}

const environment_object& compute_environment_actor::object() const {
  return state_->object;
}

std::optional<int64_t> compute_environment_actor::next_due_ms() const {
  std::optional<int64_t> due;
  if (!state_->serves())
    return due;
  std::set<std::string> kept;
  for (const auto& entry : state_->queues)
    for (const auto& head : entry.second.heads)
      kept.insert(head.second.agents.begin(), head.second.agents.end());
  for (const auto& [uid, queue] : state_->queues) {
    for (const auto& run : queue.unmet) {
      if (state_->never_fits(run.what))
        continue;
      auto head = queue.heads.find(run.what);
      if (head == queue.heads.end() || !head->second.agents.empty())
        break;
      // With every agent that could hold it kept for others, only a change of
      // those helps, not time.
      auto can_be_kept = [&](const auto& agent) {
        return agent.second.takes_work() && kept.count(agent.first) == 0
               && fits(run.what.each, agent.second.capacity);
      };
      auto at = head->second.since_ms + state_->head_wait_ms();
      if ((!due || at < *due)
          && std::any_of(state_->agents.begin(), state_->agents.end(),
                         can_be_kept))
        due = at;
      break;
    }
  }
  return due;
}

std::vector<compute_environment_actor::agent_view>
compute_environment_actor::agents() const {
  std::set<std::string> kept;
  for (const auto& entry : state_->queues)
    for (const auto& head : entry.second.heads)
      kept.insert(head.second.agents.begin(), head.second.agents.end());
  std::vector<agent_view> views;
  for (const auto& [name, agent] : state_->agents)
    if (agent.present)
      views.push_back({name, agent.session, agent.capacity, agent.free,
                       kept.count(name) != 0, agent.drains});
  return views;
}

int64_t compute_environment_actor::vcpu_milli_leased() const {
  return state_->vcpu_milli_leased;
}

int64_t compute_environment_actor::desired_vcpus() const {
  const auto& settings = state_->object.settings;
  if (settings.type != environment_type::managed)
    return 0;
  auto wanted = state_->vcpu_milli_leased;
  for (const auto& entry : state_->queues)
    for (const auto& run : entry.second.unmet)
      if (!state_->never_fits(run.what))
        wanted += run.what.each.vcpu_milli * run.count;
  return std::max(settings.min_vcpus,
                  std::min((wanted + 999) / 1000, settings.max_vcpus));
}

compute_environment_actor::contention
compute_environment_actor::contention_for(queue_uid queue,
                                          const shape& what) const {
  contention found;
  auto asking = state_->queues.find(queue);
  for (const auto& [uid, other] : state_->queues) {
    auto is_served_first = uid != queue && asking != state_->queues.end()
                           && other.priority > asking->second.priority
                           && !other.unmet.empty();
    if (is_served_first
        && (!found.higher_priority || other.priority > *found.higher_priority))
      found.higher_priority = other.priority;
    for (const auto& [shape, head] : other.heads)
      if (!head.agents.empty() && !(uid == queue && shape == what)
          && found.reserved_for.empty())
        found.reserved_for = to_string(shape.each);
  }
  return found;
}

} // namespace berth
