// The agents' port of `berth dev`: the shards are in the same process, and the
// log is embedded.
#pragma once

#include "runtime/actor_interfaces.hpp"
#include "runtime/agent_port.hpp"

#include <memory>
#include <vector>

namespace berth {

/// `to` outlives the port.
std::unique_ptr<agent_port>
make_local_agent_port(log& to, std::vector<shard_host_actor> shards);

} // namespace berth
