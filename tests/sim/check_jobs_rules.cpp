// What jobs owe each other and their strategies: dependencies, arrays, retries,
// and what was asked to end.
#include "tests/sim/checks.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace berth::sim {

namespace {

/// AWS Batch's words.
constexpr std::string_view dependency_failed = "Dependent Job failed";

class dependencies_checker final : public log_checker {
public:
  explicit dependencies_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "dependencies_respected"; }
  std::string_view promise() const override {
    return "A job becomes RUNNABLE only when all that it depends on has "
           "succeeded, and fails for a dependency only when one has failed.";
  }

private:
  void on_decision(const decided& d) override {
    jobs_->take(d);
    for_each_event(d, event_cases{[&](const jobs_became_runnable& e) {
                                    look_at_runnable(d, e);
                                  },
                                  [&](const jobs_failed& e) {
                                    if (e.status_reason == dependency_failed)
                                      look_at_failed(d, e);
                                  }});
  }

  std::optional<job_status> status(const job_key& key) const {
    const auto* line = jobs_->find(key);
    return line ? std::optional{line->status} : std::nullopt;
  }

  void look_at_runnable(const decided& d, const jobs_became_runnable& e) {
    const auto* job = jobs_->find(e.jobs.id);
    if (job == nullptr)
      return;
    auto first = e.jobs.first;
    auto last = first == no_index ? first + 1 : e.jobs.last;
    for (auto i = first; i < last; ++i) {
      for (const auto& dependency : job->spec->depends_on) {
        std::optional<job_key> on = dependency.on;
        if (!on && i > 0)
          on = job_key{job->id, i - 1};
        else if (on && dependency.kind == dependency_kind::n_to_n)
          on->index = i;
        if (on && status(*on) != job_status::succeeded)
          violated(d.at,
                   to_string(job_key{job->id, i})
                       + " becomes RUNNABLE, but depends on " + to_string(*on)
                       + ", which is "
                       + (status(*on) ? to_string(*status(*on)) : "not known")
                       + " (" + place(d) + ")",
                   job->id);
      }
    }
  }

  void look_at_failed(const decided& d, const jobs_failed& e) {
    const auto* job = jobs_->find(e.jobs.id);
    if (job == nullptr)
      return;
    auto has_failed = [&](const dependency& dependency) {
      if (!dependency.on) {
        for (auto i = e.jobs.first - 1; i >= 0; --i)
          if (status({job->id, i}) == job_status::failed)
            return true;
        return false;
      }
      auto on = *dependency.on;
      if (dependency.kind == dependency_kind::n_to_n
          && e.jobs.first != no_index)
        on.index = e.jobs.first;
      auto is = status(on);
      // One whose whole array failed has no children to look at.
      auto whole = status({on.id, no_index});
      return !is || is == job_status::failed || whole == job_status::failed;
    };
    const auto& all = job->spec->depends_on;
    if (std::none_of(all.begin(), all.end(), has_failed))
      violated(d.at,
               to_string(job_key{job->id, e.jobs.first})
                   + " fails for a dependency, but none of them has failed ("
                   + place(d) + ")",
               job->id);
  }

  std::shared_ptr<job_ledger> jobs_;
};

class arrays_add_up_checker final : public log_checker {
public:
  explicit arrays_add_up_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "arrays_add_up"; }
  std::string_view promise() const override {
    return "An array ends when the last of its children has, as they did, and "
           "the counts that are answered sum to its size.";
  }

  void on_end(sim_time at) override {
    for (const auto& [id, job] : jobs_->jobs()) {
      auto all_ended = [](const ledger_line& c) {
        return is_terminal(c.status);
      };
      if (!job.children.empty() && !is_terminal(job.whole.status)
          && std::all_of(job.children.begin(), job.children.end(), all_ended))
        violated(at,
                 "all children of " + to_string(id)
                     + " have ended, but it is still "
                     + to_string(job.whole.status),
                 id);
    }
  }

