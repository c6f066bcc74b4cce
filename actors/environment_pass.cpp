// One pass: which queue is served, and on which agent.
#include "actors/environment_state.hpp"
#include "messages/limits.hpp"
#include "messages/simulation.hpp"

#include <algorithm>
#include <tuple>

namespace berth {

namespace {

/// One queue during the pass.
struct served {
  const served_queue* queue;
  /// What is left of its demand.
  demand_runs runs;
  /// Runs before this one have been tried.
  size_t next = 0;
  /// A shape's last told job was granted: what lies beyond has to wait.
  bool exhausted = false;
  bool has_head = false;
  std::set<shape> granted;
  std::set<shape> blocked_now;
  grant answer;
};

} // namespace

/// The workings of one pass; emits what it decided at the end.
class environment_pass {
public:
  environment_pass(const compute_environment_actor::state& environment,
                   const decision_context& context)
      : environment_(environment), now_ms_(context.now_ms),
        room_(broken(breakage::environment_maximum_ignored)
                  ? std::nullopt
                  : environment.vcpu_milli_left()),
        next_lease_(environment.next_lease.value) {
    for (const auto& [name, agent] : environment.agents)
      if (agent.takes_work())
        room_.add_agent(name, agent.session, agent.capacity, agent.free);
    for (const auto& [uid, queue] : environment.queues) {
      // Most queues that an environment has ever known ask for nothing now.
      if (queue.unmet.empty() && queue.shapes.empty() && queue.heads.empty()
          && !queue.everything)
        continue;
      served one;
      one.queue = &queue;
      one.runs = queue.unmet;
      one.answer.queue = uid;
      one.answer.environment = environment.object.uid;
      one.answer.environment_shard = context.self;
      one.answer.grant_number = queue.grant_number + 1;
      queues_.push_back(std::move(one));
    }
    keep_reservations();
  }

  /// Whether nothing is left for another pass.
  bool run(draft& out) {
    serve_all(out);
    for (auto& one : queues_) {
      if (!one.answer.leases.empty())
        out.send(one.queue->address.shard, std::move(one.answer));
      unblock(one, out);
    }
    for (auto& e : head_events_)
      out.emit(std::move(e));
    for (const auto& one : queues_)
      tell_saturation(one, out);
    return grants_left_ > 0 && !reopened_;
  }

private:
  /// In the order in which queues are served, then of age.
  void keep_reservations() {
    struct kept {
      int32_t priority;
      int64_t since_ms;
      head_key head;
      const std::vector<std::string>* agents;
    };
    std::vector<kept> all;
    for (const auto& one : queues_)
      for (const auto& [what, head] : one.queue->heads)
        if (!head.agents.empty() && is_asked(one.queue->unmet, what)
            && !never_fits(what))
          all.push_back({one.queue->priority,
                         head.since_ms,
                         {one.queue->address.uid, what},
                         &head.agents});
    std::sort(all.begin(), all.end(), [](const kept& a, const kept& b) {
      return std::tie(b.priority, a.since_ms, a.head)
             < std::tie(a.priority, b.since_ms, b.head);
    });
    for (const auto& one : all)
      room_.reserve(one.head, *one.agents);
  }

  std::optional<unserviceable_reason> never_fits(const shape& what) {
    auto [known, is_new] = never_.try_emplace(what);
    if (is_new)
      known->second = environment_.never_fits(what);
    return known->second;
  }

  static bool is_asked(const demand_runs& runs, const shape& what) {
    return std::any_of(runs.begin(), runs.end(), [&](const demand_run& run) {
      return run.count > 0 && run.what == what;
    });
  }

  /// Highest priority first, then the oldest run.
  void serve_all(draft& out) {
    auto later = [](const served* a, const served* b) {
      auto key = [](const served& one) {
        auto priority =
            broken(breakage::priority_ignored) ? 0 : one.queue->priority;
        return std::make_tuple(-static_cast<int64_t>(priority),
                               one.runs[one.next].oldest_ms,
                               one.queue->address.uid);
      };
      return key(*b) < key(*a);
    };
    std::vector<served*> heap;
    for (auto& one : queues_)
      if (!one.runs.empty())
        heap.push_back(&one);
    std::make_heap(heap.begin(), heap.end(), later);
    while (!heap.empty() && grants_left_ > 0 && !reopened_) {
      std::pop_heap(heap.begin(), heap.end(), later);
      auto* one = heap.back();
      if (serve_next(*one, out) && one->next < one->runs.size())
        std::push_heap(heap.begin(), heap.end(), later);
      else
        heap.pop_back();
    }
  }

  /// Serves the queue's next run; false when the queue has to wait.
  bool serve_next(served& one, draft& out) {
    auto& run = one.runs[one.next];
    if (run.beyond && one.exhausted)
      return false;
    if (never_fits(run.what)) {
      ++one.next;
      return true;
    }
    head_key jobs{one.queue->address.uid, run.what};
    auto wanted = std::min(run.count, grants_left_);
    auto granted = grant_some(one, jobs, wanted, out);
    run.count -= granted;
    grants_left_ -= granted;
    if (granted > 0) {
      one.granted.insert(run.what);
      // Who was served before may have use for the agents that it frees.
      reopened_ = room_.unreserve(jobs) || reopened_;
    }
    if (granted == wanted && run.count > 0)
      return false; // More in the next pass.
    if (run.count == 0)
      one.exhausted = one.exhausted || !is_asked_later(one, run.what);
    else if (!one.has_head)
      block(one, jobs);
    ++one.next;
    return true;
  }

