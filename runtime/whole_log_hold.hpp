// What makes a node fold every shard, see `runtime/whole_log.hpp`.
#pragma once

#include "storage/log.hpp"

#include <functional>
#include <memory>

namespace berth {

/// While one of these lives, no shard comes to rest at the node.
using whole_log_hold = std::shared_ptr<void>;

/// Called once, from any thread; must not block. The error says why the end of
/// the log cannot be known.
using whole_log_ready =
    std::function<void(whole_log_hold, const storage_error&)>;

} // namespace berth
