#include "bin/agent_command.hpp"
#include "bin/audit_command.hpp"
#include "bin/client_commands.hpp"
#include "bin/dev_command.hpp"
#include "bin/server_command.hpp"
#include "runtime/keeper.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace {

/// Exit status of a wrong command line.
constexpr int usage_status = 2;

std::string default_data_folder() {
  if (const auto* given = std::getenv("BERTH_DATA"))
    return given;
  const auto* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : ".") + "/.berth";
}

void add_dev(CLI::App& app, int& status) {
  auto settings = std::make_shared<berth::dev_settings>();
  auto changes = std::make_shared<std::vector<std::string>>();
  auto* dev = app.add_subcommand(
      "dev", "Run scheduler, local agents and API in one process");
  settings->data_folder = default_data_folder();
  dev->add_option("--data", settings->data_folder, "Data folder")
      ->capture_default_str();
  dev->add_option("--listen", settings->listen, "HOST:PORT, port 0 = any")
      ->capture_default_str();
  dev->add_option("--shards", settings->shards,
                  "Shards of a new log (default 1)")
      ->check(CLI::Range(1U, 4096U));
  dev->add_option("--vcpus", settings->vcpus,
                  "vCPUs that the local agents offer (default: the machine's)")
      ->check(CLI::PositiveNumber);
  dev->add_option("--memory", settings->memory_mib,
                  "MiB that the local agents offer (default: the machine's)")
      ->check(CLI::PositiveNumber);
  dev->add_flag("--check-signatures", settings->check_signatures,
                "Verify SigV4 against DIR/credentials");
  dev->add_option("--set", *changes, "NAME=VALUE, for times and limits")
      ->type_size(1)
      ->allow_extra_args(false);
  dev->footer("Example: berth dev --data /tmp/berth --listen 127.0.0.1:0");
  dev->callback([settings, changes, &status] {
    if (auto error =
            berth::apply_settings(berth::names_of(*settings), *changes))
      throw CLI::ValidationError(*error);
    status = berth::run_dev(*settings);
  });
}

void add_keeper(CLI::App& app, int& status) {
  auto options = std::make_shared<berth::keeper_options>();
  auto* keeper = app.add_subcommand("keeper", "Run the keeper of a data folder")
                     ->group("");
  keeper->add_option("--data", options->data_folder)->required();
  keeper->add_option("--stop-grace-ms", options->stop_grace_ms);
  keeper->add_option("--output-bytes-max", options->output_bytes_max);
  keeper->callback(
      [options, &status] { status = berth::run_keeper(*options); });
}

/// What to say when a command was given that does not exist; CLI11 itself says
/// only that there must be one. Empty otherwise.
std::string unknown_command(const CLI::App& app) {
  const auto* at = &app;
  std::string name = "berth";
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    name += " " + at->get_name();
  }
  auto left = at->remaining();
  if (at->get_subcommands({}).empty() || left.empty()
      || left.front().starts_with("-"))
    return {};
  return "there is no command '" + name + " " + left.front() + "'; `" + name
         + " --help` lists those there are";
}

} // namespace

int main(int argc, char** argv) {
  int status = 0;
  CLI::App app{"Berth: a self-hosted batch scheduler that behaves as AWS "
               "Batch does"};
  app.set_version_flag("--version", BERTH_VERSION);
  app.require_subcommand(1);
  add_dev(app, status);
  berth::add_server_command(app, status);
  add_keeper(app, status);
  berth::add_agent_command(app, status);
  berth::add_audit_commands(app, status);
  berth::add_client_commands(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    auto unknown = unknown_command(app);
    if (error.get_exit_code() != 0 && !unknown.empty()) {
      std::cerr << unknown << "\n";
      return usage_status;
    }
    return app.exit(error) == 0 ? 0 : usage_status;
  }
  return status;
}
