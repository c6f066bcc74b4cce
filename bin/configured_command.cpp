#include "bin/configured_command.hpp"

#include <algorithm>
#include <cctype>
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

namespace berth {

namespace {

/// Exit status of a wrong command line.
constexpr int usage_status = 2;

std::string variable_of(std::string option) {
  for (auto& c : option)
    c = c == '-'
            ? '_'
            : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return "BERTH_" + option;
}

void name_variables(CLI::App& app) {
  for (auto* option : app.get_options())
    if (option != app.get_help_ptr() && option != app.get_config_ptr()
        && !option->get_lnames().empty() && option->get_envname().empty())
      option->envname(variable_of(option->get_lnames().front()));
}

int parse_and_run(const configured_command& command,
                  std::vector<std::string> words) {
  CLI::App app{command.what, "berth " + command.name};
  auto run = command.define(app);
  app.set_config("--config", "", "TOML file with any of these options");
  app.allow_config_extras(false);
  name_variables(app);
  try {
    // It takes them from the back.
    std::reverse(words.begin(), words.end());
    app.parse(std::move(words));
  } catch (const CLI::ConfigError& error) {
    std::string what = error.what();
    std::cerr << "--config: there is no option '"
              << what.substr(what.rfind(' ') + 1) << "'; `berth "
              << command.name << " --help` lists those there are\n";
    return usage_status;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage_status;
  }
  return run();
}

} // namespace

void add_configured_command(CLI::App& app, int& status,
                            configured_command command) {
  // Files are read by whole command lines only, so the command has one of its
  // own; here it takes whatever follows its name.
  auto* sub = app.add_subcommand(command.name, command.what);
  sub->set_help_flag();
  sub->prefix_command();
  sub->callback([sub, command = std::move(command), &status] {
    status = parse_and_run(command, sub->remaining());
  });
}

} // namespace berth
