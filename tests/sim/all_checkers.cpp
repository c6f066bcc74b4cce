#include "tests/sim/checks.hpp"

namespace berth::sim {

std::vector<std::unique_ptr<checker>> all_checkers(const parameters& p) {
  check_context c{p};
  std::vector<std::unique_ptr<checker>> all;
  for (auto make : {no_job_lost,
                    legal_transitions,
                    everything_drains,
                    dependencies_respected,
                    arrays_add_up,
                    retries_as_the_strategy,
                    terminated_jobs_fail,
                    attempt_starts_once,
                    one_live_attempt,
                    starts_as_decided,
                    reports_are_true,
                    timeouts_fire,
                    agents_not_overcommitted,
                    environment_within_maximum,
                    leases_balance,
                    priority_first,
                    order_in_queue,
                    passed_within_head_wait,
                    no_idle_room,
                    messages_exactly_once,
                    confirmed_before_it_leaves,
                    answers_are_in_the_log,
                    one_call_one_effect,
                    reads_see_writes,
                    changes_hold_everywhere,
                    same_state_everywhere,
                    owners_have_claimed,
                    checkpoints_stand,
                    time_goes_on,
                    stories_agree,
                    topic_submissions_once,
                    rejections_published,
                    changes_published,
                    full_stores_stop,
                    newer_formats_refused,
                    attempts_leave_nothing})
    all.push_back(make(c));
  return all;
}

} // namespace berth::sim
