// What clients are told.
#include "messages/limits.hpp"
#include "tests/sim/checks.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace berth::sim {

namespace {

/// Calls as the clients made them.
class open_calls {
public:
  struct call {
    std::shared_ptr<const request> what;
    uint32_t tries = 0;
    std::map<uint32_t, sim_time> sent_at;
  };
  void take(sim_time at, const call_sent& s) {
    auto& one = calls_[s.call];
    one.what = s.what;
    one.tries = std::max(one.tries, s.try_number);
    one.sent_at[s.try_number] = at;
  }
  const call* find(uint64_t number) const {
    auto found = calls_.find(number);
    return found == calls_.end() ? nullptr : &found->second;
  }
  void forget(uint64_t number) { calls_.erase(number); }

private:
  std::map<uint64_t, call> calls_;
};

const response* good(const call_answered& a) {
  return a.answer ? std::get_if<response>(a.answer.get()) : nullptr;
}

class answers_are_in_the_log_checker final : public log_checker {
public:
  explicit answers_are_in_the_log_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "answers_are_in_the_log"; }
  std::string_view promise() const override {
    return "What was acknowledged can be read in the log. A try that was "
           "refused has no effect, and none is refused for what could be read "
           "in the log before it was sent.";
  }

private:
  struct logged {
    shard_id shard;
    log_offset offset = 0;
  };

  void on_decision(const decided& d) override {
    auto note = [&](std::string what) {
      logged_.emplace(std::move(what), logged{d.shard, d.offset});
    };
    for_each_event(
        d, event_cases{[&](const job_submitted& e) {
                         note("job " + e.spec->name);
                         note("job " + to_string(e.id));
                         if (has_no_try_left(e.spec->name))
                           violated(d.at,
                                    "job " + e.spec->name
                                        + " is submitted after each try of its "
                                          "call was refused ("
                                        + place(d) + ")",
                                    e.id);
                       },
                       [&](const environment_created& e) {
                         note("environment " + e.object->settings.name);
                       },
                       [&](const queue_created& e) {
                         note("queue " + e.object->settings.name);
                       },
                       [&](const definition_registered& e) {
                         note("definition " + e.object->settings.name + ":"
                              + std::to_string(e.object->revision));
                       }});
  }

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<call_sent>(&e.what)) {
      calls_.take(e.at, *s);
      if (const auto* asked =
              s->what ? std::get_if<submit_job_request>(&*s->what) : nullptr)
        submissions_[asked->name].emplace(s->try_number, e.at);
    } else if (const auto* a = std::get_if<call_answered>(&e.what)) {
      if (const auto* call = calls_.find(a->call))
        judge_answer(e.at, *call, *a);
    }
  }

  /// Nobody has a try under way that may still put it into the log.
  bool has_no_try_left(const std::string& name) const {
    auto found = submissions_.find(name);
    return found != submissions_.end() && found->second.empty();
  }

  void judge_refusal(sim_time at, const std::string& name, uint32_t try_number,
                     const std::string& why) {
    auto& tries = submissions_[name];
    auto sent = tries.find(try_number);
    if (sent == tries.end())
      return;
    auto sent_at = sent->second;
    tries.erase(sent);
    auto found = logged_.find("job " + name);
    if (found == logged_.end())
      return;
    auto readable_at =
        judge().find(found->second.shard, found->second.offset)->visible_at;
    // Another try may have put it there meanwhile.
    if (tries.empty() || (readable_at && *readable_at <= sent_at))
      violated(at, "the submission of " + name + " is refused (" + why
                       + "), but it is in the log");
  }

  void judge_answer(sim_time at, const open_calls::call& call,
                    const call_answered& a) {
    const auto* submission = std::get_if<submit_job_request>(call.what.get());
    const auto* r = good(a);
    if (r == nullptr) {
      const auto* error =
          a.answer ? std::get_if<api_error>(a.answer.get()) : nullptr;
      // Others may be repeated.
      if (submission != nullptr && error != nullptr
          && error->code == api_errc::invalid)
        judge_refusal(at, submission->name, a.try_number, error->message);
      return;
    }
    if (const auto* s = std::get_if<submitted_response>(r))
      expect(at, "job " + to_string(s->id), s->id);
    const auto* object = std::get_if<object_response>(r);
    if (object == nullptr)
      return;
    if (std::holds_alternative<create_environment_request>(*call.what))
      expect(at, "environment " + object->name, {});
    else if (std::holds_alternative<create_queue_request>(*call.what))
      expect(at, "queue " + object->name, {});
    else if (std::holds_alternative<register_definition_request>(*call.what))
      expect(at,
             "definition " + object->name + ":"
                 + std::to_string(object->revision),
             {});
  }

  void expect(sim_time at, const std::string& what, std::optional<job_id> job) {
    auto found = logged_.find(what);
    if (found == logged_.end())
      return violated(
          at, what + " is acknowledged, but no valid decision has it", job);
    if (!judge().find(found->second.shard, found->second.offset)->visible_at)
      violated(at, what + " is acknowledged before its decision can be read",
               job);
  }

  open_calls calls_;
  std::map<std::string, logged> logged_;
  /// When the tries of each submission that were not refused were sent.
  std::map<std::string, std::map<uint32_t, sim_time>> submissions_;
};