private:
  void on_decision(const decided& d) override {
    jobs_->take(d);
    if (const auto* p = jobs_->problem(ledger_problem::array))
      violated(d.at, p->what, p->job);
  }

  void on_other(const history_entry& e) override {
    const auto* a = std::get_if<call_answered>(&e.what);
    const auto* r =
        a && a->answer ? std::get_if<response>(a->answer.get()) : nullptr;
    const auto* described = r ? std::get_if<jobs_response>(r) : nullptr;
    if (described == nullptr)
      return;
    for (const auto& view : described->jobs) {
      uint64_t sum = 0;
      for (auto count : view.children)
        sum += count;
      // Nothing is counted before its children were made.
      if (!view.key.is_child() && view.spec && sum != 0
          && sum != view.spec->array_size)
        violated(e.at,
                 "the children of " + to_string(view.key) + " are answered as "
                     + std::to_string(sum) + " of "
                     + std::to_string(view.spec->array_size),
                 view.key.id);
    }
  }

  std::shared_ptr<job_ledger> jobs_;
};

class retries_checker final : public log_checker {
public:
  explicit retries_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "retries_as_the_strategy"; }
  std::string_view promise() const override {
    return "What follows an attempt is what its job's strategy says, and no "
           "job has more attempts than that allows.";
  }

private:
  void on_decision(const decided& d) override {
    jobs_->take(d);
    for_each_event(
        d, event_cases{
               [&](const attempt_placed& e) { look_at_number(d, e.attempt); },
               [&](const attempt_finished& e) { look_at_end(d, e); },
               [&](const end_requested& e) {
                 auto& asked = asked_[e.job];
                 asked = asked || e.terminate;
               }});
  }

  void look_at_number(const decided& d, const attempt_id& attempt) {
    const auto* job = jobs_->find(attempt.job.id);
    if (job != nullptr && attempt.number > job->spec->retry.attempts)
      violated(d.at,
               to_string(attempt.job) + " has attempt "
                   + std::to_string(attempt.number) + ", its strategy allows "
                   + std::to_string(job->spec->retry.attempts) + " (" + place(d)
                   + ")",
               attempt.job.id);
  }

  void look_at_end(const decided& d, const attempt_finished& e) {
    const auto* job = jobs_->find(e.attempt.job.id);
    auto next = job ? expected(*job->spec, e) : std::nullopt;
    static const char* const words[] = {"", "SUCCEEDED", "FAILED", "retried"};
    if (next && *next != e.next)
      violated(d.at,
               to_string(e.attempt.job) + " is "
                   + words[static_cast<size_t>(e.next)] + " after attempt "
                   + std::to_string(e.attempt.number) + ", it should be "
                   + words[static_cast<size_t>(*next)] + " (" + place(d) + ")",
               e.attempt.job.id);
  }

  /// Nothing where the strategy has rules that are not judged here.
  std::optional<after_attempt> expected(const job_spec& spec,
                                        const attempt_finished& e) const {
    auto own = asked_.find(e.attempt.job);
    if (own != asked_.end() && own->second)
      return after_attempt::fail;
    if (e.end == attempt_end::exited && e.exit_code == 0)
      return after_attempt::succeed;
    if (e.end == attempt_end::timed_out || own != asked_.end()
        || asked_.count({e.attempt.job.id, no_index}) != 0
        || e.attempt.number >= spec.retry.attempts)
      return after_attempt::fail;
    for (const auto& rule : spec.retry.rules) {
      if (rule.on_reason || rule.on_status_reason)
        return std::nullopt;
      if (!rule.on_exit_code || matches(*rule.on_exit_code, e.exit_code))
        return rule.action == retry_action::retry ? after_attempt::retry
                                                  : after_attempt::fail;
    }
    return after_attempt::retry;
  }

  /// Only a trailing `*` is special.
  static bool matches(std::string pattern, std::optional<int32_t> code) {
    auto text = code ? std::to_string(*code) : "";
    if (pattern.empty() || pattern.back() != '*')
      return code && text == pattern;
    pattern.pop_back();
    return text.compare(0, pattern.size(), pattern) == 0;
  }

  std::shared_ptr<job_ledger> jobs_;
  /// Whether by TerminateJob.
  std::map<job_key, bool> asked_;
};

