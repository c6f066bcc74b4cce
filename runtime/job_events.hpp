// From a transition that the log tells to the event that is published of it.
#pragma once

#include "messages/event_source.hpp"
#include "runtime/job_transitions.hpp"

#include <string>

namespace berth {

/// Of the job as it is now; its status is that of the transition.
job_event event_of(const job_transition& t, job_view now, std::string position);

} // namespace berth
