// `berth server`: one scheduler node of a cluster on Apache Kafka.
#pragma once

namespace CLI {
class App;
}

namespace berth {

/// Adds the subcommand. When it is parsed it runs as CLI11's callback until a
/// signal ends it, and sets `status`, which must outlive the parsing.
void add_server_command(CLI::App& app, int& status);

} // namespace berth
