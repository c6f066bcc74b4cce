// Who is served, and in which order.
#include "tests/sim/checks.hpp"
#include "tests/sim/environment_book.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace berth::sim {

namespace {

std::string named(queue_uid queue) {
  return "queue " + std::to_string(queue.value);
}

std::vector<agents_reserved> reserved_in(const decided& d) {
  std::vector<agents_reserved> found;
  for (const auto& e : d.what.events)
    if (const auto* r = std::get_if<agents_reserved>(&e))
      found.push_back(*r);
  return found;
}

class priority_checker final : public log_checker {
public:
  explicit priority_checker(const check_context& c) : log_checker(c.judge) {}
  std::string_view name() const override { return "priority_first"; }
  std::string_view promise() const override {
    return "An environment grants nothing to a queue while it has room for a "
           "job that a queue of a higher priority has asked of it.";
  }

private:
  void on_decision(const decided& d) override {
    // Agents that are kept from this pass on were not open in it either.
    auto reserved = reserved_in(d);
    for (const auto& e : d.what.events) {
      if (const auto* granted = std::get_if<leases_granted>(&e))
        if (const auto* environment = book_.find(granted->environment))
          look(d, *granted, *environment, reserved);
      book_.fold(e);
    }
  }

  void look(const decided& d, const leases_granted& granted,
            const book_environment& environment,
            const std::vector<agents_reserved>& reserved) {
    auto served = environment.demands.find(granted.queue.uid);
    if (served == environment.demands.end())
      return;
    for (const auto& [queue, demand] : environment.demands) {
      if (demand.priority <= served->second.priority)
        continue;
      for (const auto& run : demand.unmet)
        if (environment.has_room(queue, run.what, reserved))
          return violated(
              d.at,
              "environment " + environment.object.settings.name + " serves "
                  + named(granted.queue.uid) + " of priority "
                  + std::to_string(served->second.priority)
                  + " while it has room for " + to_string(run.what.each)
                  + " of " + named(queue) + " of priority "
                  + std::to_string(demand.priority) + " (" + place(d) + ")");
    }
  }

  environment_book book_;
};

/// Who waits in which queue, by shape, in the queue's order.
struct queue_lines {
  /// Position, index.
  using turn = std::pair<queue_position, int32_t>;
  using line = std::map<turn, job_id>;

  std::map<std::pair<queue_uid, shape>, line> lines;

  static std::pair<int32_t, int32_t> indices(const job_range& jobs) {
    return jobs.first == no_index ? std::pair{no_index, no_index + 1}
                                  : std::pair{jobs.first, jobs.last};
  }
  void take(const jobs_enqueued& e) {
    auto& waiting = lines[{e.queue, e.what}];
    auto [first, last] = indices(e.jobs);
    for (auto i = first; i < last; ++i)
      waiting.emplace(turn{e.position, i}, e.jobs.id);
  }
  void take(const jobs_withdrawn& e) {
    auto& waiting = lines[{e.queue, e.what}];
    auto [first, last] = indices(e.jobs);
    for (auto i = first; i < last; ++i)
      waiting.erase({e.position, i});
  }
};

class order_in_queue_checker final : public log_checker {
public:
  explicit order_in_queue_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "order_in_queue"; }
  std::string_view promise() const override {
    return "A lease goes to the job of its shape that is first in the queue; a "
           "retried job keeps its place.";
  }

private:
  void on_decision(const decided& d) override {
    for_each_event(
        d, event_cases{[&](const jobs_enqueued& e) { waiting_.take(e); },
                       [&](const jobs_withdrawn& e) { waiting_.take(e); },
                       [&](const leases_matched& e) { match(d, e); }});
  }

  void match(const decided& d, const leases_matched& e) {
    auto& line = waiting_.lines[{e.queue, e.what}];
    for (const auto& m : e.matches) {
      queue_lines::turn mine{m.position, m.job.index};
      if (line.empty() || line.begin()->first != mine)
        violated(
            d.at,
            named(e.queue) + " starts " + to_string(m.job)
                + (line.count(mine) == 0
                       ? std::string(", which does not wait in it")
                       : " before "
                             + to_string(job_key{line.begin()->second,
                                                 line.begin()->first.second}))
                + " (" + place(d) + ")",
            m.job.id);
      line.erase(mine);
    }
  }

  queue_lines waiting_;
};

