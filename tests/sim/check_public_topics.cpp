// What comes by the public topics, and what is published there.
#include "tests/sim/checks.hpp"
#include "tests/sim/submission_names.hpp"
#include "tests/sim/topic_texts.hpp"

#include <map>
#include <set>
#include <tuple>

namespace berth::sim {

namespace {

/// A record of the topic of submissions.
struct submission_place {
  std::string source;
  log_offset offset = -1;
  auto operator<=>(const submission_place&) const = default;
};

std::string to_text(const submission_place& p) {
  return p.source + " @" + std::to_string(p.offset);
}

bool begins(const std::string& text, const char* with) {
  return text.rfind(with, 0) == 0;
}

bool is_of_topic(const std::string& source) {
  return begins(source, submissions_topic_name);
}

class topic_submissions_once_checker final : public log_checker {
public:
  explicit topic_submissions_once_checker(const check_context& c)
      : log_checker(c.judge),
        catalog_changes_(c.of.workload.catalog_change > 0) {}
  std::string_view name() const override { return "topic_submissions_once"; }
  std::string_view promise() const override {
    return "Each record of the topic of submissions is taken once, in its "
           "partition's order: as the one job that it asks for, or as one "
           "refusal with its reason, which lies in the record: what is away or "
           "full delays it. No other job comes.";
  }

  void on_end(sim_time at) override {
    for (const auto& [source, records] : landed_)
      for (size_t i = 0; i < records.size(); ++i) {
        submission_place p{source, static_cast<log_offset>(i)};
        if (settled_.count(p) == 0)
          violated(at, to_text(p) + " (" + records[i].name
                           + ") has become no job and was not refused");
      }
  }

private:
  /// What a decision makes of submissions.
  struct outcome {
    std::vector<const job_submitted*> jobs;
    std::map<submission_place, std::string> refused;
    std::map<submission_place, const submit_job*> passed_on;
  };

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<submission_landed>(&e.what))
      landed_[submissions_source(s->partition.value)].push_back(*s);
  }

  void on_decision(const decided& d) override {
    for_each_event(d, event_cases{[&](const queue_created& e) {
                     queues_[e.object->uid] = e.object->settings.name;
                   }});
    auto made = outcome_of(d);
    take_passed_on(d, made);
    for (const auto& [source, cursor] : d.what.cursors)
      if (is_of_topic(source))
        take_range(d, source, cursor, made);
    for (const auto* job : made.jobs)
      violated(d.at,
               "job " + job->spec->name + " comes of no submission that "
                   + place(d) + " takes",
               job->id);
    for (const auto& [where, why] : made.refused)
      violated(d.at, to_text(where) + " is refused by " + place(d)
                         + ", which does not take it");
    for (const auto& [where, what] : made.passed_on)
      pending_[what->id] = where;
    for_each_event(d, event_cases{[&](const queue_configured& e) {
                     ready_.insert(e.object->settings.name);
                   }});
  }

  outcome outcome_of(const decided& d) {
    outcome made;
    for_each_event(d,
                   event_cases{[&](const job_submitted& e) {
                                 if (begins(e.spec->name, name_by_topic)
                                     || begins(e.spec->name, name_refused))
                                   made.jobs.push_back(&e);
                               },
                               [&](const message_refused& e) {
                                 if (is_of_topic(e.source))
                                   made.refused[{e.source, e.offset}] = e.why;
                               }});
    for (const auto& m : d.what.outbox)
      if (const auto* to = std::get_if<to_shard>(&m.body))
        if (const auto* submit = std::get_if<submit_job>(&to->body))
          made.passed_on[{submit->source, submit->offset}] = submit;
    return made;
  }

  /// What other shards have read.
  void take_passed_on(const decided& d, outcome& made) {
    std::erase_if(made.jobs, [&](const job_submitted* job) {
      auto found = pending_.find(job->id);
      if (found == pending_.end())
        return false;
      settle_job(d, found->second, *job);
      pending_.erase(found);
      return true;
    });
    std::erase_if(made.refused, [&](const auto& one) {
      for (auto p = pending_.begin(); p != pending_.end(); ++p)
        if (p->second == one.first) {
          settle_refused(d, one.first, one.second);
          pending_.erase(p);
          return true;
        }
      return false;
    });
  }

