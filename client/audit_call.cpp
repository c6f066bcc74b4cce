#include "client/client_failure.hpp"
#include "client/commands.hpp"

#include <nlohmann/json.hpp>

namespace berth {

std::optional<std::string> ask_audit(command_context& context,
                                     const std::string& what,
                                     const std::string& job) {
  try {
    return context.api().audit(what, job).dump();
  } catch (const client_failure& failure) {
    if (failure.status() != exit_status::unreachable || context.names_url())
      throw;
    return std::nullopt;
  }
}

} // namespace berth
