// `berth agent`: runs an environment's jobs on this machine.
#pragma once

namespace CLI {
class App;
}

namespace berth {

/// Runs until a signal ends it. Exit status: 0 when asked to stop, 1 when it
/// could not start or go on (with a message that says what to do), 2 for a
/// wrong command line.
void add_agent_command(CLI::App& app, int& status);

} // namespace berth
