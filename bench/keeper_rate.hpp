// What the keeper alone costs a short job.
#pragma once

#include <cstddef>
#include <string>

namespace berth {

/// Jobs of /bin/true per second through a keeper of its own, dispatched one by
/// one with two in flight, each report awaited and acknowledged. `folder` must
/// be empty.
double run_keeper_rate(size_t jobs, const std::string& folder);

} // namespace berth
