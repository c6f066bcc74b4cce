// Attempts and the processes that they are.
#include "tests/sim/checks.hpp"

#include <map>
#include <set>

namespace berth::sim {

namespace {

std::string named(const attempt_id& a) {
  return "attempt " + std::to_string(a.number) + " of " + to_string(a.job);
}

std::string named(const process_started& s) {
  return "process " + std::to_string(s.pid) + " of " + named(s.attempt)
         + " on machine " + std::to_string(s.machine);
}

/// Processes that slept with their machine: nobody could end them meanwhile.
class sleepers {
public:
  void take(const history_entry& e) {
    if (const auto* s = std::get_if<process_started>(&e.what)) {
      machines_[s->pid] = s->machine;
    } else if (const auto* x = std::get_if<process_ended>(&e.what)) {
      machines_.erase(x->pid);
    } else if (const auto* f = std::get_if<fault_happened>(&e.what)) {
      for (const auto& [pid, machine] : machines_)
        if (f->what == "machine " + std::to_string(machine) + " is suspended")
          slept_.insert(pid);
    }
  }
  bool slept(uint64_t pid) const { return slept_.count(pid) != 0; }

private:
  std::map<uint64_t, uint32_t> machines_;
  std::set<uint64_t> slept_;
};

/// Machines that sleep, or have woken so lately that their keepers may not have
/// ended yet what they should.
class sleeping_machines {
public:
  void take(const history_entry& e) {
    const auto* f = std::get_if<fault_happened>(&e.what);
    if (f == nullptr)
      return;
    auto text = std::string_view{f->what};
    // What it ended with the crash is told behind it.
    if (text.starts_with("crash of machine "))
      awake_since_[std::string(text.substr(9))] = e.at;
    else if (auto at = text.find(" is suspended"); at != text.npos)
      awake_since_[std::string(text.substr(0, at))] = std::nullopt;
    else if (at = text.find(" goes on"); at != text.npos)
      awake_since_[std::string(text.substr(0, at))] = e.at;
  }
  bool excuses(uint32_t machine, sim_time at) const {
    auto found = awake_since_.find("machine " + std::to_string(machine));
    return found != awake_since_.end()
           && (!found->second || at - *found->second <= waking_time);
  }

private:
  static constexpr sim_time waking_time = second;

  /// By name; nothing = asleep.
  std::map<std::string, std::optional<sim_time>> awake_since_;
};

class attempt_starts_once_checker final : public log_checker {
public:
  explicit attempt_starts_once_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "attempt_starts_once"; }
  std::string_view promise() const override {
    return "An attempt has one process at most, wherever and however often its "
           "dispatch arrives.";
  }

private:
  void on_other(const history_entry& e) override {
    const auto* s = std::get_if<process_started>(&e.what);
    if (s == nullptr)
      return;
    auto [first, is_new] = started_.try_emplace(s->attempt, *s);
    if (!is_new)
      violated(e.at, named(*s) + " starts after " + named(first->second),
               s->attempt.job.id);
  }

  std::map<attempt_id, process_started> started_;
};

class one_live_attempt_checker final : public log_checker {
public:
  explicit one_live_attempt_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "one_live_attempt"; }
  std::string_view promise() const override {
    return "An attempt is settled as lost, and a later one of its job starts, "
           "only when its process is gone: a lapsed lease ends it in time, but "
           "for those that sleep with their machine and end when that wakes.";
  }

  void on_end(sim_time at) override { judge_excused(at); }

private:
  void on_decision(const decided& d) override {
    for_each_event(d, event_cases{[&](const attempt_finished& e) {
                     if (e.end == attempt_end::lost)
                       settled(d.at, e.attempt);
                   }});
  }

  void settled(sim_time at, const attempt_id& attempt) {
    auto found = live_.find(attempt.job);
    if (found == live_.end() || found->second.attempt != attempt)
      return;
    if (machines_.excuses(found->second.machine, at))
      excused_.emplace(found->second.pid, found->second);
    else
      violated(at,
               named(attempt) + " is settled as lost while "
                   + named(found->second) + " lives",
               attempt.job.id);
  }

  void judge_excused(sim_time at) {
    for (const auto& [pid, process] : excused_)
      if (!machines_.excuses(process.machine, at))
        violated(at,
                 named(process)
                     + " goes on, though its attempt was settled as lost "
                       "while its machine slept",
                 process.attempt.job.id);
  }

