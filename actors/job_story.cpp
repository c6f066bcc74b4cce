#include "actors/job_story.hpp"

#include <algorithm>
#include <variant>

namespace berth {

namespace {

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

const char* words_of(attempt_end end) {
  switch (end) {
  case attempt_end::exited:
    return "its process ended";
  case attempt_end::failed_to_start:
    return "it could not be started";
  case attempt_end::timed_out:
    return "its time was over";
  case attempt_end::stopped:
    return "it was stopped";
  case attempt_end::out_of_memory:
    return "it exceeded its memory";
  case attempt_end::lost:
    return "its agent's session was over";
  case attempt_end::not_started:
    return "its start was withdrawn";
  }
  return "it ended";
}

const char* words_of(after_attempt next) {
  switch (next) {
  case after_attempt::succeed:
    return "the job SUCCEEDED";
  case after_attempt::fail:
    return "the job FAILED";
  case after_attempt::retry:
    return "its strategy allows another attempt, so it is RUNNABLE again";
  }
  return "";
}

} // namespace

class job_story::teller {
public:
  teller(job_story& story, log_offset offset, const decision_record& decision)
      : story_(story), offset_(offset), decision_(decision) {}

  void operator()(const queue_configured& e) {
    story_.queues_[e.object->uid] = e.object->settings.name;
    for (const auto& environment : e.environments)
      story_.environments_[environment.uid] = environment.name;
  }
  void operator()(const environment_configured& e) {
    story_.environments_[e.object->uid] = e.object->settings.name;
  }

  void operator()(const job_submitted& e) {
    if (e.id != story_.job_.id)
      return;
    auto text = "submitted as " + quoted(e.spec->name) + " to queue "
                + queue(e.queue) + ", definition " + e.spec->definition_name
                + ":" + std::to_string(e.spec->definition_revision)
                + ", position " + std::to_string(e.position);
    if (e.spec->array_size > 0)
      text += ", an array of " + std::to_string(e.spec->array_size);
    for (const auto& d : e.spec->depends_on)
      if (d.on)
        text += ", after " + to_string(*d.on);
    tell(std::move(text));
  }
  void operator()(const dependency_settled& e) {
    if (e.waiter == story_.job_.id)
      tell("its dependency " + to_string(e.on)
           + (e.first == no_index
                  ? ""
                  : " (children " + std::to_string(e.first) + " to "
                        + std::to_string(e.last - 1) + ")")
           + (e.succeeded ? " succeeded" : " failed"));
  }
  void operator()(const jobs_became_runnable& e) {
    if (covers(e.jobs))
      tell("RUNNABLE" + children(e.jobs) + ": it waits for resources");
  }
  void operator()(const leases_matched& e) {
    for (const auto& match : e.matches)
      if (match.job == story_.job_)
        tell("lease " + std::to_string(match.lease.value) + " of environment "
             + environment(e.environment)
             + " matched: it was the next job of queue " + queue(e.queue)
             + " of its shape, " + to_string(e.what.each));
  }
  void operator()(const attempt_placed& e) {
    if (is_mine(e.attempt.job))
      tell("STARTING" + attempt(e.attempt) + " on agent " + quoted(e.agent)
           + " of environment " + environment(e.environment) + ", session "
           + std::to_string(e.session.keeper_start) + "."
           + std::to_string(e.session.lease_number));
  }
  void operator()(const attempt_started& e) {
    if (is_mine(e.attempt.job))
      tell("RUNNING" + attempt(e.attempt) + ": the agent reported its process");
  }
  void operator()(const attempt_finished& e) {
    if (!is_mine(e.attempt.job))
      return;
    auto text = "attempt " + std::to_string(e.attempt.number)
                + " ended: " + words_of(e.end);
    if (e.exit_code)
      text += ", exit code " + std::to_string(*e.exit_code);
    if (!e.reason.empty())
      text += ", " + quoted(e.reason);
    tell(text + "; " + words_of(e.next) + " (" + e.status_reason + ")");
  }
  void operator()(const jobs_failed& e) {
    if (covers(e.jobs))
      tell("FAILED without an attempt" + children(e.jobs) + ": "
           + e.status_reason);
  }
  void operator()(const end_requested& e) {
    if (is_mine(e.job))
      tell(std::string(e.terminate ? "TerminateJob" : "CancelJob")
           + " was called: " + quoted(e.reason));
  }
  void operator()(const array_finished& e) {
    if (e.id == story_.job_.id && !story_.job_.is_child())
      tell(std::string("all children have ended: the array ")
           + (e.succeeded ? "SUCCEEDED" : "FAILED") + " (" + e.status_reason
           + ")");
  }
  void operator()(const job_tagged& e) {
    if (e.id == story_.job_.id)
      tell("its tags were changed");
  }
  template <class Other>
  void operator()(const Other&) {}

private:
  /// A parent's story leaves out what happens to single children.
  bool is_mine(const job_key& job) const { return job == story_.job_; }
  bool covers(const job_range& jobs) const {
    if (jobs.id != story_.job_.id)
      return false;
    return !story_.job_.is_child() || jobs.first == no_index
           || (jobs.first <= story_.job_.index
               && story_.job_.index < jobs.last);
  }
  std::string children(const job_range& jobs) const {
    if (jobs.first == no_index || story_.job_.is_child())
      return "";
    return " (children " + std::to_string(jobs.first) + " to "
           + std::to_string(jobs.last - 1) + ")";
  }
  static std::string attempt(const attempt_id& a) {
    return " (attempt " + std::to_string(a.number) + ")";
  }
  std::string queue(queue_uid uid) const {
    auto found = story_.queues_.find(uid);
    return found == story_.queues_.end() ? std::to_string(uid.value)
                                         : quoted(found->second);
  }
  std::string environment(environment_uid uid) const {
    auto found = story_.environments_.find(uid);
    return found == story_.environments_.end() ? std::to_string(uid.value)
                                               : quoted(found->second);
  }
  void tell(std::string text) {
    story_.lines_.push_back({decision_.at_ms, offset_, decision_.seq,
                             decision_.at_epoch.value, story_.node_,
                             std::move(text)});
  }

  job_story& story_;
  log_offset offset_;
  const decision_record& decision_;
};

void job_story::on_claim(log_offset, const claim_record& claim) {
  node_ = claim.node;
}

void job_story::on_decision(log_offset offset,
                            const decision_record& decision) {
  teller tell{*this, offset, decision};
  for (const auto& e : decision.events)
    std::visit(tell, e);
}

} // namespace berth