class one_call_one_effect_checker final : public log_checker {
public:
  explicit one_call_one_effect_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "one_call_one_effect"; }
  std::string_view promise() const override {
    return "However often a call is repeated, it has one effect and one "
           "answer; for a submission whose queue was made anew in another "
           "shard, and for changes of the catalog, within 15 minutes.";
  }

private:
  void on_decision(const decided& d) override {
    jobs_->take(d);
    if (const auto* p = jobs_->problem(ledger_problem::repeated))
      violated(d.at, p->what, p->job);
    if (d.shard.value == 0)
      catalog_ms_ = d.what.at_ms;
    auto effect = [&](const std::string& what) {
      // What the catalog remembers it forgets in time, and its log's clock may
      // jump. Within their shard jobs are known for as long as they are kept.
      auto [last, is_first] =
          last_effects_.try_emplace(what, d.shard, catalog_ms_);
      auto is_known =
          what.rfind(submission_of, 0) == 0 && last->second.first == d.shard;
      if (!is_first && !is_known
          && catalog_ms_ - last->second.second >= limits::request_memory_ms)
        ++calls_[what];
      last->second = {d.shard, catalog_ms_};
      if (++effects_[what] > calls_[what])
        violated(d.at, what + " happens " + std::to_string(effects_[what])
                           + " times, it was asked for "
                           + std::to_string(calls_[what]) + " times ("
                           + place(d) + ")");
    };
    for_each_event(
        d, event_cases{[&](const job_submitted& e) {
                         effect(submission_of + e.spec->name);
                       },
                       [&](const environment_created& e) {
                         effect("creation of environment "
                                + e.object->settings.name);
                       },
                       [&](const queue_created& e) {
                         effect("creation of queue " + e.object->settings.name);
                       },
                       [&](const definition_registered& e) {
                         effect("registration of " + e.object->settings.name);
                       }});
  }

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<call_sent>(&e.what)) {
      if (s->what && known_.insert(s->call).second)
        if (auto what = effect_of(*s->what); !what.empty())
          ++calls_[what];
    } else if (const auto* r = std::get_if<submission_landed>(&e.what)) {
      ++calls_[submission_of + r->name];
    } else if (const auto* a = std::get_if<call_answered>(&e.what)) {
      const auto* r = good(*a);
      const auto* s = r ? std::get_if<submitted_response>(r) : nullptr;
      if (s == nullptr)
        return;
      auto [first, is_new] = answers_.try_emplace(a->call, s->id);
      if (!is_new && first->second != s->id)
        violated(e.at,
                 "one call is answered with jobs " + to_string(first->second)
                     + " and " + to_string(s->id),
                 s->id);
    }
  }

  static std::string effect_of(const request& what) {
    if (const auto* r = std::get_if<submit_job_request>(&what))
      return submission_of + r->name;
    if (const auto* r = std::get_if<create_environment_request>(&what))
      return "creation of environment " + r->settings.name;
    if (const auto* r = std::get_if<create_queue_request>(&what))
      return "creation of queue " + r->name;
    if (const auto* r = std::get_if<register_definition_request>(&what))
      return "registration of " + r->settings.name;
    return {};
  }

  static constexpr char submission_of[] = "submission of ";

  std::shared_ptr<job_ledger> jobs_;
  std::set<uint64_t> known_;
  std::map<std::string, uint64_t> calls_;
  std::map<std::string, uint64_t> effects_;
  int64_t catalog_ms_ = 0;
  /// Where each happened last, and what the catalog's time was then.
  std::map<std::string, std::pair<shard_id, int64_t>> last_effects_;
  std::map<uint64_t, job_id> answers_;
};

class reads_see_writes_checker final : public log_checker {
public:
  explicit reads_see_writes_checker(const check_context& c)
      : log_checker(c.judge), jobs_(c.jobs) {}
  std::string_view name() const override { return "reads_see_writes"; }
  std::string_view promise() const override {
    return "An answer is not older than its question: it has every job asked "
           "for that was in the log by then, in a status that it had since.";
  }

private:
  struct asked {
    sim_time from = 0;
    sim_time to = 0;
  };

