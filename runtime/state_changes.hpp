// Follows the state changes of jobs for a dialect: the transitions that a node
// folded, each with the job as the gateway describes it. What a follower has
// not seen and memory does not hold any more is read from the log, so positions
// are good for as long as the log is kept, whichever run of the server gave
// them.
#pragma once

#include "messages/event_source.hpp"
#include "messages/gateway_interface.hpp"
#include "runtime/job_transitions.hpp"
#include "runtime/whole_log_hold.hpp"
#include "storage/log.hpp"

#include <cstdint>
#include <memory>

namespace berth {

/// Whose log it is.
enum class log_use : uint8_t {
  /// This node's: a position ahead of what it has folded is none of this log.
  own = 1,
  /// Other nodes', too: one of them may have given a position that this one
  /// has yet to read. A position behind the log's end ends the stream.
  shared = 2,
};

/// Has the node fold every shard, see `whole_log::hold`.
using whole_log_holder = std::function<void(whole_log_ready)>;

/// Requires that `transitions` knows where each of the log's shards is
/// (`start_at`). The node's parts must outlive the source and its
/// subscriptions. Without `hold` the node folds every shard anyway.
std::unique_ptr<event_source>
make_state_changes(job_transitions& transitions, gateway_interface& gateway,
                   log& from, log_use use, whole_log_holder hold = {});

} // namespace berth
