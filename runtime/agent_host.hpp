// Hosts the agent machine of `berth dev`: local agents, one per environment,
// that share the data folder's keeper.
#pragma once

#include "runtime/actor_interfaces.hpp"

#include <caf/actor_system.hpp>
#include <functional>
#include <string>
#include <vector>

namespace berth {

struct agent_host_options {
  std::string data_folder;
  /// `berth keeper --data DIR ...`
  std::vector<std::string> keeper_command;
  /// What the machine has, or what was declared; each environment's agent
  /// offers all of it, and the environment takes at most its maxvCpus.
  resources machine;
  /// Outlives the host.
  log* log_ = nullptr;
  std::vector<shard_host_actor> shards;
  /// Variables that a job gets unless it sets them: the API's address and keys.
  std::vector<key_value> node_environment;
  /// The keeper answered for the first time.
  std::function<void(const keeper_hello&)> on_keeper;
  std::function<void(std::string)> on_fatal;
};

agent_host_actor spawn_agent_host(caf::actor_system& system,
                                  agent_host_options options);

/// The cores and the memory of this machine.
resources resources_of_this_machine();

} // namespace berth
