// The agents' port of a cluster: reports and joins go to the log, heartbeats to
// their topic, dispatches come from theirs.
#pragma once

#include "runtime/agent_port.hpp"

#include <functional>
#include <memory>
#include <string>

namespace berth {

/// All of them outlive the port; it outlives its readings.
struct agent_topics {
  log* log_ = nullptr;
  log* heartbeats = nullptr;
  log* dispatches = nullptr;
};

/// `on_fatal`: a topic takes nothing more.
std::unique_ptr<agent_port>
make_topic_agent_port(agent_topics topics,
                      std::function<void(std::string)> on_fatal);

} // namespace berth
