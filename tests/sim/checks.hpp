// All checkers, by concept. Each function makes one; its `promise()` says what
// it holds a run to.
#pragma once

#include "tests/sim/job_ledger.hpp"

#include <memory>

namespace berth::sim {

/// What the checkers of one run share.
struct check_context {
  parameters of;
  std::shared_ptr<log_judge> judge = std::make_shared<log_judge>();
  std::shared_ptr<job_ledger> jobs = std::make_shared<job_ledger>();
};

using made_checker = std::unique_ptr<checker>;

// check_jobs.cpp
made_checker no_job_lost(const check_context& c);
made_checker legal_transitions(const check_context& c);
made_checker everything_drains(const check_context& c);

// check_jobs_rules.cpp
made_checker dependencies_respected(const check_context& c);
made_checker arrays_add_up(const check_context& c);
made_checker retries_as_the_strategy(const check_context& c);
made_checker terminated_jobs_fail(const check_context& c);

// check_attempts.cpp
made_checker attempt_starts_once(const check_context& c);
made_checker one_live_attempt(const check_context& c);
made_checker starts_as_decided(const check_context& c);
made_checker reports_are_true(const check_context& c);
made_checker timeouts_fire(const check_context& c);

// check_capacity.cpp
made_checker agents_not_overcommitted(const check_context& c);
made_checker environment_within_maximum(const check_context& c);
made_checker leases_balance(const check_context& c);

// check_placement.cpp
made_checker priority_first(const check_context& c);
made_checker order_in_queue(const check_context& c);
made_checker passed_within_head_wait(const check_context& c);
made_checker no_idle_room(const check_context& c);

// check_messages.cpp
made_checker messages_exactly_once(const check_context& c);
made_checker confirmed_before_it_leaves(const check_context& c);

// check_answers.cpp
made_checker answers_are_in_the_log(const check_context& c);
made_checker one_call_one_effect(const check_context& c);
made_checker reads_see_writes(const check_context& c);

// check_catalog.cpp
made_checker changes_hold_everywhere(const check_context& c);

// check_state.cpp
made_checker same_state_everywhere(const check_context& c);
made_checker owners_have_claimed(const check_context& c);
made_checker checkpoints_stand(const check_context& c);
made_checker time_goes_on(const check_context& c);

// check_stories.cpp
made_checker stories_agree(const check_context& c);

// check_public_topics.cpp
made_checker topic_submissions_once(const check_context& c);
made_checker rejections_published(const check_context& c);
made_checker changes_published(const check_context& c);

// check_nodes.cpp
made_checker full_stores_stop(const check_context& c);
made_checker newer_formats_refused(const check_context& c);
made_checker attempts_leave_nothing(const check_context& c);

} // namespace berth::sim