  void take_range(const decided& d, const std::string& source,
                  log_offset cursor, outcome& made) {
    auto& last = cursors_.try_emplace(source, -1).first->second;
    if (cursor < last)
      return violated(d.at, "the cursor of " + source + " goes back from "
                                + std::to_string(last) + " to "
                                + std::to_string(cursor) + " (" + place(d)
                                + ")");
    auto next_job = made.jobs.begin();
    while (last < cursor) {
      submission_place where{source, ++last};
      if (static_cast<size_t>(last) >= landed_[source].size())
        return violated(d.at, to_text(where) + " is taken before it is there");
      const auto& record = landed_[source][static_cast<size_t>(last)];
      if (auto refused = made.refused.extract(where); !refused.empty()) {
        settle_refused(d, where, refused.mapped());
      } else if (made.passed_on.count(where) == 0) {
        if (next_job == made.jobs.end()
            || (*next_job)->spec->name != record.name)
          return violated(d.at, to_text(where) + " (" + record.name
                                    + ") is passed over, or out of turn ("
                                    + place(d) + ")");
        settle_job(d, where, **next_job);
        next_job = made.jobs.erase(next_job);
      }
    }
  }

  void settle(const decided& d, const submission_place& where) {
    if (!settled_.insert(where).second)
      violated(d.at, to_text(where) + " is taken twice (" + place(d) + ")");
  }

  void settle_job(const decided& d, const submission_place& where,
                  const job_submitted& job) {
    settle(d, where);
    const auto& record =
        landed_.at(where.source).at(static_cast<size_t>(where.offset));
    if (job.spec->name != record.name || queues_[job.queue] != record.key)
      violated(d.at,
               to_text(where) + " (" + record.name + " for " + record.key
                   + ") becomes job " + job.spec->name + " of "
                   + queues_[job.queue],
               job.id);
    if (begins(record.name, name_refused))
      violated(d.at,
               to_text(where) + " (" + record.name
                   + ") makes no sense, and becomes a job",
               job.id);
  }

  void settle_refused(const decided& d, const submission_place& where,
                      const std::string& why) {
    settle(d, where);
    const auto& record =
        landed_.at(where.source).at(static_cast<size_t>(where.offset));
    // Its queue's shard has not heard of the queue yet, or has no longer.
    auto queue_is_not_there = why.starts_with("the job queue is not ready");
    if (!queue_is_not_there && !concerns_submission(why, *record.text))
      violated(d.at, to_text(where) + " (" + record.name + ") is refused ("
                         + why + "), which is no fault of its own");
    // Names that were there and never change are there, the queue's once its
    // shard has heard of it.
    auto is_on_its_way = queue_is_not_there && ready_.count(record.key) == 0;
    if (begins(record.name, name_by_topic) && !catalog_changes_
        && !is_on_its_way)
      violated(d.at, to_text(where) + " (" + record.name + ") is refused ("
                         + why + "), but makes sense");
  }

  const bool catalog_changes_;
  std::map<std::string, std::vector<submission_landed>> landed_;
  std::map<std::string, log_offset> cursors_;
  std::map<job_id, submission_place> pending_;
  std::set<submission_place> settled_;
  std::map<queue_uid, std::string> queues_;
  /// Names of queues that the queue's own shard has heard of.
  std::set<std::string> ready_;
};

class rejections_published_checker final : public log_checker {
public:
  explicit rejections_published_checker(const check_context& c)
      : log_checker(c.judge), has_faults_(has_faults(c.of.faults)) {}
  std::string_view name() const override { return "rejections_published"; }
  std::string_view promise() const override {
    return "Each submission that the log refuses is published with that "
           "reason, its key and its original, and nothing else is.";
  }

  void on_end(sim_time at) override {
    for (const auto& [where, one] : refused_)
      if (!one.is_published)
        violated(at, "the refusal of " + to_text(where) + " is not published");
  }

private:
  struct refusal {
    std::string why;
    bool is_published = false;
  };

  void on_decision(const decided& d) override {
    for_each_event(d, event_cases{[&](const message_refused& e) {
                     if (is_of_topic(e.source))
                       refused_[{e.source, e.offset}].why = e.why;
                   }});
  }

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<submission_landed>(&e.what))
      landed_.emplace(
          submission_place{submissions_source(s->partition.value), s->offset},
          *s);
    const auto* r = std::get_if<rejection_landed>(&e.what);
    if (r == nullptr)
      return;
    const auto& what = r->what;
    submission_place where{submissions_source(what.partition), what.offset};
    auto found = refused_.find(where);
    if (found == refused_.end() || what.topic != submissions_topic_name)
      return violated(e.at, "a rejection of " + to_text(where)
                                + " is published, which was not refused");
    found->second.is_published = true;
    if (what.reason != found->second.why)
      violated(e.at, to_text(where) + " is said to be refused because "
                         + what.reason + ", but the log says "
                         + found->second.why);
    const auto& record = landed_.at(where);
    auto has_original = what.original || what.original_base64;
    // While the topic cannot be read they are left out.
    if (!has_original && has_faults_)
      return;
    if (!has_original || (what.original && *what.original != *record.text)
        || r->key != record.key)
      violated(e.at, "the rejection of " + to_text(where)
                         + " has another original or key");
  }

  const bool has_faults_;
  std::map<submission_place, refusal> refused_;
  std::map<submission_place, submission_landed> landed_;
};

