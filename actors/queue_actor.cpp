#include "actors/queue_actor.hpp"

#include "actors/queue_state.hpp"
#include "messages/simulation.hpp"

#include <algorithm>

namespace berth {

queue_actor::state::state(const queue_configured& first)
    : object(*first.object), environments(first.environments) {
  for (const auto& environment : environments)
    links[environment.uid].address = environment;
}

environment_link* queue_actor::state::find_link(environment_uid environment) {
  auto found = links.find(environment);
  return found == links.end() ? nullptr : &found->second;
}

const environment_link*
queue_actor::state::find_link(environment_uid environment) const {
  auto found = links.find(environment);
  return found == links.end() ? nullptr : &found->second;
}

bool queue_actor::state::is_listed(environment_uid environment) const {
  return std::any_of(
      environments.begin(), environments.end(),
      [&](const environment_address& e) { return e.uid == environment; });
}

queue_actor::queue_actor(const queue_configured& first)
    : state_(std::make_unique<state>(first)) {}
queue_actor::~queue_actor() = default;
queue_actor::queue_actor(queue_actor&&) noexcept = default;
queue_actor& queue_actor::operator=(queue_actor&&) noexcept = default;

void queue_actor::decide(const configure_queue& m, const decision_context&,
                         draft& out) const {
  if (m.object == state_->object && m.environments == state_->environments)
    return;
  out.emit(queue_configured{m.object, m.environments});
}

void queue_actor::decide(const remove_queue& m, const decision_context& context,
                         draft& out) const {
  if (state_->closing)
    return;
  out.emit(queue_closing{m.uid});
  out.send(context.self, end_jobs_of_queue{m.uid});
}

void queue_actor::decide(const jobs_of_queue_ended& m, const decision_context&,
                         draft& out) const {
  if (state_->closing && !state_->jobs_ended)
    out.emit(queue_jobs_ended{m.queue});
}

void queue_actor::decide(const enqueue_jobs& m, const decision_context&,
                         draft& out) const {
  auto range = make_runnable_range(m.jobs, m.position, m.submitted_ms);
  if (range.size() == 0 || state_->jobs.contains_all(m.what, range))
    return;
  out.emit(jobs_enqueued{m.queue, m.jobs, m.position, m.what, m.submitted_ms});
}

void queue_actor::decide(const withdraw_jobs& m, const decision_context&,
                         draft& out) const {
  if (state_->jobs.contains_any(m.what,
                                make_runnable_range(m.jobs, m.position, 0)))
    out.emit(jobs_withdrawn{m.queue, m.jobs, m.position, m.what});
}

namespace {

/// The leases of a grant by shape, each group in the grant's order.
std::vector<std::vector<const lease*>>
by_shape(const std::vector<lease>& leases) {
  std::vector<std::vector<const lease*>> groups;
  std::map<shape, size_t> places;
  for (const auto& one : leases) {
    if (groups.empty() || groups.back().front()->what != one.what) {
      auto [place, is_new] = places.try_emplace(one.what, groups.size());
      if (!is_new) {
        groups[place->second].push_back(&one);
        continue;
      }
      groups.emplace_back();
    }
    groups.back().push_back(&one);
  }
  return groups;
}

} // namespace

void queue_actor::decide(const grant& m, const decision_context& context,
                         draft& out) const {
  const auto* link = state_->find_link(m.environment);
  if (!link || m.grant_number != link->last_grant + 1)
    return;
  auto wanted = !state_->closing && state_->is_listed(m.environment);
  std::vector<lease_id> unwanted;
  for (const auto& group : by_shape(m.leases)) {
    const auto& what = group.front()->what;
    auto jobs = state_->jobs.first_of(what, wanted ? group.size() : 0);
    if (broken(breakage::newest_first) && wanted) {
      jobs = state_->jobs.first_of(what, SIZE_MAX);
      std::reverse(jobs.begin(), jobs.end());
    }
    leases_matched matched{m.queue,
                           m.environment,
                           m.grant_number,
                           what,
                           {},
                           static_cast<uint32_t>(group.size())};
    matched.matches.reserve(jobs.size());
    for (size_t i = 0; i < group.size(); ++i) {
      const auto& one = *group[i];
      if (i >= jobs.size()) {
        unwanted.push_back(one.id);
        continue;
      }
      matched.matches.push_back({one.id, jobs[i].first, jobs[i].second});
      out.send(context.self, place_job{jobs[i].first, one.id, m.environment,
                                       one.agent, one.session});
    }
    out.emit(std::move(matched));
  }
  if (!unwanted.empty())
    out.emit(
        leases_finished{m.queue, m.environment, std::move(unwanted), false});
}

void queue_actor::decide(const saturated& m, const decision_context&,
                         draft& out) const {
  const auto* link = state_->find_link(m.environment);
  if (!link)
    return;
  std::set<shape> shapes{m.shapes.begin(), m.shapes.end()};
  std::map<shape, unserviceable_reason> never;
  for (const auto& entry : m.never)
    never.emplace(entry.what, entry.reason);
  if (link->everything == m.everything && link->shapes == shapes
      && link->never == never)
    return;
  out.emit(saturation_noted{m.queue, m.environment, m.everything, m.shapes,
                            m.never});
}

void queue_actor::decide(const lease_lost& m, const decision_context& context,
                         draft& out) const {
  const auto* link = state_->find_link(m.environment);
  if (!link)
    return;
  std::vector<lease_id> lost;
  for (auto id : m.leases) {
    auto held = link->leases.find(id);
    if (held == link->leases.end())
      continue;
    lost.push_back(id);
    out.send(context.self,
             attempt_lost{held->second.job, m.environment, id, m.reason});
  }
  if (!lost.empty())
    out.emit(leases_finished{m.queue, m.environment, std::move(lost), true});
}

void queue_actor::decide(const finish_lease& m, const decision_context&,
                         draft& out) const {
  const auto* link = state_->find_link(m.environment);
  if (!link)
    return;
  auto held = link->leases.find(m.lease);
  if (held != link->leases.end() && held->second.job == m.job)
    out.emit(leases_finished{m.queue, m.environment, {m.lease}, false});
}

queue_uid queue_actor::uid() const {
  return state_->object.uid;
}

const queue_object& queue_actor::object() const {
  return state_->object;
}

const std::vector<environment_address>& queue_actor::environments() const {
  return state_->environments;
}

bool queue_actor::admits() const {
  return !state_->closing
         && state_->object.settings.state == object_state::enabled;
}

bool queue_actor::is_settled() const {
  return state_->settled;
}

bool queue_actor::is_closing() const {
  return state_->closing;
}

bool queue_actor::is_gone() const {
  return state_->closing && state_->jobs_ended
         && std::all_of(state_->links.begin(), state_->links.end(),
                        [](const auto& entry) {
                          const auto& link = entry.second;
                          return link.leases.empty() && link.told.empty()
                                 && link.unreleased.empty();
                        });
}

size_t queue_actor::runnable_count() const {
  return state_->jobs.count();
}

int64_t queue_actor::vcpu_milli_leased() const {
  return state_->vcpu_milli_leased;
}

namespace {

queue_entry entry_of(const runnable_walk& walk) {
  const auto& range = walk.range();
  return {range.jobs(), range.position, walk.what(), range.submitted_ms};
}

} // namespace

std::vector<std::pair<job_key, queue_entry>>
queue_actor::front(size_t limit) const {
  std::vector<std::pair<job_key, queue_entry>> found;
  runnable_walk walk{state_->jobs};
  while (found.size() < limit && walk.next())
    for (auto i = walk.range().first;
         i < walk.range().last && found.size() < limit; ++i)
      found.push_back({job_key{walk.range().id, i}, entry_of(walk)});
  return found;
}

std::vector<queue_entry> queue_actor::entries_after(queue_position position,
                                                    int32_t index,
                                                    size_t limit) const {
  std::vector<queue_entry> found;
  runnable_walk walk{state_->jobs, {position, index}};
  while (found.size() < limit && walk.next())
    found.push_back(entry_of(walk));
  return found;
}

size_t queue_actor::jobs_before(queue_position position, int32_t index,
                                size_t limit) const {
  size_t count = 0;
  runnable_walk walk{state_->jobs};
  while (count < limit && walk.next()) {
    const auto& range = walk.range();
    if (runnable_jobs::place{range.position, range.first}
        >= runnable_jobs::place{position, index})
      break;
    auto last =
        range.position == position ? std::min(range.last, index) : range.last;
    count += static_cast<size_t>(last - range.first);
  }
  return std::min(count, limit);
}

std::vector<queue_actor::environment_answer>
queue_actor::answers_for(const shape& what) const {
  std::vector<environment_answer> answers;
  for (const auto& environment : state_->environments) {
    const auto& link = state_->links.at(environment.uid);
    environment_answer answer{environment, link.everything,
                              link.is_saturated_for(what), std::nullopt};
    if (auto never = link.never.find(what); never != link.never.end())
      answer.never = never->second;
    answers.push_back(std::move(answer));
  }
  return answers;
}

} // namespace berth
