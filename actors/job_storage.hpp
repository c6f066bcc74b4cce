// The job table's rows: checkpoints, loading, the fingerprint of the state.
#pragma once

#include "actors/job_state.hpp"

namespace berth {

using row_changes = std::map<std::string, std::optional<std::string>>;

job_bodies cut_checkpoint(job_state& state, row_changes& rows);
bool load_row(job_state& state, std::string_view key, std::string_view bytes,
              const job_table::restored& to);
std::optional<std::optional<std::string>> pending_row(const job_state& state,
                                                      const std::string& key);

/// What the row of a live job holds; also what its fingerprint is made of.
live_job_row row_of(const job_state& state, const hot_job& job);
job_table_row table_row_of(const job_state& state);

/// Marks for deletion all rows of the jobs that an expiry row names.
void forget_expired(job_state& state, const std::string& key,
                    std::string_view bytes);

void add_to_hash(const job_state& state, state_hash& hash);
void check_invariants(const job_state& state);

} // namespace berth
