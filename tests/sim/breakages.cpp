#include "tests/sim/breakages.hpp"

#include "messages/assert.hpp"

#include <algorithm>

namespace berth::sim {

const std::vector<breakage_entry>& all_breakages() {
  static const std::vector<breakage_entry> all{
      {breakage::skip_epoch_check, "skip_epoch_check",
       "decisions of an older epoch are folded"},
      {breakage::act_before_read_back, "act_before_read_back",
       "answers and messages leave before their decision was read back"},
      {breakage::claim_known_by_node_only, "claim_known_by_node_only",
       "a claim is one's own by the node's name, whatever its nonce"},
      {breakage::gap_stops_shard, "gap_stops_shard",
       "a decision behind a gap stops the node"},
      {breakage::seq_greater_instead_of_next, "seq_greater_instead_of_next",
       "a decision is valid when its seq is greater than the last"},
      {breakage::resume_after_folded_offset, "resume_after_folded_offset",
       "reading resumes behind the checkpoint's folded offset, not behind "
       "`through`"},
      {breakage::checkpoint_in_flight, "checkpoint_in_flight",
       "a checkpoint is cut while a decision is in flight"},
      {breakage::deliveries_recorded_one_by_one,
       "deliveries_recorded_one_by_one",
       "a delivery is recorded before the earlier ones are acknowledged"},
      {breakage::receiver_takes_any_greater, "receiver_takes_any_greater",
       "a receiver takes any greater number, not only the next"},
      {breakage::dispatch_without_session, "dispatch_without_session",
       "a keeper takes dispatches of other sessions"},
      {breakage::agent_lost_right_after_takeover,
       "agent_lost_right_after_takeover",
       "a new owner does not count an agent's silence anew"},
      {breakage::agent_lost_before_heartbeats_read,
       "agent_lost_before_heartbeats_read",
       "an agent is declared lost before the heartbeats were read to their "
       "end"},
      {breakage::lapse_seen_by_timer_only, "lapse_seen_by_timer_only",
       "a keeper does not look at the lease before a start, and its timer "
       "comes "
       "late"},
      {breakage::late_acknowledgement_revives, "late_acknowledgement_revives",
       "an acknowledgement after the lapse renews the lease"},
      {breakage::join_before_old_session_settled,
       "join_before_old_session_settled",
       "a session joins while the old one has processes or reports left"},
      {breakage::report_numbers_per_agent, "report_numbers_per_agent",
       "a shard counts reports per agent, not per session"},
      {breakage::agent_reads_dispatches_from_end,
       "agent_reads_dispatches_from_end",
       "a restarted agent reads its dispatches from the end"},
      {breakage::demand_without_last_grant, "demand_without_last_grant",
       "demand does not say which grants it has seen"},
      {breakage::dependency_met_on_starting, "dependency_met_on_starting",
       "a dependency is met when the job is placed"},
      {breakage::off_by_one_in_through, "off_by_one_in_through",
       "`through` is one too far"},
      {breakage::no_resend_after_takeover, "no_resend_after_takeover",
       "a new owner does not send the unrecorded outbox again"},
      {breakage::unknown_append_taken_as_failed,
       "unknown_append_taken_as_failed",
       "an append of unknown outcome counts as failed"},
      {breakage::answer_without_barrier, "answer_without_barrier",
       "questions are answered without a look at the log's end"},
      {breakage::time_from_own_clock, "time_from_own_clock",
       "a decision's time is the machine's own clock"},
      {breakage::work_lost_on_load, "work_lost_on_load",
       "unfinished long work is forgotten with the process"},
      {breakage::known_id_submits_again, "known_id_submits_again",
       "a known job id is submitted anew"},
      {breakage::lease_released_on_cancel, "lease_released_on_cancel",
       "a lease is released when the stop is sent, not when the end was "
       "reported"},
      {breakage::lost_lease_not_requeued, "lost_lease_not_requeued",
       "a lost attempt is not settled"},
      {breakage::head_never_reserved, "head_never_reserved",
       "no agent is kept for a head that has waited too long"},
      {breakage::newest_first, "newest_first",
       "the newest job of a shape is matched first"},
      {breakage::priority_ignored, "priority_ignored",
       "queues are served by age alone"},
      {breakage::capacity_counted_once_too_few, "capacity_counted_once_too_few",
       "an agent takes one job more than fits"},
      {breakage::environment_maximum_ignored, "environment_maximum_ignored",
       "an environment grants beyond its maximum"},
      {breakage::one_attempt_too_many, "one_attempt_too_many",
       "a job is tried once more than its strategy allows"},
      {breakage::timeout_not_armed, "timeout_not_armed",
       "an attempt's timeout is not armed"},
      {breakage::terminate_forgets_starting_job,
       "terminate_forgets_starting_job",
       "a job that is STARTING is not terminated"},
      {breakage::array_parent_ends_early, "array_parent_ends_early",
       "an array ends before its last child"},
      {breakage::n_to_n_meets_next_child, "n_to_n_meets_next_child",
       "N_TO_N waits for the other array's next child"},
      {breakage::saturation_never_told, "saturation_never_told",
       "an environment does not say that it has no room"},
      {breakage::bounced_grant_not_released, "bounced_grant_not_released",
       "a grant to a queue that is gone is not released"},
      {breakage::submission_cursor_forgotten, "submission_cursor_forgotten",
       "a decision does not say which submissions it took"},
      {breakage::delayed_submission_refused, "delayed_submission_refused",
       "a submission is refused when a shard does not answer"},
      {breakage::published_before_written, "published_before_written",
       "a publisher's cursor passes what was not written yet"},
      {breakage::full_store_goes_on, "full_store_goes_on",
       "a checkpoint that the store refused counts as written"},
      {breakage::newer_format_folded, "newer_format_folded",
       "records of a newer format are folded"},
      {breakage::end_told_before_tree_is_gone, "end_told_before_tree_is_gone",
       "an attempt has ended when its main process has"},
      {breakage::change_answered_at_once, "change_answered_at_once",
       "a change of the catalog is answered before other nodes know it"},
      {breakage::later_decision_confirmed, "later_decision_confirmed",
       "an owner passes over a lost decision when it reads the next one"},
  };
  return all;
}

std::optional<breakage> find_breakage(std::string_view name) {
  const auto& all = all_breakages();
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& entry) {
    return entry.name == name;
  });
  if (found == all.end())
    return std::nullopt;
  return found->which;
}

std::string_view name_of(breakage b) {
  auto at = static_cast<size_t>(b) - 1;
  BERTH_ASSERT(at < all_breakages().size(), "every breakage is in the list");
  return all_breakages()[at].name;
}

} // namespace berth::sim