  static bool is_asked_later(const served& one, const shape& what) {
    return std::any_of(one.runs.begin() + static_cast<ptrdiff_t>(one.next) + 1,
                       one.runs.end(),
                       [&](const demand_run& run) { return run.what == what; });
  }

  uint32_t grant_some(served& one, const head_key& jobs, uint32_t count,
                      draft& out) {
    uint32_t granted = 0;
    for (const auto& stretch : room_.place(jobs, count)) {
      out.emit(leases_granted{environment_.object.uid, one.queue->address,
                              one.answer.grant_number, jobs.what, stretch.agent,
                              lease_id{next_lease_}, stretch.count});
      for (uint32_t i = 0; i < stretch.count; ++i)
        one.answer.leases.push_back({lease_id{next_lease_++}, jobs.what,
                                     stretch.agent, stretch.session});
      granted += stretch.count;
    }
    return granted;
  }

  /// The first of the queue's jobs that does not fit: counts its time, and once
  /// that is over keeps an agent for it.
  void block(served& one, const head_key& head) {
    one.has_head = true;
    one.blocked_now.insert(head.what);
    const auto& heads = one.queue->heads;
    auto known = heads.find(head.what);
    auto is_new = known == heads.end() || one.granted.count(head.what) != 0;
    auto since_ms = is_new ? now_ms_ : known->second.since_ms;
    if (is_new)
      head_events_.push_back(head_blocked{environment_.object.uid, head.queue,
                                          head.what, since_ms});
    auto is_kept = !is_new && !known->second.agents.empty();
    if (is_kept || now_ms_ - since_ms < environment_.head_wait_ms()
        || broken(breakage::head_never_reserved))
      return;
    if (auto agent = room_.choose_reservation(head.what)) {
      room_.reserve(head, {*agent});
      head_events_.push_back(agents_reserved{
          environment_.object.uid, head.queue, head.what, {*agent}});
    }
  }

  /// Ends the counts of shapes that were granted or are not asked for any more.
  void unblock(const served& one, draft& out) {
    for (const auto& entry : one.queue->heads) {
      const auto& what = entry.first;
      if (one.blocked_now.count(what) != 0)
        continue;
      if (is_asked(one.runs, what) && one.granted.count(what) == 0
          && !never_fits(what))
        continue;
      out.emit(head_unblocked{environment_.object.uid, one.queue->address.uid,
                              what});
    }
  }

  void tell_saturation(const served& one, draft& out) {
    const auto& queue = *one.queue;
    std::set<shape> shapes;
    std::map<shape, unserviceable_reason> never;
    auto add = [&](const shape& what) {
      shapes.insert(what);
      auto reason = never_fits(what);
      if (reason && never.size() < limits::unserviceable_shapes_max)
        never.emplace(what, *reason);
    };
    for (const auto& [what, reason] : queue.never)
      if (never_fits(what))
        add(what);
    for (size_t i = 0; i < one.next; ++i)
      if (one.runs[i].count > 0)
        add(one.runs[i].what);
    std::vector<shape> kept;
    for (const auto& what : queue.shapes)
      if (shapes.count(what) == 0
          && (never_fits(what)
              || room_.refusal({queue.address.uid, what})
                     != placement_refusal::none))
        kept.push_back(what);
    // Shapes that are asked for no more are kept for the next time, to save
    // asking again, but not without bound.
    if (kept.size() <= limits::saturated_shapes_kept_max
        && !rarely("forget saturated shapes"))
      shapes.insert(kept.begin(), kept.end());
    if (!queue.everything && shapes == queue.shapes && never == queue.never)
      return;
    if (broken(breakage::saturation_never_told))
      return;
    saturated told{queue.address.uid,
                   environment_.object.uid,
                   queue.version,
                   false,
                   {shapes.begin(), shapes.end()},
                   {}};
    for (const auto& [what, reason] : never)
      told.never.push_back({what, reason});
    out.emit(saturation_told{told.environment, told.queue, false, told.shapes,
                             told.never});
    out.send(queue.address.shard, std::move(told));
  }

  const compute_environment_actor::state& environment_;
  std::map<shape, std::optional<unserviceable_reason>> never_;
  int64_t now_ms_;
  placement room_;
  uint64_t next_lease_;
  bool reopened_ = false;
  uint32_t grants_left_ =
      rarely("one grant per pass") ? 1 : limits::grants_per_pass_max;
  std::vector<served> queues_;
  std::vector<event> head_events_;
};

void compute_environment_actor::pass(const decision_context& context,
                                     draft& out) const {
  if (state_->settled) {
    auto due = next_due_ms();
    if (!due || *due > context.now_ms)
      return;
  }
  if (state_->serves()) {
    state_->settled = environment_pass{*state_, context}.run(out);
  } else {
    for (const auto& [uid, queue] : state_->queues)
      for (const auto& head : queue.heads)
        out.emit(head_unblocked{state_->object.uid, uid, head.first});
    state_->refuse_everything(out);
    state_->settled = true;
  }
}

} // namespace berth