  void on_decision(const decided& d) override {
    jobs_->take(d);
    for_each_event(d, event_cases{[&](const queue_created& e) {
                     queues_[e.object->settings.name].insert(e.object->uid);
                   }});
  }

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<call_sent>(&e.what)) {
      if (std::holds_alternative<describe_jobs_request>(*s->what)
          || std::holds_alternative<list_jobs_request>(*s->what))
        calls_.take(e.at, *s);
      return;
    }
    const auto* a = std::get_if<call_answered>(&e.what);
    const auto* call = a ? calls_.find(a->call) : nullptr;
    const auto* r = call ? good(*a) : nullptr;
    if (r != nullptr) {
      auto sent = call->sent_at.find(a->try_number);
      asked when{sent == call->sent_at.end() ? call->sent_at.begin()->second
                                             : sent->second,
                 e.at};
      if (const auto* d = std::get_if<jobs_response>(r))
        look(when, std::get<describe_jobs_request>(*call->what), *d);
      else if (const auto* l = std::get_if<job_list_response>(r))
        look(when, std::get<list_jobs_request>(*call->what), *l);
    }
    if (call != nullptr)
      calls_.forget(a->call);
  }

  bool could_be_read(shard_id shard, log_offset offset, sim_time at) const {
    const auto* record = judge().find(shard, offset);
    return record != nullptr && record->visible_at && *record->visible_at <= at;
  }

  /// Statuses that a true answer may have.
  std::set<job_status> possible(const ledger_job& job, const ledger_line& line,
                                const asked& when) const {
    std::set<job_status> found;
    const auto& all = line.changes;
    for (size_t i = 0; i < all.size() && all[i].at <= when.to; ++i) {
      auto is_passed =
          i + 1 < all.size()
          && (all[i + 1].offset == all[i].offset
              || could_be_read(job.shard, all[i + 1].offset, when.from));
      if (!is_passed)
        found.insert(all[i].to);
    }
    return found;
  }

  void look_at_view(const asked& when, const job_view& view) {
    const auto* job = jobs_->find(view.key.id);
    const auto* line = job ? jobs_->find(view.key) : nullptr;
    if (job == nullptr)
      return violated(when.to,
                      to_string(view.key)
                          + " is answered, but is not in the "
                            "log",
                      view.key.id);
    if (line == nullptr)
      return;
    auto may_be = possible(*job, *line, when);
    if (may_be.count(view.status) == 0) {
      std::string all;
      for (auto s : may_be)
        all += std::string(all.empty() ? "" : " or ") + to_string(s);
      violated(when.to,
               to_string(view.key) + " is answered as " + to_string(view.status)
                   + ", since the question it was "
                   + (all.empty() ? "not there" : all),
               view.key.id);
    }
  }

  void look(const asked& when, const describe_jobs_request& question,
            const jobs_response& answer) {
    std::set<job_key> answered;
    for (const auto& view : answer.jobs) {
      answered.insert(view.key);
      look_at_view(when, view);
    }
    for (const auto& text : question.jobs) {
      auto key = parse_job_key(text);
      const auto* job = key ? jobs_->find(key->id) : nullptr;
      const auto* line = job ? jobs_->find(*key) : nullptr;
      // Children are known once they were made; those that did anything were.
      if (line == nullptr || answered.count(*key) != 0
          || (key->is_child() && line->changes.size() < 2))
        continue;
      auto since = key->is_child() ? line->changes[1].offset : job->offset;
      if (could_be_read(job->shard, since, when.from))
        violated(when.to,
                 to_string(*key) + " (" + job->spec->name
                     + ") is missing in an answer, but was in the log",
                 key->id);
    }
  }

  void look(const asked& when, const list_jobs_request& question,
            const job_list_response& answer) {
    std::set<job_key> answered;
    for (const auto& view : answer.jobs) {
      answered.insert(view.key);
      look_at_view(when, view);
      if (question.status && view.status != *question.status)
        violated(when.to,
                 to_string(view.key) + " is listed as "
                     + to_string(*question.status) + ", but is "
                     + to_string(view.status),
                 view.key.id);
    }
    auto queue = queues_.find(question.queue);
    if (queue == queues_.end() || queue->second.size() != 1
        || !question.page.token.empty() || !answer.next_token.empty()
        || question.filter != job_filter_kind::none || !question.status)
      return;
    for (const auto& [id, job] : jobs_->jobs()) {
      job_key key{id, no_index};
      if (job.queue != *queue->second.begin() || answered.count(key) != 0)
        continue;
      auto may_be = possible(job, job.whole, when);
      if (may_be == std::set<job_status>{*question.status}
          && could_be_read(job.shard, job.offset, when.from))
        violated(when.to,
                 to_string(key) + " (" + job.spec->name + ") was "
                     + to_string(*question.status) + ", but is not listed so",
                 id);
    }
  }

  std::shared_ptr<job_ledger> jobs_;
  open_calls calls_;
  std::map<std::string, std::set<queue_uid>> queues_;
};

} // namespace

made_checker answers_are_in_the_log(const check_context& c) {
  return std::make_unique<answers_are_in_the_log_checker>(c);
}
made_checker one_call_one_effect(const check_context& c) {
  return std::make_unique<one_call_one_effect_checker>(c);
}
made_checker reads_see_writes(const check_context& c) {
  return std::make_unique<reads_see_writes_checker>(c);
}

} // namespace berth::sim
