// Whole jobs: accepted, never lost, ended once, all ended in the end.
#include "tests/sim/checks.hpp"

#include <map>
#include <set>

namespace berth::sim {

namespace {

class no_job_lost_checker final : public log_checker {
public:
  explicit no_job_lost_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "no_job_lost"; }
  std::string_view promise() const override {
    return "A job whose submission was answered is in the log, and has ended "
           "when the run has.";
  }

  void on_end(sim_time at) override {
    for (const auto& id : accepted_) {
      const auto* job = jobs_->find(id);
      if (job == nullptr)
        violated(at, "job " + to_string(id) + " was accepted and is gone", id);
      else if (!is_terminal(job->whole.status))
        violated(at,
                 "job " + to_string(id) + " (" + job->spec->name
                     + ") was accepted and is still "
                     + to_string(job->whole.status),
                 id);
    }
  }

private:
  void on_decision(const decided& d) override { jobs_->take(d); }
  void on_other(const history_entry& e) override {
    const auto* a = std::get_if<call_answered>(&e.what);
    const auto* r =
        a && a->answer ? std::get_if<response>(a->answer.get()) : nullptr;
    const auto* s = r ? std::get_if<submitted_response>(r) : nullptr;
    if (s == nullptr || !accepted_.insert(s->id).second)
      return;
    if (jobs_->find(s->id) == nullptr)
      violated(e.at,
               "job " + to_string(s->id)
                   + " was accepted, but no valid decision of the log has it",
               s->id);
  }

  std::shared_ptr<job_ledger> jobs_;
  std::set<job_id> accepted_;
};

class legal_transitions_checker final : public log_checker {
public:
  explicit legal_transitions_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "legal_transitions"; }
  std::string_view promise() const override {
    return "A job moves from one status to the next only as its life cycle "
           "allows, and out of its terminal one never.";
  }

private:
  void on_decision(const decided& d) override {
    jobs_->take(d);
    if (const auto* p = jobs_->problem(ledger_problem::transition))
      violated(d.at, p->what, p->job);
  }

  std::shared_ptr<job_ledger> jobs_;
};

class everything_drains_checker final : public log_checker {
public:
  explicit everything_drains_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "everything_drains"; }
  std::string_view promise() const override {
    return "Once faults have stopped every job of the log ends, every process "
           "is gone, and what is being deleted goes.";
  }

  void on_end(sim_time at) override {
    for (const auto& [id, job] : jobs_->jobs())
      if (!is_terminal(job.whole.status))
        violated(at,
                 "job " + to_string(id) + " (" + job.spec->name + ") is still "
                     + to_string(job.whole.status),
                 id);
    for (const auto& [pid, process] : processes_)
      violated(at,
               "process " + std::to_string(pid) + " of "
                   + to_string(process.job) + " still runs",
               process.job.id);
    for (auto queue : closing_)
      violated(at, "queue " + std::to_string(queue.value)
                       + " is being deleted and is still there");
    for (auto environment : deleting_)
      violated(at, "environment " + std::to_string(environment.value)
                       + " is being deleted and is still there");
  }

private:
  void on_decision(const decided& d) override {
    jobs_->take(d);
    for_each_event(
        d,
        event_cases{[&](const queue_closing& e) { closing_.insert(e.queue); },
                    [&](const queue_dropped& e) { closing_.erase(e.queue); },
                    [&](const environment_configured& e) {
                      if (e.object->status == object_status::deleting)
                        deleting_.insert(e.object->uid);
                    },
                    [&](const environment_dropped& e) {
                      deleting_.erase(e.environment);
                    }});
  }
  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<process_started>(&e.what))
      processes_.emplace(s->pid, s->attempt);
    else if (const auto* x = std::get_if<process_ended>(&e.what))
      processes_.erase(x->pid);
  }

  std::shared_ptr<job_ledger> jobs_;
  std::map<uint64_t, attempt_id> processes_;
  std::set<queue_uid> closing_;
  std::set<environment_uid> deleting_;
};

} // namespace

made_checker no_job_lost(const check_context& c) {
  return std::make_unique<no_job_lost_checker>(c);
}
made_checker legal_transitions(const check_context& c) {
  return std::make_unique<legal_transitions_checker>(c);
}
made_checker everything_drains(const check_context& c) {
  return std::make_unique<everything_drains_checker>(c);
}

} // namespace berth::sim
