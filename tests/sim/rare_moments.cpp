#include "tests/sim/rare_moments.hpp"

#include <algorithm>
#include <utility>

namespace berth::sim {

namespace {

/// An end that the log hears of so late was reported by an agent that had lost
/// touch, or by the one after it.
constexpr sim_time late_report = 3 * second;

constexpr char attempt_settled_as_lost[] = "attempt_settled_as_lost";
constexpr char demand_between_shards[] = "demand_between_shards";
constexpr char dependency_between_shards[] = "dependency_between_shards";
constexpr char grant_to_a_gone_queue[] = "grant_to_a_gone_queue";
constexpr char job_ended_out_of_touch[] = "job_ended_out_of_touch";
constexpr char name_made_anew[] = "name_made_anew";
constexpr char node_stopped_by_a_newer_format[] =
    "node_stopped_by_a_newer_format";
constexpr char shard_taken_over_by_a_newer_version[] =
    "shard_taken_over_by_a_newer_version";
constexpr char start_withdrawn[] = "start_withdrawn";
constexpr char state_change_repeated[] = "state_change_repeated";
constexpr char submission_for_another_shard[] = "submission_for_another_shard";
constexpr char submission_landed_twice[] = "submission_landed_twice";
constexpr char submission_refused[] = "submission_refused";
constexpr char submissions_read_on_by_another[] =
    "submissions_read_on_by_another";
constexpr char terminate_races_start[] = "terminate_races_start";
constexpr char work_continued_by_a_cursor[] = "work_continued_by_a_cursor";

} // namespace

const std::vector<std::string>& rare_moments::names() {
  static const std::vector<std::string> all{attempt_settled_as_lost,
                                            demand_between_shards,
                                            dependency_between_shards,
                                            grant_to_a_gone_queue,
                                            job_ended_out_of_touch,
                                            name_made_anew,
                                            node_stopped_by_a_newer_format,
                                            shard_taken_over_by_a_newer_version,
                                            start_withdrawn,
                                            state_change_repeated,
                                            submission_for_another_shard,
                                            submission_landed_twice,
                                            submission_refused,
                                            submissions_read_on_by_another,
                                            terminate_races_start,
                                            work_continued_by_a_cursor};
  return all;
}

void rare_moments::on(const history_entry& e) {
  if (const auto* ended = std::get_if<process_ended>(&e.what))
    ended_at_[ended->attempt] = e.at;
  if (const auto* s = std::get_if<submission_landed>(&e.what))
    if (!s->name.empty() && !submissions_.insert(s->name).second)
      meet(submission_landed_twice);
  if (const auto* c = std::get_if<change_landed>(&e.what)) {
    auto& greatest = changes_[c->what.shard];
    auto place = std::pair{c->what.offset, c->what.number};
    if (place <= greatest)
      meet(state_change_repeated);
    greatest = std::max(greatest, place);
  }
  if (const auto* f = std::get_if<node_failed>(&e.what))
    if (f->why.find("newer version") != std::string::npos)
      meet(node_stopped_by_a_newer_format);
  const auto* in_log = std::get_if<record_in_log>(&e.what);
  if (in_log == nullptr)
    return;
  if (std::holds_alternative<claim_record>(in_log->what->body)) {
    auto& format = formats_[in_log->shard];
    if (format != 0 && format < in_log->what->format)
      meet(shard_taken_over_by_a_newer_version);
    format = in_log->what->format;
  }
  if (const auto* d = std::get_if<decision_record>(&in_log->what->body)) {
    on_cursors(*d);
    on_decision(e.at, *d);
  } else if (const auto* m = std::get_if<message_record>(&in_log->what->body))
    on_message(*m);
}

void rare_moments::on_cursors(const decision_record& d) {
  for (const auto& [source, cursor] : d.cursors) {
    auto [last, is_new] = cursors_.try_emplace(source, cursor, d.at_epoch);
    if (cursor == last->second.first)
      continue;
    if (!is_new && last->second.second != d.at_epoch)
      meet(submissions_read_on_by_another);
    last->second = {cursor, d.at_epoch};
  }
}

void rare_moments::on_message(const message_record& m) {
  if (std::holds_alternative<demand>(m.body))
    meet(demand_between_shards);
  else if (std::holds_alternative<submit_job>(m.body))
    meet(submission_for_another_shard);
  else if (std::holds_alternative<watch_job>(m.body))
    meet(dependency_between_shards);
  else if (const auto* granted = std::get_if<grant>(&m.body);
           granted && dropped_queues_.count(granted->queue) != 0)
    meet(grant_to_a_gone_queue);
}

void rare_moments::on_decision(sim_time at, const decision_record& d) {
  for (const auto& e : d.events) {
    if (const auto* placed = std::get_if<attempt_placed>(&e)) {
      starting_.insert(placed->attempt.job);
    } else if (const auto* started = std::get_if<attempt_started>(&e)) {
      starting_.erase(started->attempt.job);
    } else if (const auto* asked = std::get_if<end_requested>(&e)) {
      if (asked->terminate && starting_.count(asked->job) != 0)
        meet(terminate_races_start);
    } else if (const auto* finished = std::get_if<attempt_finished>(&e)) {
      starting_.erase(finished->attempt.job);
      if (finished->end == attempt_end::lost)
        meet(attempt_settled_as_lost);
      if (finished->end == attempt_end::not_started)
        meet(start_withdrawn);
      auto ended = ended_at_.find(finished->attempt);
      if (ended != ended_at_.end() && at - ended->second > late_report)
        meet(job_ended_out_of_touch);
    } else if (const auto* work = std::get_if<job_work_advanced>(&e)) {
      if (work->work.cursor > 0
          && work->work.kind != job_work_kind::tell_waiters)
        meet(work_continued_by_a_cursor);
    } else if (const auto* created = std::get_if<queue_created>(&e)) {
      queue_names_[created->object->uid] = created->object->settings.name;
      if (deleted_names_.count(created->object->settings.name) != 0)
        meet(name_made_anew);
    } else if (const auto* deleted = std::get_if<queue_deleted>(&e)) {
      deleted_names_.insert(queue_names_[deleted->uid]);
    } else if (const auto* refused = std::get_if<message_refused>(&e)) {
      if (refused->source != "agent")
        meet(submission_refused);
    } else if (const auto* dropped = std::get_if<queue_dropped>(&e)) {
      dropped_queues_.insert(dropped->queue);
    }
  }
}

} // namespace berth::sim
