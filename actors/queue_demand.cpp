#include "actors/queue_state.hpp"
#include "messages/limits.hpp"
#include "messages/simulation.hpp"

#include <algorithm>

namespace berth {

namespace {

using shape_entry = runnable_jobs::shape_map::value_type;

constexpr size_t runs_in_order_max =
    limits::demand_runs_max - limits::demand_runs_beyond_max;

/// Builds the runs of one demand while it walks the jobs in order.
class demand_builder {
public:
  demand_builder(runnable_walk walk, const environment_link& link)
      : walk_(std::move(walk)), link_(link) {}

  demand_runs build() {
    auto cut_short = false;
    while (!cut_short && next_possible()) {
      cut_short = !take(walk_.range().size());
      if (auto rest = walk_.rest_of_only_shape(); rest && !cut_short) {
        take(*rest);
        return std::move(runs_);
      }
    }
    if (cut_short)
      add_beyond();
    return std::move(runs_);
  }

private:
  /// The walk's next range of a shape that is not known never to fit.
  bool next_possible() {
    while (walk_.next()) {
      if (link_.never.count(walk_.what()) == 0)
        return true;
      walk_.leave_shape();
    }
    return false;
  }

  /// Appends so many jobs of the current shape; false when the demand is full.
  bool take(size_t count) {
    if (count == 0)
      return true;
    auto room = jobs_max_ - std::min(jobs_, jobs_max_);
    if (runs_.empty() || last_ != &walk_.what()) {
      if (runs_.size() == runs_in_order_max || room == 0)
        return false;
      runs_.push_back({walk_.what(), 0, walk_.range().submitted_ms, false});
      last_ = &walk_.what();
    }
    auto taken = std::min(count, room);
    runs_.back().count += static_cast<uint32_t>(taken);
    jobs_ += taken;
    return taken == count;
  }

  void add_beyond() {
    auto in_order = runs_.size();
    do {
      const auto& what = walk_.what();
      auto told = std::any_of(
          runs_.begin(), runs_.begin() + static_cast<ptrdiff_t>(in_order),
          [&](const demand_run& run) { return run.what == what; });
      if (!told) {
        auto count =
            std::min(walk_.count_of_shape(), limits::demand_jobs_beyond_max);
        runs_.push_back({what, static_cast<uint32_t>(count),
                         walk_.range().submitted_ms, true});
      }
      walk_.leave_shape();
    } while (runs_.size() < in_order + limits::demand_runs_beyond_max
             && next_possible());
  }

  runnable_walk walk_;
  const environment_link& link_;
  demand_runs runs_;
  const shape* last_ = nullptr;
  size_t jobs_ = 0;
  size_t jobs_max_ = rarely("demand few jobs") ? 2 : limits::demand_jobs_max;
};

} // namespace

demand_runs queue_actor::state::demand_of(size_t order) const {
  if (closing || jobs.count() == 0)
    return {};
  const auto& link = links.at(environments[order].uid);
  // The shapes that an environment refused are few, those queued may be many:
  // so start from the former where any environment before still takes others.
  const environment_link* narrowest = nullptr;
  for (size_t i = 0; i < order; ++i) {
    const auto& before = links.at(environments[i].uid);
    if (!before.everything
        && (!narrowest || before.shapes.size() < narrowest->shapes.size()))
      narrowest = &before;
  }
  if (!narrowest)
    return demand_builder{runnable_walk{jobs}, link}.build();
  std::vector<const shape_entry*> only;
  for (const auto& what : narrowest->shapes) {
    auto queued = jobs.shapes().find(what);
    auto refused = [&](const environment_address& before) {
      return links.at(before.uid).is_saturated_for(what);
    };
    if (queued != jobs.shapes().end()
        && std::all_of(environments.begin(),
                       environments.begin() + static_cast<ptrdiff_t>(order),
                       refused))
      only.push_back(&*queued);
  }
  return demand_builder{runnable_walk{jobs, only}, link}.build();
}

void queue_actor::state::tell(const environment_link& link, demand_runs runs,
                              draft& out) const {
  auto priority = object.settings.priority;
  auto known = same_demand(link.told, runs)
               && (runs.empty() || link.priority == priority);
  if (known)
    return;
  auto version = link.version + 1;
  out.emit(demand_told{object.uid, link.address.uid, priority, version,
                       link.last_grant, runs});
  auto last_grant =
      broken(breakage::demand_without_last_grant) ? 0 : link.last_grant;
  out.send(link.address.shard, demand{link.address.uid, address(), priority,
                                      version, last_grant, std::move(runs)});
}

void queue_actor::state::give_back(const environment_link& link,
                                   draft& out) const {
  if (link.unreleased.empty())
    return;
  std::vector<lease_id> leases{link.unreleased.begin(), link.unreleased.end()};
  out.emit(releases_sent{object.uid, link.address.uid, leases.size()});
  out.send(link.address.shard,
           release{link.address.uid, address(), std::move(leases)});
}

void queue_actor::settle(const decision_context&, draft& out) const {
  if (state_->settled)
    return;
  auto is_done = true;
  std::vector<const environment_link*> told;
  for (const auto& [uid, link] : state_->links)
    if (!state_->is_listed(uid)) {
      state_->tell(link, {}, out);
      told.push_back(&link);
    }
  for (size_t i = 0; i < state_->environments.size(); ++i) {
    const auto& link = state_->links.at(state_->environments[i].uid);
    state_->tell(link, state_->demand_of(i), out);
    told.push_back(&link);
    // It is about to have room: let it answer before jobs are offered to those
    // behind it. The next settling of this decision goes on from there.
    if (!link.unreleased.empty()) {
      is_done = i + 1 == state_->environments.size();
      break;
    }
  }
  for (const auto* link : told)
    state_->give_back(*link, out);
  state_->settled = is_done;
}

} // namespace berth
