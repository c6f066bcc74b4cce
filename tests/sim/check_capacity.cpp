// Room: what agents have, what environments may use, and the leases on it.
#include "tests/sim/checks.hpp"
#include "tests/sim/environment_book.hpp"

#include <map>
#include <set>

namespace berth::sim {

namespace {

class agents_not_overcommitted_checker final : public log_checker {
public:
  explicit agents_not_overcommitted_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "agents_not_overcommitted"; }
  std::string_view promise() const override {
    return "What runs on an agent, and what is leased of it, never needs more "
           "than it has, and nothing more is leased of one that drains.";
  }

private:
  struct running {
    resources capacity;
    resources needed;
  };

  void on_decision(const decided& d) override {
    for (const auto& e : d.what.events) {
      book_.fold(e);
      const auto* granted = std::get_if<leases_granted>(&e);
      const auto* environment =
          granted ? book_.find(granted->environment) : nullptr;
      if (environment == nullptr)
        continue;
      auto agent = environment->agents.find(granted->agent);
      if (agent == environment->agents.end() || !agent->second.present)
        violated(d.at, "leases are granted on agent " + granted->agent
                           + ", which is not there (" + place(d) + ")");
      else if (agent->second.drains)
        violated(d.at, "leases are granted on agent " + granted->agent
                           + ", which drains (" + place(d) + ")");
      else if (!fits({}, agent->second.free))
        violated(d.at, "more of agent " + granted->agent + " is leased than "
                           + to_string(agent->second.capacity) + " (" + place(d)
                           + ")");
    }
  }

  void on_other(const history_entry& e) override {
    if (const auto* o = std::get_if<agent_offered>(&e.what)) {
      agents_[o->agent].capacity = o->capacity;
    } else if (const auto* s = std::get_if<process_started>(&e.what)) {
      auto& agent = agents_[s->agent];
      agent.needed += s->needs;
      processes_[s->pid] = {s->agent, s->needs};
      if (!fits(agent.needed, agent.capacity))
        violated(e.at,
                 "what runs on agent " + s->agent.name + " of environment "
                     + std::to_string(s->agent.environment.value) + " needs "
                     + to_string(agent.needed) + ", it has "
                     + to_string(agent.capacity),
                 s->attempt.job.id);
    } else if (const auto* x = std::get_if<process_ended>(&e.what)) {
      auto found = processes_.find(x->pid);
      if (found == processes_.end())
        return;
      agents_[found->second.first].needed -= found->second.second;
      processes_.erase(found);
    }
  }

  environment_book book_;
  std::map<agent_id, running> agents_;
  std::map<uint64_t, std::pair<agent_id, resources>> processes_;
};

class environment_within_maximum_checker final : public log_checker {
public:
  explicit environment_within_maximum_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override {
    return "environment_within_maximum";
  }
  std::string_view promise() const override {
    return "An environment that is not enabled grants nothing, and none grants "
           "more vCPUs than its maximum.";
  }

private:
  void on_decision(const decided& d) override {
    for (const auto& e : d.what.events) {
      book_.fold(e);
      const auto* granted = std::get_if<leases_granted>(&e);
      const auto* environment =
          granted ? book_.find(granted->environment) : nullptr;
      if (environment == nullptr)
        continue;
      const auto& s = environment->object.settings;
      if (environment->is_managed()
          && environment->vcpu_milli_leased > s.max_vcpus * 1000)
        violated(d.at, "environment " + s.name + " leases "
                           + std::to_string(environment->vcpu_milli_leased)
                           + " thousandths of vCPUs, its maximum is "
                           + std::to_string(s.max_vcpus) + " (" + place(d)
                           + ")");
      if (!environment->serves())
        violated(d.at, "environment " + s.name
                           + " grants leases, but is disabled, being deleted "
                             "or without agents ("
                           + place(d) + ")");
    }
  }

  environment_book book_;
};

class leases_balance_checker final : public log_checker {
public:
  explicit leases_balance_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "leases_balance"; }
  std::string_view promise() const override {
    return "A lease is granted, matched and given back once, not while its "
           "attempt lives, and none is left when all is done.";
  }

