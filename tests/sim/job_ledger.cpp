#include "tests/sim/job_ledger.hpp"

#include <algorithm>

namespace berth::sim {

namespace {

bool is_waiting(job_status s) {
  return s == job_status::submitted || s == job_status::pending
         || s == job_status::runnable;
}

} // namespace

struct job_ledger::fold {
  job_ledger& ledger;
  const decided& d;

  void wrong(const job_id& job, std::string what,
             ledger_problem::kind_of kind = ledger_problem::transition) const {
    ledger.problems_.push_back(
        {kind, std::move(what) + " (" + place(d) + ")", job});
  }
  void change(ledger_line& line, job_status to) const {
    line.status = to;
    line.changes.push_back({d.at, d.offset, to});
  }
  void unexpected(const job_key& key, const ledger_line* line,
                  const char* what) const {
    wrong(key.id, to_string(key) + " is "
                      + (line ? to_string(line->status) : "not known")
                      + ", but " + what);
  }

  void operator()(const job_submitted& e) const {
    auto [at, is_new] = ledger.jobs_.try_emplace(e.id);
    if (!is_new)
      return wrong(e.id, "job " + to_string(e.id) + " is submitted twice",
                   ledger_problem::repeated);
    auto& job = at->second;
    job.id = e.id;
    job.shard = d.shard;
    job.queue = e.queue;
    job.spec = e.spec;
    job.position = e.position;
    job.submitted_at = d.at;
    job.offset = d.offset;
    auto waits =
        std::any_of(e.spec->depends_on.begin(), e.spec->depends_on.end(),
                    [](const dependency& x) { return x.on; });
    change(job.whole, waits || job.is_array() ? job_status::pending
                                              : job_status::submitted);
    job.children.resize(e.spec->array_size);
    for (auto& child : job.children)
      change(child, job_status::pending);
  }

  void operator()(const jobs_became_runnable& e) const {
    auto runnable = [&](const job_key& key) {
      auto* line = ledger.line(key);
      if (line == nullptr
          || (line->status != job_status::submitted
              && line->status != job_status::pending))
        return unexpected(key, line, "becomes RUNNABLE");
      change(*line, job_status::runnable);
    };
    if (e.jobs.first == no_index)
      return runnable({e.jobs.id, no_index});
    for (auto i = e.jobs.first; i < e.jobs.last; ++i)
      runnable({e.jobs.id, i});
  }

  void operator()(const attempt_placed& e) const {
    const auto& key = e.attempt.job;
    auto* line = ledger.line(key);
    if (line == nullptr || line->status != job_status::runnable)
      return unexpected(key, line, "an attempt of it is placed");
    if (e.attempt.number != line->attempts.size() + 1)
      wrong(key.id, to_string(key) + " has "
                        + std::to_string(line->attempts.size())
                        + " attempts, but the next is numbered "
                        + std::to_string(e.attempt.number));
    attempt_entry attempt;
    attempt.number = e.attempt.number;
    attempt.environment = e.environment;
    attempt.agent = e.agent;
    attempt.session = e.session;
    attempt.lease = e.lease;
    attempt.placed_at = d.at;
    line->attempts.push_back(std::move(attempt));
    change(*line, job_status::starting);
  }

  attempt_entry* live(const attempt_id& id) const {
    auto* line = ledger.line(id.job);
    if (line == nullptr || line->attempts.empty())
      return nullptr;
    auto& last = line->attempts.back();
    return last.number == id.number && !last.finished ? &last : nullptr;
  }

  void operator()(const attempt_started& e) const {
    const auto& key = e.attempt.job;
    auto* line = ledger.line(key);
    auto* attempt = live(e.attempt);
    if (attempt == nullptr || line->status != job_status::starting)
      return unexpected(key, line, "an attempt of it starts");
    attempt->started_at = d.at;
    change(*line, job_status::running);
  }

