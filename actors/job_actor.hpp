// What a job decides: its submission, its attempts, its dependencies, its end
// (AWS reference 14, 15). Attempts of array children are decided here too.
#pragma once

#include "actors/job_state.hpp"

namespace berth {

void decide_submission(const job_state& state, call_token token,
                       const submit_job_call& call,
                       const decision_context& context, draft& d);
void decide_end(const job_state& state, const end_job_call& call,
                const decision_context& context, draft& d);
void decide_placement(const job_state& state, const place_job& m,
                      const decision_context& context, draft& d);
void decide_report(const job_state& state, const agent_id& agent,
                   const session_id& session, const attempt_report& report,
                   const decision_context& context, draft& d);
void decide_loss(const job_state& state, const attempt_lost& m,
                 const decision_context& context, draft& d);
void decide_dependency_end(const job_state& state, const dependency_ended& m,
                           const decision_context& context, draft& d);
/// A single job that waits, or an array without children yet, fails without
/// an attempt.
void fail_waiting_job(const job_state& state, const hot_entry& job,
                      const std::string& reason,
                      const decision_context& context, draft& d);
/// The live attempt, or null.
const attempt_record* live_attempt(const job_activity* activity);

} // namespace berth
