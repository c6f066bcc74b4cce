// Switches that exist only in a build for the simulation (`BERTH_SIMULATION`,
// see docs/simulation.md); everywhere else they are constants, and what hangs
// on them is not compiled.
#pragma once

#include <cstdint>

namespace berth {

/// A deliberate error in a rule, in placing or in a job's life, that the
/// simulation's checkers must notice. Each is tested for at the one place that
/// it breaks.
enum class breakage : uint8_t;

#ifdef BERTH_SIMULATION
/// Whether this run is made with the error.
bool broken(breakage b);
/// Whether this run takes a rare way here, this time: drawn from the seed, with
/// a chance per place and run. Never asked where state is folded. `place` is a
/// literal, and unique.
bool rarely(const char* place);
#else
constexpr bool broken(breakage) {
  return false;
}
constexpr bool rarely(const char*) {
  return false;
}
#endif

/// Rules of the log first, in their order, then placing, then jobs.
enum class breakage : uint8_t {
  skip_epoch_check = 1,
  act_before_read_back = 2,
  claim_known_by_node_only = 3,
  gap_stops_shard = 4,
  seq_greater_instead_of_next = 5,
  resume_after_folded_offset = 6,
  checkpoint_in_flight = 7,
  deliveries_recorded_one_by_one = 8,
  receiver_takes_any_greater = 9,
  dispatch_without_session = 10,
  agent_lost_right_after_takeover = 11,
  agent_lost_before_heartbeats_read = 12,
  lapse_seen_by_timer_only = 13,
  late_acknowledgement_revives = 14,
  join_before_old_session_settled = 15,
  report_numbers_per_agent = 16,
  agent_reads_dispatches_from_end = 17,
  demand_without_last_grant = 18,
  dependency_met_on_starting = 19,
  off_by_one_in_through = 20,
  no_resend_after_takeover = 21,
  unknown_append_taken_as_failed = 22,
  answer_without_barrier = 23,
  time_from_own_clock = 24,
  work_lost_on_load = 25,
  known_id_submits_again = 26,
  lease_released_on_cancel = 27,
  lost_lease_not_requeued = 28,
  head_never_reserved = 29,
  newest_first = 30,
  priority_ignored = 31,
  capacity_counted_once_too_few = 32,
  environment_maximum_ignored = 33,
  one_attempt_too_many = 34,
  timeout_not_armed = 35,
  terminate_forgets_starting_job = 36,
  array_parent_ends_early = 37,
  n_to_n_meets_next_child = 38,
  saturation_never_told = 39,
  bounced_grant_not_released = 40,
  submission_cursor_forgotten = 41,
  delayed_submission_refused = 42,
  published_before_written = 43,
  full_store_goes_on = 44,
  newer_format_folded = 45,
  end_told_before_tree_is_gone = 46,
  change_answered_at_once = 47,
  later_decision_confirmed = 48,
};
constexpr uint8_t breakage_count = 48;

} // namespace berth
