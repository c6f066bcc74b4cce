// The command line's client subcommands: submit, jobs, job, wait and so on.
#pragma once

namespace CLI {
class App;
}

namespace berth {

struct client_settings;

/// The options that every command has which asks a server; `settings` outlives
/// the parsing.
void add_client_options(CLI::App& command, client_settings& settings);

/// Adds the subcommands. The one that is parsed runs as CLI11's callback and
/// sets `status`, which must outlive the parsing.
void add_client_commands(CLI::App& app, int& status);

} // namespace berth