class head_wait_checker final : public log_checker {
public:
  explicit head_wait_checker(const check_context& c) : log_checker(c.judge) {}
  std::string_view name() const override { return "passed_within_head_wait"; }
  std::string_view promise() const override {
    return "The first job of a queue that does not fit is passed by others for "
           "no longer than the environment's head_wait: then an agent is kept "
           "for it, and nobody else is placed there.";
  }

private:
  struct head {
    shape what;
    int64_t since_ms = 0;
    /// Decisions that passed it although its wait was over.
    int passed_late = 0;
  };
  using place_of = std::pair<environment_uid, queue_uid>;

  void on_decision(const decided& d) override {
    std::vector<leases_granted> granted;
    note_kept();
    for (const auto& e : d.what.events) {
      if (const auto* g = std::get_if<leases_granted>(&e)) {
        if (!look_at_kept(d, *g))
          granted.push_back(*g);
        else
          forget(g->environment, g->queue.uid, g->what);
      }
      book_.fold(e);
      if (const auto* u = std::get_if<head_unblocked>(&e))
        forget(u->environment, u->queue, u->what);
    }
    for (const auto& g : granted)
      forget(g.environment, g.queue.uid, g.what);
    // Shards have each a time of their own.
    for (const auto& [uid, environment] : book_.all())
      if (environment.object.shard == d.shard)
        look_at_heads(d, environment, granted);
    served_.clear();
  }

  /// What is given up within a decision goes to the highest priority first.
  void note_kept() {
    kept_before_.clear();
    for (const auto& [uid, environment] : book_.all())
      for (const auto& [queue, demand] : environment.demands)
        for (const auto& [what, names] : demand.kept)
          for (const auto& name : names)
            kept_before_.insert({uid, name});
  }

  void forget(environment_uid environment, queue_uid queue, const shape& what) {
    auto found = heads_.find({environment, queue});
    if (found != heads_.end() && found->second.what == what)
      heads_.erase(found);
  }

  /// Nobody else is placed where an agent is kept. Whether it is kept for whom
  /// it is given to.
  bool look_at_kept(const decided& d, const leases_granted& g) {
    const auto* environment = book_.find(g.environment);
    if (environment == nullptr)
      return false;
    auto is_owner = false;
    for (const auto& [queue, demand] : environment->demands)
      for (const auto& [what, names] : demand.kept) {
        auto is_own = queue == g.queue.uid && what == g.what;
        auto is_kept =
            std::find(names.begin(), names.end(), g.agent) != names.end();
        is_owner = is_owner || (is_kept && is_own);
        if (is_kept && !is_own && demand.asks_for(what)
            && environment->could_hold(what)
            && served_.count({g.environment, queue, what}) == 0)
          violated(d.at, "agent " + g.agent + " is kept for "
                             + to_string(what.each) + " of " + named(queue)
                             + ", but " + to_string(g.what.each) + " of "
                             + named(g.queue.uid) + " is placed on it ("
                             + place(d) + ")");
      }
    // What is served gives up the agents that are kept for it.
    served_.insert({g.environment, g.queue.uid, g.what});
    return is_owner;
  }

  void look_at_heads(const decided& d, const book_environment& environment,
                     const std::vector<leases_granted>& granted) {
    auto uid = environment.object.uid;
    auto wait = environment.object.settings.head_wait_ms;
    for (const auto& [queue, demand] : environment.demands) {
      auto first = std::find_if(demand.unmet.begin(), demand.unmet.end(),
                                [&](const demand_run& run) {
                                  return environment.could_hold(run.what);
                                });
      if (first == demand.unmet.end() || !environment.serves()) {
        heads_.erase({uid, queue});
        continue;
      }
      auto [known, is_new] =
          heads_.try_emplace({uid, queue}, head{first->what, d.what.at_ms});
      if (!is_new && known->second.what != first->what)
        known->second = {first->what, d.what.at_ms};
      auto waited = d.what.at_ms - known->second.since_ms;
      if (!wait || is_new || waited <= *wait + slack_ms)
        continue;
      auto passes = [&](const leases_granted& g) {
        return g.environment == uid && kept_before_.count({uid, g.agent}) == 0
               && could_be_kept(environment, g, first->what);
      };
      auto& late = known->second.passed_late;
      if (is_kept_for(environment, queue, first->what))
        late = 0;
      else if (std::any_of(granted.begin(), granted.end(), passes))
        ++late;
      for (const auto& g : granted)
        if (late > passes_cut_max && passes(g))
          violated(d.at, to_string(first->what.each) + " of " + named(queue)
                             + " has been first for " + std::to_string(waited)
                             + " ms, no agent is kept for it, and "
                             + to_string(g.what.each) + " of "
                             + named(g.queue.uid) + " is placed on " + g.agent
                             + ", which could hold it (" + place(d) + ")");
    }
  }