class terminated_jobs_fail_checker final : public log_checker {
public:
  explicit terminated_jobs_fail_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs),
        bound_((c.of.cluster.stop_grace_ms + 60'000) * millisecond) {}
  std::string_view name() const override { return "terminated_jobs_fail"; }
  std::string_view promise() const override {
    return "A job that was alive when its TerminateJob was answered ends as "
           "FAILED, without another attempt, and soon once faults have "
           "stopped.";
  }

  void on_end(sim_time at) override {
    for (const auto& [key, asked] : asked_) {
      const auto* line = jobs_->find(key);
      if (line == nullptr)
        continue;
      if (line->status == job_status::succeeded)
        violated(at,
                 to_string(key)
                     + " SUCCEEDED after its TerminateJob was "
                       "answered",
                 key.id);
      auto from = std::max(asked.at, stopped_at_.value_or(at));
      auto end = is_terminal(line->status) ? line->changes.back().at : at;
      // What waits for dependencies ends when those have.
      if (asked.was_active && end - from > bound_)
        violated(at,
                 to_string(key) + " went on for "
                     + std::to_string((end - from) / second)
                     + " s after its TerminateJob",
                 key.id);
    }
  }

private:
  struct asked_end {
    sim_time at = 0;
    bool was_active = false;
  };

  void on_decision(const decided& d) override {
    jobs_->take(d);
    for_each_event(d, event_cases{[&](const attempt_placed& e) {
                     if (asked_.count(e.attempt.job) != 0)
                       violated(d.at,
                                to_string(e.attempt.job)
                                    + " has another attempt after its "
                                      "TerminateJob was answered ("
                                    + place(d) + ")",
                                e.attempt.job.id);
                   }});
  }

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<call_sent>(&e.what)) {
      if (const auto* t = std::get_if<terminate_job_request>(s->what.get()))
        calls_[s->call] = t->job;
    } else if (const auto* a = std::get_if<call_answered>(&e.what)) {
      auto call = calls_.find(a->call);
      if (call == calls_.end() || !a->answer
          || std::holds_alternative<api_error>(*a->answer))
        return;
      auto key = parse_job_key(call->second);
      const auto* job = key ? jobs_->find(key->id) : nullptr;
      const auto* line = job ? jobs_->find(*key) : nullptr;
      // Children of an array may end well before its turn comes to them.
      if (line == nullptr || is_terminal(line->status)
          || (job->is_array() && !key->is_child()))
        return;
      // A child that its array has not made yet is not known.
      if (key->is_child() && line->changes.size() == 1)
        return;
      asked_.emplace(
          *key, asked_end{e.at, line->status == job_status::starting
                                    || line->status == job_status::running});
    } else if (std::holds_alternative<faults_ended>(e.what)) {
      stopped_at_ = e.at;
    }
  }

  std::shared_ptr<job_ledger> jobs_;
  sim_time bound_;
  std::map<uint64_t, std::string> calls_;
  std::map<job_key, asked_end> asked_;
  std::optional<sim_time> stopped_at_;
};

} // namespace

made_checker dependencies_respected(const check_context& c) {
  return std::make_unique<dependencies_checker>(c);
}
made_checker arrays_add_up(const check_context& c) {
  return std::make_unique<arrays_add_up_checker>(c);
}
made_checker retries_as_the_strategy(const check_context& c) {
  return std::make_unique<retries_checker>(c);
}
made_checker terminated_jobs_fail(const check_context& c) {
  return std::make_unique<terminated_jobs_fail_checker>(c);
}

} // namespace berth::sim
