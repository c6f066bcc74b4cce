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

// check_attempts.cpp
made_checker attempt_starts_once(const check_context& c);

// check_state.cpp
made_checker same_state_everywhere(const check_context& c);

} // namespace berth::sim
