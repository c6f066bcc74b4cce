// Follows the state changes of jobs for a dialect: the transitions that a node
// folded, each with the job as the gateway describes it.
#pragma once

#include "messages/event_source.hpp"
#include "messages/gateway_interface.hpp"
#include "runtime/job_transitions.hpp"

#include <memory>
#include <string>

namespace berth {

/// `run` names this run of the node: positions of another run are refused.
/// The node's parts must outlive the source and its subscriptions.
std::unique_ptr<event_source> make_state_changes(job_transitions& transitions,
                                                 gateway_interface& gateway,
                                                 std::string run);

} // namespace berth
