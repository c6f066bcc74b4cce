// Waiting between looks at a server that has no event to wait for.
#pragma once

#include <chrono>

namespace berth {

/// Waits for `how_long`; ends early when nobody reads standard output any more
/// (false).
bool pause_while_read(std::chrono::milliseconds how_long);

} // namespace berth
