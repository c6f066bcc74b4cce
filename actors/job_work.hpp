// Long work of the job table (rule Bounds): cursors in the state that later
// decisions advance.
#pragma once

#include "actors/job_state.hpp"

namespace berth {

/// Some work can go on now; ending a queue's jobs waits for its last attempts
/// without being ready.
bool has_ready_work(const job_state& state);
void advance_work(const job_state& state, const decision_context& context,
                  draft& d);
void decide_queue_end(const job_state& state, const end_jobs_of_queue& m,
                      const decision_context& context, draft& d);

/// When terminal jobs expire next; nothing while there are none.
std::optional<int64_t> next_expiry_ms(const job_state& state);
void decide_expiry(const job_state& state, const decision_context& context,
                   draft& d);

} // namespace berth