class changes_published_checker final : public log_checker {
public:
  explicit changes_published_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs),
        is_on_(c.of.workload.by_topic > 0) {}
  std::string_view name() const override { return "changes_published"; }
  std::string_view promise() const override {
    return "Whoever reads the state changes and passes over those whose "
           "sequence is not greater sees each change of each job once, as the "
           "log has it and in its order; a repeat says what the first one did.";
  }

  void on_end(sim_time at) override {
    if (!is_on_)
      return;
    for (const auto& [id, job] : jobs_->jobs()) {
      expect_all(at, {id, no_index}, job.whole, 0);
      // That its children wait is not said one by one.
      for (size_t i = 0; i < job.children.size(); ++i)
        expect_all(at, {id, static_cast<int32_t>(i)}, job.children[i], 1);
    }
  }

private:
  void on_decision(const decided& d) override { jobs_->take(d); }

  void on_other(const history_entry& e) override {
    const auto* c = std::get_if<change_landed>(&e.what);
    if (c == nullptr)
      return;
    const auto& what = c->what;
    auto text = what.job + " " + what.status + " (shard "
                + std::to_string(what.shard.value) + ", offset "
                + std::to_string(what.offset) + ", number "
                + std::to_string(what.number) + ")";
    auto sequence = std::tuple{what.shard, what.offset, what.number};
    auto& greatest = greatest_[what.shard];
    if (std::pair{what.offset, what.number} <= greatest) {
      auto first = ids_.find(sequence);
      if (first == ids_.end() || first->second != what.id)
        violated(e.at, text + " comes behind a greater one, or as another");
      return;
    }
    greatest = {what.offset, what.number};
    ids_[sequence] = what.id;
    accept(e.at, *c, text);
  }

  void accept(sim_time at, const change_landed& c, const std::string& text) {
    const auto& what = c.what;
    auto key = parse_job_key(what.job);
    const auto* job = key ? jobs_->find(key->id) : nullptr;
    const auto* line = job ? jobs_->find(*key) : nullptr;
    if (line == nullptr)
      return violated(at, text + " is published of a job that the log has not");
    auto next = key->is_child() ? 1 + seen_[*key] : seen_[*key];
    if (next >= line->changes.size()
        || to_string(line->changes[next].to) != what.status
        || line->changes[next].offset != what.offset
        || job->shard != what.shard)
      return violated(at, text + " is published, which is not the next change",
                      key->id);
    if (c.key != to_string(key->id) || what.name != job->spec->name)
      violated(at, text + " has another key or name", key->id);
    const auto* record = judge().find(what.shard, what.offset);
    if (!record->visible_at)
      violated(at, text + " is published before it can be read", key->id);
    ++seen_[*key];
  }

  void expect_all(sim_time at, const job_key& key, const ledger_line& line,
                  size_t unsaid) {
    auto seen = seen_.find(key);
    auto count = seen == seen_.end() ? 0 : seen->second;
    if (count + unsaid < line.changes.size())
      violated(at,
               to_string(key) + " " + to_string(line.changes[count + unsaid].to)
                   + " was not published",
               key.id);
  }

  std::shared_ptr<job_ledger> jobs_;
  const bool is_on_;
  std::map<shard_id, std::pair<log_offset, uint64_t>> greatest_;
  std::map<std::tuple<shard_id, log_offset, uint64_t>, std::string> ids_;
  std::map<job_key, size_t> seen_;
};

} // namespace

made_checker topic_submissions_once(const check_context& c) {
  return std::make_unique<topic_submissions_once_checker>(c);
}
made_checker rejections_published(const check_context& c) {
  return std::make_unique<rejections_published_checker>(c);
}
made_checker changes_published(const check_context& c) {
  return std::make_unique<changes_published_checker>(c);
}

} // namespace berth::sim
