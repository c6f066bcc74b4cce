// Commands whose options also come from a file and from the environment.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace berth {

struct configured_command {
  std::string name;
  /// For the list of commands.
  std::string what;
  /// Adds the options; what it returns runs the command once they are read, and
  /// gives its exit status.
  std::function<std::function<int()>(CLI::App&)> define;
};

/// Each option `--some-name` may also be given as `some-name = ...` in the TOML
/// file that `--config` names, and as the environment variable BERTH_SOME_NAME,
/// unless it was given another one.
/// The command line wins over the file, the file over the environment. A key
/// that the command does not know is refused.
void add_configured_command(CLI::App& app, int& status,
                            configured_command command);

} // namespace berth
