#include "client/command_context.hpp"

#include "client/client_failure.hpp"

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace berth {

namespace {

constexpr int json_indent = 2;

std::string variable(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

} // namespace

command_context::command_context(const client_settings& settings)
    : settings_(settings),
      place_(choose_endpoint({settings.endpoint, settings.data_folder,
                              variable("BERTH_ENDPOINT"),
                              variable("BERTH_DATA"), variable("HOME")})),
      out_terminal_(terminal_of(STDOUT_FILENO)),
      messages_terminal_(terminal_of(STDERR_FILENO)) {}

std::string command_context::advice() const {
  return "Start one with: berth dev --data " + place_.data_folder
         + "\nor say where it is, with --endpoint or BERTH_ENDPOINT.";
}

std::string command_context::find_url() const {
  auto text = place_.url;
  std::string where =
      settings_.endpoint.empty() ? "BERTH_ENDPOINT" : "--endpoint";
  if (text.empty()) {
    where = place_.data_folder + "/endpoint";
    auto read = read_small_file(where);
    if (!read)
      throw client_failure(exit_status::unreachable, "no server: " + where
                                                         + " does not exist.\n"
                                                         + advice());
    text = *read;
  }
  auto parsed = parse_endpoint(text, where);
  if (!parsed.error.empty())
    throw client_failure(exit_status::usage, parsed.error);
  return parsed.url;
}

batch_api& command_context::api() {
  if (api_)
    return *api_;
  batch_api_options options;
  options.url = find_url();
  options.region = settings_.region;
  options.advice = advice();
  if (auto text = read_small_file(place_.data_folder + "/credentials"))
    options.key = parse_signing_key(*text);
  signing_key given{variable("AWS_ACCESS_KEY_ID"),
                    variable("AWS_SECRET_ACCESS_KEY")};
  if (!options.key && !given.access_key.empty() && !given.secret.empty())
    options.key = given;
  api_ = std::make_unique<batch_api>(std::move(options));
  return *api_;
}

std::ostream& command_context::out() {
  return std::cout;
}

std::ostream& command_context::messages() {
  return std::cerr;
}

void command_context::print(const nlohmann::json& document) {
  out() << document.dump(json_indent, ' ', false,
                         nlohmann::json::error_handler_t::replace)
        << "\n";
}

int run_command(const client_settings& settings,
                const std::function<int(command_context&)>& command) {
  try {
    command_context context{settings};
    auto status = command(context);
    context.out().flush();
    return status;
  } catch (const client_failure& failure) {
    std::cout.flush();
    std::cerr << "berth: " << failure.what() << "\n";
    return failure.status();
  } catch (const std::exception& error) {
    std::cout.flush();
    std::cerr << "berth: the server's answer has not the form expected: "
              << error.what() << "\n";
    return exit_status::failed;
  }
}

} // namespace berth
