// What all commands have: the server they talk to and where they print.
#pragma once

#include "client/batch_api.hpp"
#include "client/terminal.hpp"

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <ostream>
#include <string>

namespace berth {

/// What every command takes.
struct client_settings {
  /// Empty = see `choose_endpoint`.
  std::string endpoint;
  std::string data_folder;
  std::string region = "us-east-1";
  bool json = false;
};

class command_context {
public:
  explicit command_context(const client_settings& settings);

  /// Finds the server at the first use; a `client_failure` says how to start
  /// one.
  batch_api& api();
  const std::string& data_folder() const { return place_.data_folder; }
  /// Whether the server was named by a URL, not by its data folder.
  bool names_url() const { return !place_.url.empty(); }
  bool wants_json() const { return settings_.json; }

  std::ostream& out();
  std::ostream& messages();
  const terminal& out_terminal() const { return out_terminal_; }
  const terminal& messages_terminal() const { return messages_terminal_; }
  /// One document, indented, with its line feed.
  void print(const nlohmann::json& document);

private:
  std::string find_url() const;
  std::string advice() const;

  client_settings settings_;
  endpoint_place place_;
  terminal out_terminal_;
  terminal messages_terminal_;
  std::unique_ptr<batch_api> api_;
};

/// Runs a command; what it throws becomes a message on stderr. Its exit status.
int run_command(const client_settings& settings,
                const std::function<int(command_context&)>& command);

} // namespace berth
