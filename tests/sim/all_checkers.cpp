#include "tests/sim/checks.hpp"

namespace berth::sim {

std::vector<std::unique_ptr<checker>> all_checkers(const parameters& p) {
  check_context c{p};
  std::vector<std::unique_ptr<checker>> all;
  for (auto make : {no_job_lost, legal_transitions, everything_drains,
                    attempt_starts_once, same_state_everywhere})
    all.push_back(make(c));
  return all;
}

} // namespace berth::sim