  void operator()(const attempt_finished& e) const {
    const auto& key = e.attempt.job;
    auto* line = ledger.line(key);
    auto* attempt = live(e.attempt);
    if (attempt == nullptr
        || (line->status != job_status::starting
            && line->status != job_status::running))
      return unexpected(key, line, "an attempt of it ends");
    attempt->finished_at = d.at;
    attempt->finished = e;
    change(*line, e.next == after_attempt::succeed ? job_status::succeeded
                  : e.next == after_attempt::fail  ? job_status::failed
                                                   : job_status::runnable);
  }

  void operator()(const jobs_failed& e) const {
    auto found = ledger.jobs_.find(e.jobs.id);
    if (found == ledger.jobs_.end())
      return unexpected({e.jobs.id, no_index}, nullptr, "fails");
    auto& job = found->second;
    if (e.jobs.first == no_index) {
      if (!is_waiting(job.whole.status))
        return unexpected({e.jobs.id, no_index}, &job.whole,
                          "fails without an attempt");
      change(job.whole, job_status::failed);
      job.children.clear();
      return;
    }
    // Those between the waiting ones that are not waiting stay as they are.
    bool any = false;
    for (auto i = e.jobs.first; i < e.jobs.last; ++i) {
      auto* child = ledger.line({e.jobs.id, i});
      if (child == nullptr || !is_waiting(child->status))
        continue;
      any = true;
      change(*child, job_status::failed);
    }
    if (!any)
      wrong(e.jobs.id, "no child of " + to_string(e.jobs.id) + " from "
                           + std::to_string(e.jobs.first) + " to "
                           + std::to_string(e.jobs.last - 1)
                           + " waits, but these fail");
  }

  void operator()(const end_requested& e) const {
    if (auto* line = ledger.line(e.job)) {
      line->end_requested = true;
      line->terminated = line->terminated || e.terminate;
    }
  }

  void operator()(const array_finished& e) const {
    auto found = ledger.jobs_.find(e.id);
    if (found == ledger.jobs_.end() || !found->second.is_array())
      return unexpected({e.id, no_index}, nullptr, "its array ends");
    auto& job = found->second;
    if (job.whole.status != job_status::pending)
      return unexpected({e.id, no_index}, &job.whole, "its array ends");
    auto all = [&](auto holds) {
      return std::all_of(job.children.begin(), job.children.end(), holds);
    };
    if (!all([](const ledger_line& c) { return is_terminal(c.status); }))
      wrong(e.id,
            "array " + to_string(e.id)
                + " ends while a child of it has not ended",
            ledger_problem::array);
    else if (e.succeeded != all([](const ledger_line& c) {
               return c.status == job_status::succeeded;
             }))
      wrong(e.id,
            "array " + to_string(e.id) + " ends as "
                + (e.succeeded ? "SUCCEEDED" : "FAILED")
                + ", which its children do not say",
            ledger_problem::array);
    change(job.whole, e.succeeded ? job_status::succeeded : job_status::failed);
  }

  template <class Event>
  void operator()(const Event&) const {}
};

void job_ledger::take(const decided& d) {
  auto [last, is_new] = taken_.try_emplace(d.shard, -1);
  if (d.offset <= last->second)
    return;
  last->second = d.offset;
  fold into{*this, d};
  for (const auto& e : d.what.events)
    std::visit(into, e);
}

ledger_line* job_ledger::line(const job_key& key) {
  auto found = jobs_.find(key.id);
  if (found == jobs_.end())
    return nullptr;
  auto& job = found->second;
  if (!key.is_child())
    return &job.whole;
  auto index = static_cast<size_t>(key.index);
  return index < job.children.size() ? &job.children[index] : nullptr;
}

const ledger_line* job_ledger::find(const job_key& key) const {
  return const_cast<job_ledger*>(this)->line(key);
}

const ledger_job* job_ledger::find(const job_id& id) const {
  auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

const ledger_problem* job_ledger::problem(ledger_problem::kind_of kind) const {
  auto found =
      std::find_if(problems_.begin(), problems_.end(),
                   [&](const ledger_problem& p) { return p.kind == kind; });
  return found == problems_.end() ? nullptr : &*found;
}

} // namespace berth::sim