  void on_other(const history_entry& e) override {
    machines_.take(e);
    if (!excused_.empty())
      judge_excused(e.at);
    if (const auto* x = std::get_if<process_ended>(&e.what)) {
      auto found = live_.find(x->attempt.job);
      if (found != live_.end() && found->second.pid == x->pid)
        live_.erase(found);
      excused_.erase(x->pid);
    } else if (const auto* s = std::get_if<process_started>(&e.what)) {
      auto [other, is_new] = live_.try_emplace(s->attempt.job, *s);
      if (!is_new && !machines_.excuses(other->second.machine, e.at))
        violated(e.at,
                 named(*s) + " starts while " + named(other->second) + " lives",
                 s->attempt.job.id);
      other->second = *s;
    }
  }

  std::map<job_key, process_started> live_;
  /// Settled while their machines slept, by pid.
  std::map<uint64_t, process_started> excused_;
  sleeping_machines machines_;
};

class starts_as_decided_checker final : public log_checker {
public:
  explicit starts_as_decided_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "starts_as_decided"; }
  std::string_view promise() const override {
    return "A process starts only where and in the session in which its "
           "attempt was placed, by a decision that readers of the log see, and "
           "not once the attempt has been settled.";
  }

private:
  void on_decision(const decided& d) override {
    jobs_->take(d);
    for_each_event(d, event_cases{[&](const attempt_placed& e) {
                     placed_[e.attempt] = {d.shard, d.offset};
                   }});
  }

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<process_started>(&e.what))
      look(e.at, *s);
  }

  void look(sim_time at, const process_started& s) {
    const auto& job = s.attempt.job;
    auto decision = placed_.find(s.attempt);
    const auto* line = jobs_->find(job);
    if (decision == placed_.end() || line == nullptr)
      return violated(at, named(s) + " starts, and no decision placed it",
                      job.id);
    const auto* record =
        judge().find(decision->second.first, decision->second.second);
    if (!record->visible_at)
      violated(at, named(s) + " starts before its placement can be read",
               job.id);
    for (const auto& a : line->attempts) {
      if (a.number != s.attempt.number)
        continue;
      agent_id agent{a.environment, a.agent};
      if (agent != s.agent || a.session != s.session)
        violated(at,
                 named(s) + " starts on agent " + s.agent.name + " in session "
                     + std::to_string(s.session.keeper_start) + "."
                     + std::to_string(s.session.lease_number)
                     + ", but was placed on " + a.agent + " in "
                     + std::to_string(a.session.keeper_start) + "."
                     + std::to_string(a.session.lease_number),
                 job.id);
      if (a.finished)
        violated(at, named(s) + " starts after the attempt was settled",
                 job.id);
    }
  }

  std::shared_ptr<job_ledger> jobs_;
  std::map<attempt_id, std::pair<shard_id, log_offset>> placed_;
};

class reports_are_true_checker final : public log_checker {
public:
  explicit reports_are_true_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "reports_are_true"; }
  std::string_view promise() const override {
    return "What the log says of an attempt's start, end and exit code is what "
           "its process did.";
  }

private:
  struct life {
    bool ended = false;
    int32_t exit_code = 0;
  };

  void on_decision(const decided& d) override {
    for_each_event(
        d, event_cases{[&](const attempt_started& e) {
                         if (lives_.count(e.attempt) == 0)
                           violated(d.at,
                                    named(e.attempt)
                                        + " is RUNNING without a process ("
                                        + place(d) + ")",
                                    e.attempt.job.id);
                       },
                       [&](const attempt_finished& e) { judge_end(d, e); }});
  }

  void judge_end(const decided& d, const attempt_finished& e) {
    auto wrong = [&](const std::string& why) {
      violated(d.at, named(e.attempt) + " " + why + " (" + place(d) + ")",
               e.attempt.job.id);
    };
    // Nobody saw the end.
    if (e.end == attempt_end::lost)
      return;
    auto found = lives_.find(e.attempt);
    auto has_started = found != lives_.end();
    if (e.end == attempt_end::not_started
        || e.end == attempt_end::failed_to_start) {
      if (has_started)
        wrong("is said not to have started, but had a process");
    } else if (!has_started) {
      wrong("ended without ever having had a process");
    } else if (!found->second.ended) {
      wrong("is said to have ended, but its process lives");
    } else if (e.exit_code && *e.exit_code != found->second.exit_code) {
      wrong("is said to have ended with exit code "
            + std::to_string(*e.exit_code) + ", but its process ended with "
            + std::to_string(found->second.exit_code));
    }
  }

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<process_started>(&e.what))
      lives_[s->attempt] = {};
    else if (const auto* x = std::get_if<process_ended>(&e.what))
      lives_[x->attempt] = {true, x->exit_code};
  }

  std::map<attempt_id, life> lives_;
};

