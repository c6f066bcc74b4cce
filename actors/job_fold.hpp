// The job table's only writers (rule Fold): one function per event. Total:
// what an event names and the state does not know is passed over.
#pragma once

#include "actors/job_state.hpp"

namespace berth {

void fold(job_state& state, const job_submitted& e);
void fold(job_state& state, const waiter_added& e);
void fold(job_state& state, const dependency_settled& e);
void fold(job_state& state, const jobs_became_runnable& e);
void fold(job_state& state, const attempt_placed& e);
void fold(job_state& state, const attempt_started& e);
void fold(job_state& state, const attempt_finished& e);
void fold(job_state& state, const jobs_failed& e);
void fold(job_state& state, const end_requested& e);
void fold(job_state& state, const array_finished& e);
void fold(job_state& state, const job_tagged& e);
void fold(job_state& state, const jobs_expired& e);
void fold(job_state& state, const job_work_advanced& e);
void fold(job_state& state, const job_work_finished& e);

} // namespace berth