  void on_end(sim_time at) override {
    for (const auto& [id, lease] : leases_) {
      if (!lease.freed)
        violated(at, named(id) + " was never given back");
      else if (lease.job && !lease.finished)
        violated(at,
                 named(id) + " is held by its queue for "
                     + to_string(*lease.job) + ", though it is gone",
                 lease.job->id);
    }
  }

private:
  using lease_name = std::pair<environment_uid, lease_id>;
  struct lease_life {
    std::string agent;
    std::optional<job_key> job;
    bool attempt_lives = false;
    bool finished = false;
    bool freed = false;
  };

  static std::string named(const lease_name& id) {
    return "lease " + std::to_string(id.second.value) + " of environment "
           + std::to_string(id.first.value);
  }

  lease_life* find(const lease_name& id) {
    auto found = leases_.find(id);
    return found == leases_.end() ? nullptr : &found->second;
  }

  void on_decision(const decided& d) override {
    auto wrong = [&](const lease_name& id, const std::string& what) {
      violated(d.at, named(id) + what + " (" + place(d) + ")");
    };
    for_each_event(
        d,
        event_cases{
            [&](const leases_granted& e) {
              for (uint32_t i = 0; i < e.count; ++i) {
                lease_name id{e.environment, lease_id{e.first_lease.value + i}};
                if (!leases_.try_emplace(id, lease_life{e.agent, {}}).second)
                  wrong(id, " is granted twice");
              }
            },
            [&](const leases_freed& e) {
              for (auto lease : e.leases) {
                lease_name id{e.environment, lease};
                auto* life = find(id);
                if (life == nullptr || life->freed)
                  wrong(id, " is freed, but is not held");
                else if (life->attempt_lives)
                  wrong(id, " is freed while its attempt lives");
                else
                  life->freed = true;
              }
            },
            [&](const agent_session_ended& e) {
              for (auto& [id, life] : leases_)
                if (id.first == e.agent.environment
                    && life.agent == e.agent.name)
                  life.freed = true;
            },
            [&](const environment_dropped& e) {
              for (auto& [id, life] : leases_)
                if (id.first == e.environment && !life.freed)
                  wrong(id, " is held while its environment goes");
            },
            [&](const leases_matched& e) { match(d, e); },
            [&](const attempt_placed& e) {
              auto* life = find({e.environment, e.lease});
              if (life == nullptr || life->job != e.attempt.job
                  || life->finished)
                wrong({e.environment, e.lease},
                      " is not the lease of " + to_string(e.attempt.job)
                          + ", which is placed with it");
              else
                life->attempt_lives = true;
              if (life != nullptr)
                lease_of_[e.attempt] = {e.environment, e.lease};
            },
            [&](const attempt_finished& e) {
              auto found = lease_of_.find(e.attempt);
              if (found == lease_of_.end())
                return;
              if (auto* life = find(found->second))
                life->attempt_lives = false;
              lease_of_.erase(found);
            },
            [&](const leases_finished& e) {
              for (auto lease : e.leases) {
                lease_name id{e.environment, lease};
                auto* life = find(id);
                if (life == nullptr)
                  wrong(id, " is given back, but was never granted");
                else if (std::exchange(life->finished, true))
                  wrong(id, " is given back twice");
                else if (life->attempt_lives && !e.lost)
                  wrong(id, " is given back while its attempt lives");
              }
            }});
  }

  void match(const decided& d, const leases_matched& e) {
    for (const auto& m : e.matches) {
      lease_name id{e.environment, m.lease};
      auto* life = find(id);
      if (life == nullptr || life->job || life->finished)
        violated(d.at,
                 named(id) + " is matched to " + to_string(m.job)
                     + ", but is not free for it (" + place(d) + ")",
                 m.job.id);
      else
        life->job = m.job;
    }
  }

  std::map<lease_name, lease_life> leases_;
  std::map<attempt_id, lease_name> lease_of_;
};

} // namespace

made_checker agents_not_overcommitted(const check_context& c) {
  return std::make_unique<agents_not_overcommitted_checker>(c);
}
made_checker environment_within_maximum(const check_context& c) {
  return std::make_unique<environment_within_maximum_checker>(c);
}
made_checker leases_balance(const check_context& c) {
  return std::make_unique<leases_balance_checker>(c);
}

} // namespace berth::sim
