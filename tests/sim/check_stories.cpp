// What an audit tells of jobs against what happened to them.
#include "actors/job_story.hpp"
#include "tests/sim/checks.hpp"

#include <algorithm>
#include <map>

namespace berth::sim {

namespace {

/// Stories that are read again, per run: each reads its shard's whole log.
constexpr size_t stories_read = 4;

class stories_agree_checker final : public log_checker {
public:
  explicit stories_agree_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "stories_agree"; }
  std::string_view promise() const override {
    return "The story that an audit tells of a job has its submission, each of "
           "its attempts and its end, as they happened and in their order.";
  }

  void on_end(sim_time at) override {
    if (jobs_->jobs().empty())
      return;
    // Ids are hashes, so these are as good as drawn.
    auto step = std::max<size_t>(jobs_->jobs().size() / stories_read, 1);
    size_t i = 0;
    for (const auto& [id, job] : jobs_->jobs())
      if (i++ % step == 0)
        read_story(at, job);
  }

private:
  struct process {
    std::optional<int32_t> exit_code;
  };

  void on_decision(const decided& d) override { jobs_->take(d); }
  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<process_started>(&e.what))
      processes_[s->attempt] = {};
    else if (const auto* x = std::get_if<process_ended>(&e.what))
      processes_[x->attempt].exit_code = x->exit_code;
  }

  void read_story(sim_time at, const ledger_job& job) {
    job_key key{job.id, job.children.empty()
                            ? no_index
                            : static_cast<int32_t>(job.children.size() / 2)};
    job_story story{key};
    const auto& records = judge().all(job.shard);
    for (size_t i = 0; i < records.size(); ++i) {
      const auto& r = records[i];
      if (r.what == verdict::claim)
        story.on_claim(static_cast<log_offset>(i),
                       std::get<claim_record>(r.what_it_says->body));
      else if (r.what == verdict::valid)
        story.on_decision(static_cast<log_offset>(i),
                          std::get<decision_record>(r.what_it_says->body));
    }
    compare(at, key, *jobs_->find(key), story.lines());
  }

  void compare(sim_time at, const job_key& key, const ledger_line& line,
               const std::vector<story_line>& story) {
    auto wrong = [&](const std::string& what) {
      violated(at, "the story of " + to_string(key) + " " + what, key.id);
    };
    auto count = [&](const std::string& text) {
      return std::count_if(story.begin(), story.end(),
                           [&](const story_line& l) {
                             return l.text.find(text) != std::string::npos;
                           });
    };
    if (count("submitted as ") != 1)
      wrong("does not tell its submission once");
    for (size_t i = 1; i < story.size(); ++i)
      if (story[i].offset < story[i - 1].offset
          || story[i].at_ms < story[i - 1].at_ms)
        wrong("goes back in time");
    for (const auto& a : line.attempts) {
      auto number = std::to_string(a.number);
      if (count("STARTING (attempt " + number + ")") != 1)
        wrong("does not tell the placement of attempt " + number);
      if (count("RUNNING (attempt " + number + ")") != (a.started_at ? 1 : 0))
        wrong("does not tell the start of attempt " + number);
      std::string end = "attempt " + number + " ended: ";
      if (a.finished && a.finished->exit_code) {
        auto process = processes_.find({key, a.number});
        if (process == processes_.end()
            || process->second.exit_code != a.finished->exit_code)
          wrong("and the process of attempt " + number
                + " differ in the exit code");
      }
      if (count(end) != (a.finished ? 1 : 0))
        wrong("does not tell the end of attempt " + number);
    }
    auto last = line.status == job_status::succeeded ? "the job SUCCEEDED"
                : line.status == job_status::failed  ? "FAILED"
                                                     : "";
    if (count(last) == 0)
      wrong(std::string("does not tell that it is ") + to_string(line.status));
  }

  std::shared_ptr<job_ledger> jobs_;
  std::map<attempt_id, process> processes_;
};

} // namespace

made_checker stories_agree(const check_context& c) {
  return std::make_unique<stories_agree_checker>(c);
}

} // namespace berth::sim
