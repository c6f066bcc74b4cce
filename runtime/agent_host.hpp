// Hosts an agent machine: the agents of one process, which share the data
// folder's keeper.
#pragma once

#include "runtime/actor_interfaces.hpp"
#include "runtime/agent_port.hpp"

#include <caf/actor_system.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth {

struct agent_host_options {
  std::string data_folder;
  /// `berth keeper --data DIR ...`
  std::vector<std::string> keeper_command;
  agent_machine_settings machine;
  std::shared_ptr<agent_port> port;
  /// What to offer an environment that there is, if anything.
  std::function<std::optional<agent_offer>(const environment_object&)> offer;
  /// Variables that a job gets unless it sets them: the API's address and keys.
  std::vector<key_value> node_environment;
  /// Sees to it that an attempt's output can be read, then calls `done`, from
  /// any thread; its end is reported after that. Called on the host's thread.
  /// Empty = the output can be read where it is.
  std::function<void(const attempt_id&, std::function<void()> done)>
      ship_output;
  /// The keeper answered for the first time.
  std::function<void(const keeper_hello&)> on_keeper;
  /// All agents have joined; called each time when that has become so.
  std::function<void()> on_joined;
  /// How many attempts the keeper has at hand has changed.
  std::function<void(size_t)> on_attempts;
  std::function<void(std::string)> on_fatal;
};

agent_host_actor spawn_agent_host(caf::actor_system& system,
                                  agent_host_options options);

/// The cores and the memory of this machine.
resources resources_of_this_machine();

} // namespace berth