/// Without faults a report is in the log within a second; a process is killed
/// when its keeper next looks at its clock.
constexpr sim_time timeout_slack = 2 * second;
constexpr sim_time early_slack = 50 * millisecond;
constexpr sim_time whole_ppm = 1'000'000;

class timeouts_fire_checker final : public log_checker {
public:
  explicit timeouts_fire_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs),
        bound_(c.of.cluster.stop_grace_ms * millisecond + timeout_slack),
        drift_ppm_(c.of.faults.clock_drift_ppm_max) {}
  std::string_view name() const override { return "timeouts_fire"; }
  std::string_view promise() const override {
    return "A process outlives its attempt's timeout by no more than the stop "
           "grace and two seconds of its machine's clock, and none is ended by "
           "it before.";
  }

  void on_end(sim_time at) override {
    for (const auto& [attempt, life] : lives_)
      if (!life.ended_at)
        judge_life(at, attempt, life, at);
  }

private:
  struct life {
    uint64_t pid = 0;
    sim_time started_at = 0;
    std::optional<sim_time> ended_at;
    sim_time timeout = 0;
  };

  /// Timers run on the clock of a machine, which drifts.
  sim_time drift(sim_time of) const { return of * drift_ppm_ / whole_ppm; }

  void on_decision(const decided& d) override {
    jobs_->take(d);
    for_each_event(
        d, event_cases{[&](const attempt_finished& e) {
          auto found = lives_.find(e.attempt);
          if (e.end != attempt_end::timed_out)
            return;
          if (found == lives_.end() || found->second.timeout == 0)
            violated(d.at, named(e.attempt) + " timed out, but has no timeout",
                     e.attempt.job.id);
          else if (found->second.ended_at
                   && *found->second.ended_at - found->second.started_at
                              + early_slack + drift(found->second.timeout)
                          < found->second.timeout)
            violated(d.at,
                     named(e.attempt) + " timed out before its time was over",
                     e.attempt.job.id);
        }});
  }

  void on_other(const history_entry& e) override {
    sleepers_.take(e);
    if (const auto* s = std::get_if<process_started>(&e.what)) {
      const auto* job = jobs_->find(s->attempt.job.id);
      lives_[s->attempt] = {
          s->pid, e.at, std::nullopt,
          job ? job->spec->timeout_ms.value_or(0) * millisecond : 0};
    } else if (const auto* x = std::get_if<process_ended>(&e.what)) {
      auto& life = lives_[x->attempt];
      life.ended_at = e.at;
      judge_life(e.at, x->attempt, life, e.at);
    }
  }

  void judge_life(sim_time at, const attempt_id& attempt, const life& life,
                  sim_time until) {
    auto allowed = life.timeout + bound_;
    if (life.timeout != 0 && !sleepers_.slept(life.pid)
        && until - life.started_at > allowed + drift(allowed))
      violated(at,
               named(attempt) + " lived for "
                   + std::to_string((until - life.started_at) / millisecond)
                   + " ms, its timeout is "
                   + std::to_string(life.timeout / millisecond) + " ms",
               attempt.job.id);
  }

  std::shared_ptr<job_ledger> jobs_;
  sim_time bound_;
  sim_time drift_ppm_;
  sleepers sleepers_;
  std::map<attempt_id, life> lives_;
};

} // namespace

made_checker attempt_starts_once(const check_context& c) {
  return std::make_unique<attempt_starts_once_checker>(c);
}
made_checker one_live_attempt(const check_context& c) {
  return std::make_unique<one_live_attempt_checker>(c);
}
made_checker starts_as_decided(const check_context& c) {
  return std::make_unique<starts_as_decided_checker>(c);
}
made_checker reports_are_true(const check_context& c) {
  return std::make_unique<reports_are_true_checker>(c);
}
made_checker timeouts_fire(const check_context& c) {
  return std::make_unique<timeouts_fire_checker>(c);
}

} // namespace berth::sim
