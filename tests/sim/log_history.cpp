#include "tests/sim/log_history.hpp"

#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "tests/sim/submission_names.hpp"

#include <algorithm>

namespace berth::sim {

void log_history::landed(const landed_append& a) {
  auto& log = shards_.at(a.partition.value);
  auto read = decode<record>(a.bytes);
  BERTH_ASSERT(read, "what is appended can be read");
  log.records.push_back(std::make_shared<const record>(std::move(*read)));
  auto& last = log.last_landed[a.by.name];
  if (a.number < last)
    history_.situation("append_landed_after_a_later_one");
  last = std::max(last, a.number);
  if (a.is_unknown)
    history_.situation("unknown_append_with_effect");
  judge(log, a);
  history_.add(record_in_log{a.partition, a.offset, a.by.name,
                             log.records.back(), a.bytes.size()});
}

void log_history::judge(shard_log& log, const landed_append& a) {
  const auto& body = log.records.back()->body;
  if (const auto* claim = std::get_if<claim_record>(&body)) {
    log.claim = a.offset;
    log.nonce = claim->nonce;
    return;
  }
  const auto* d = std::get_if<decision_record>(&body);
  if (d == nullptr)
    return;
  if (d->at_epoch.value != log.claim || d->nonce != log.nonce) {
    history_.situation("zombie_append_after_a_new_claim");
  } else if (d->seq != log.seq + 1) {
    history_.situation(d->seq > log.seq ? "decision_behind_a_gap"
                                        : "decision_landed_twice");
  } else {
    log.seq = d->seq;
    log.last_valid = log.records.back();
    log.last_valid_at = a.offset;
    count_finished(*d);
    count_submissions(*d);
  }
}

void log_history::count_submissions(const decision_record& d) {
  for (const auto& e : d.events) {
    if (const auto* submitted = std::get_if<job_submitted>(&e))
      submissions_settled_ +=
          submitted->spec->name.rfind(name_by_topic, 0) == 0;
    else if (const auto* refused = std::get_if<message_refused>(&e))
      submissions_settled_ +=
          refused->source.rfind(submissions_topic_name, 0) == 0;
  }
}

void log_history::count_finished(const decision_record& d) {
  for (const auto& e : d.events) {
    if (const auto* end = std::get_if<attempt_finished>(&e))
      jobs_finished_ +=
          !end->attempt.job.is_child() && end->next != after_attempt::retry;
    else if (const auto* failed = std::get_if<jobs_failed>(&e))
      jobs_finished_ += failed->jobs.first == no_index;
    else if (std::holds_alternative<array_finished>(e))
      ++jobs_finished_;
  }
}

void log_history::visible(shard_id partition, log_offset offset) {
  history_.add(record_visible{partition, offset});
}

void log_history::lost() {
  history_.situation("unknown_append_without_effect");
}

} // namespace berth::sim