  static bool is_kept_for(const book_environment& environment, queue_uid queue,
                          const shape& what) {
    const auto& kept = environment.demands.at(queue).kept;
    auto found = kept.find(what);
    return found != kept.end() && !found->second.empty();
  }

  /// The agent could hold the shape and is kept for nobody.
  static bool could_be_kept(const book_environment& environment,
                            const leases_granted& g, const shape& what) {
    auto agent = environment.agents.find(g.agent);
    if (agent == environment.agents.end() || !agent->second.takes_work()
        || !fits(what.each, agent->second.capacity))
      return false;
    for (const auto& [queue, demand] : environment.demands)
      for (const auto& [head, names] : demand.kept)
        if (std::find(names.begin(), names.end(), g.agent) != names.end())
          return false;
    return true;
  }

  /// A pass may be one decision late.
  static constexpr int64_t slack_ms = 1000;
  /// One that grants as much as a pass may goes on in the next decision, and
  /// keeps no agent for whom it has not come to.
  static constexpr int passes_cut_max = 3;

  environment_book book_;
  std::map<place_of, head> heads_;
  std::set<std::tuple<environment_uid, queue_uid, shape>> served_;
  /// Agents that were kept for somebody before this decision.
  std::set<std::pair<environment_uid, std::string>> kept_before_;
};

/// How long a job may wait beside free room: until an append of unknown outcome
/// was given up and a silent owner was noticed, and some round trips.
sim_time room_bound(const cluster_parameters& c) {
  return 15 * second + 2 * c.membership_timeout_ms * millisecond
         + 200 * c.append_mean_us;
}

class no_idle_room_checker final : public log_checker {
public:
  explicit no_idle_room_checker(const check_context& c)
      : log_checker(c.judge), bound_(room_bound(c.of.cluster)),
        stopped_(!has_faults(c.of.faults)) {}
  std::string_view name() const override { return "no_idle_room"; }
  std::string_view promise() const override {
    return "Once faults have stopped no job waits beside free room for it in "
           "an environment of its queue, for longer than an owner needs to be "
           "replaced.";
  }

  void on_end(sim_time at) override { look(at); }

private:
  using waiting = std::tuple<queue_uid, environment_uid, shape>;

  void on_decision(const decided& d) override {
    for (const auto& e : d.what.events) {
      book_.fold(e);
      std::visit(
          event_cases{[&](const queue_configured& x) {
                        queues_[x.object->uid] = x.environments;
                      },
                      [&](const queue_closing& x) { queues_.erase(x.queue); },
                      [&](const jobs_enqueued& x) { waiting_.take(x); },
                      [&](const jobs_withdrawn& x) { waiting_.take(x); },
                      [&](const leases_matched& x) {
                        auto& line = waiting_.lines[{x.queue, x.what}];
                        for (const auto& m : x.matches)
                          line.erase({m.position, m.job.index});
                      }},
          e);
    }
    if (stopped_)
      look(d.at);
  }

  void on_other(const history_entry& e) override {
    stopped_ = stopped_ || std::holds_alternative<faults_ended>(e.what);
  }

  void look(sim_time at) {
    if (!stopped_)
      return;
    std::map<waiting, sim_time> still;
    for (const auto& [key, line] : waiting_.lines) {
      const auto& [queue, what] = key;
      auto listed = queues_.find(queue);
      if (line.empty() || listed == queues_.end())
        continue;
      for (const auto& address : listed->second) {
        const auto* environment = book_.find(address.uid);
        if (environment == nullptr || !environment->has_room(queue, what))
          continue;
        waiting one{queue, address.uid, what};
        auto known = since_.find(one);
        auto since = known == since_.end() ? at : known->second;
        still.emplace(one, since);
        if (at - since > bound_)
          violated(at, "jobs of " + to_string(what.each) + " wait in "
                           + named(queue) + " while environment " + address.name
                           + " has had room for them for "
                           + std::to_string((at - since) / second) + " s");
      }
    }
    since_ = std::move(still);
  }

  environment_book book_;
  std::map<queue_uid, std::vector<environment_address>> queues_;
  queue_lines waiting_;
  std::map<waiting, sim_time> since_;
  sim_time bound_;
  bool stopped_;
};

} // namespace

made_checker priority_first(const check_context& c) {
  return std::make_unique<priority_checker>(c);
}
made_checker order_in_queue(const check_context& c) {
  return std::make_unique<order_in_queue_checker>(c);
}
made_checker passed_within_head_wait(const check_context& c) {
  return std::make_unique<head_wait_checker>(c);
}
made_checker no_idle_room(const check_context& c) {
  return std::make_unique<no_idle_room_checker>(c);
}

} // namespace berth::sim
