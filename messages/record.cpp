#include "messages/record.hpp"

namespace berth {

std::string source_name(shard_id shard) {
  return "shard:" + std::to_string(shard.value);
}

std::string source_name(const agent_id& agent, const session_id& session) {
  return "agent:" + std::to_string(agent.environment.value) + ":" + agent.name
         + ":" + std::to_string(session.keeper_start) + "."
         + std::to_string(session.lease_number);
}

std::string to_string(const destination& d) {
  if (const auto* to = std::get_if<shard_destination>(&d))
    return source_name(to->shard);
  const auto& to = std::get<agent_destination>(d);
  return source_name(to.agent, to.session);
}

} // namespace berth
