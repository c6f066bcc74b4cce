#include "bin/agent_command.hpp"

#include "api/credentials.hpp"
#include "bin/configured_command.hpp"
#include "runtime/agent_host.hpp"
#include "runtime/agent_process.hpp"
#include "storage/data_folder.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <CLI/CLI.hpp>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace berth {

namespace {

/// After the first Ctrl-C a second one within this time ends the jobs too.
constexpr int second_signal_s = 5;
/// As long as host names may be.
constexpr size_t agent_name_bytes_max = 253;

struct agent_settings {
  std::string data_folder;
  std::string brokers;
  std::string environment;
  std::string name;
  std::string account{default_account};
  std::string region = "us-east-1";
  std::optional<double> vcpus;
  std::optional<int64_t> memory_mib;
  std::string api;
  std::string topic_prefix = "berth";
  std::vector<std::string> kafka;
  std::vector<std::string> changes;
  int64_t lease_ms = 600'000;
  int64_t heartbeat_interval_ms = 1000;
  int64_t stop_grace_ms = 30'000;
  int64_t output_bytes_max = 16 * 1024 * 1024;
};

[[noreturn]] void end_fatally(const std::string& message) {
  std::fprintf(stderr, "berth: %s\n", message.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

void say(const std::string& what) {
  std::fprintf(stderr, "berth agent: %s\n", what.c_str());
  std::fflush(stderr);
}

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (auto signal : {SIGINT, SIGTERM, SIGUSR2})
    sigaddset(&set, signal);
  return set;
}

struct name_and_value {
  std::string name;
  std::string value;
};

std::optional<name_and_value> split(const std::string& text) {
  auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return std::nullopt;
  return name_and_value{text.substr(0, equals), text.substr(equals + 1)};
}

/// Says what is wrong with `NAME=VALUE` of `--set`, or nothing.
std::optional<std::string> apply(agent_settings& s, const std::string& text) {
  struct setting {
    int64_t& value;
    int64_t lowest;
  };
  const std::map<std::string, setting> settings{
      {"lease_ms", {s.lease_ms, 1}},
      {"heartbeat_interval_ms", {s.heartbeat_interval_ms, 1}},
      {"stop_grace_ms", {s.stop_grace_ms, 0}},
      {"output_bytes_max", {s.output_bytes_max, 0}}};
  auto given = split(text);
  auto found = given ? settings.find(given->name) : settings.end();
  if (found == settings.end()) {
    std::string known;
    for (const auto& [name, setting] : settings)
      known += (known.empty() ? "" : ", ") + name;
    return "--set " + text + ": give NAME=VALUE, NAME one of " + known;
  }
  int64_t value = 0;
  const auto* end = given->value.data() + given->value.size();
  auto [rest, error] = std::from_chars(given->value.data(), end, value);
  if (error != std::errc{} || rest != end || value < found->second.lowest)
    return "--set " + text + ": the value must be a whole number from "
           + std::to_string(found->second.lowest) + " on";
  found->second.value = value;
  return std::nullopt;
}

/// Shards name an agent between colons.
bool is_agent_name(const std::string& name) {
  return !name.empty() && name.size() <= agent_name_bytes_max
         && std::all_of(name.begin(), name.end(), [](unsigned char c) {
              return std::isalnum(c) || c == '.' || c == '-' || c == '_';
            });
}

std::optional<std::string> apply_changes(agent_settings& s) {
  for (const auto& text : s.changes)
    if (auto wrong = apply(s, text))
      return wrong;
  if (s.heartbeat_interval_ms >= s.lease_ms)
    return "--set heartbeat_interval_ms="
           + std::to_string(s.heartbeat_interval_ms)
           + ": it must be less than lease_ms (" + std::to_string(s.lease_ms)
           + "), best a third of it or less";
  for (const auto& text : s.kafka)
    if (!split(text))
      return "--kafka " + text
             + ": give NAME=VALUE, for example security.protocol=SSL";
  if (!is_agent_name(s.name))
    return "--name " + s.name + ": give 1 to "
           + std::to_string(agent_name_bytes_max)
           + " letters, digits, dots, hyphens and underscores";
  return std::nullopt;
}

std::string host_name() {
  std::string name(HOST_NAME_MAX + 1, '\0');
  if (gethostname(name.data(), name.size()) != 0)
    return {};
  return name.c_str();
}

kafka_cluster_address address_of(const agent_settings& s) {
  kafka_cluster_address at;
  at.connection.brokers = s.brokers;
  for (const auto& text : s.kafka)
    at.connection.settings[split(text)->name] = split(text)->value;
  at.prefix = s.topic_prefix;
  return at;
}

/// What a job needs to reach the API; the keys are those of the agent's own
/// environment, if there are any.
std::vector<key_value> job_environment(const agent_settings& s) {
  if (s.api.empty())
    return {};
  std::vector<key_value> variables{{"AWS_ENDPOINT_URL_BATCH", s.api},
                                   {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", s.api},
                                   {"AWS_DEFAULT_REGION", s.region},
                                   {"AWS_REGION", s.region},
                                   {"BERTH_ENDPOINT", s.api}};
  for (const auto* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})
    if (const auto* value = std::getenv(name))
      variables.push_back({name, value});
  return variables;
}

agent_process_options options_of(const agent_settings& s,
                                 const std::string& folder) {
  agent_process_options o;
  o.data_folder = folder;
  o.keeper_command = {std::filesystem::read_symlink("/proc/self/exe").string(),
                      "keeper",
                      "--data",
                      folder,
                      "--stop-grace-ms",
                      std::to_string(s.stop_grace_ms),
                      "--output-bytes-max",
                      std::to_string(s.output_bytes_max)};
  o.owner = {s.account, s.region};
  o.environment = s.environment;
  o.name = s.name;
  o.capacity = resources_of_this_machine();
  if (s.vcpus)
    o.capacity.vcpu_milli = static_cast<int64_t>(*s.vcpus * 1000);
  if (s.memory_mib)
    o.capacity.memory_mib = *s.memory_mib;
  o.lease_ms = s.lease_ms;
  o.heartbeat_interval_ms = s.heartbeat_interval_ms;
  o.stop_grace_ms = s.stop_grace_ms;
  o.node_environment = job_environment(s);
  o.say = say;
  o.on_keeper = [](const keeper_hello& hello) {
    say("jobs run as processes of this machine, limited by " + hello.limits_by);
  };
  o.on_fatal = end_fatally;
  return o;
}

/// Whether the jobs are to be ended.
bool wait_for_end(const agent_process& agent) {
  auto signals = ending_signals();
  int signal = 0;
  sigwait(&signals, &signal);
  if (signal != SIGINT)
    return signal == SIGUSR2;
  auto count = agent.attempts();
  if (count == 0)
    return false;
  say("stopping; " + std::to_string(count)
      + " attempt(s) go on without the agent and are found again at its next "
        "start, within the lease. Press Ctrl-C again within "
      + std::to_string(second_signal_s) + " s to end them, too");
  timespec patience{second_signal_s, 0};
  return sigtimedwait(&signals, nullptr, &patience) > 0;
}

/// Until they have ended and the log has their reports, or a signal says that
/// this takes too long: brokers may be away.
void end_jobs(agent_process& agent) {
  say("ending all jobs; once more to leave without their reports, which the "
      "next start brings");
  agent.end_jobs([] { kill(getpid(), SIGUSR2); });
  auto signals = ending_signals();
  int signal = 0;
  sigwait(&signals, &signal);
}

int run_agent(agent_settings s) {
  if (auto wrong = apply_changes(s)) {
    std::fprintf(stderr, "berth: %s\n", wrong->c_str());
    return 2;
  }
  // Blocked before any thread starts, so that only `wait_for_end` sees them.
  auto signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::set_default_logger(spdlog::stderr_color_mt("berth"));
  spdlog::set_level(spdlog::level::warn);
  auto folder = data_folder::open(s.data_folder, folder_access::exclusive);
  if (folder.error)
    end_fatally(folder.error.message);
  auto path = folder.opened->path().string();
  agent_logs logs;
  if (auto error = open_agent_logs(address_of(s), logs))
    end_fatally(error.message);
  if (auto error = require_cluster(path, logs.log_->cluster_id()))
    end_fatally(error.message);
  agent_process agent{std::move(logs), options_of(s, path)};
  if (wait_for_end(agent))
    end_jobs(agent);
  return 0;
}

std::function<int()> define(CLI::App& app) {
  auto s = std::make_shared<agent_settings>();
  s->name = host_name();
  app.add_option("--data", s->data_folder, "Data folder")->required();
  app.add_option("--brokers", s->brokers, "HOST:PORT,... of Kafka brokers")
      ->required();
  app.add_option("--environment", s->environment,
                 "Compute environment whose jobs it runs")
      ->required();
  app.add_option("--name", s->name, "Name of this agent in its environment")
      ->capture_default_str();
  app.add_option("--account", s->account, "Account of the environment")
      ->capture_default_str();
  app.add_option("--region", s->region, "Region of the environment")
      ->capture_default_str();
  app.add_option("--vcpus", s->vcpus, "vCPUs to offer (default: the machine's)")
      ->check(CLI::PositiveNumber);
  app.add_option("--memory", s->memory_mib,
                 "MiB to offer (default: the machine's)")
      ->check(CLI::PositiveNumber);
  app.add_option(
      "--api", s->api,
      "URL of a node's API, given to jobs as AWS_ENDPOINT_URL_BATCH");
  app.add_option("--topic-prefix", s->topic_prefix,
                 "Topics of the cluster are named PREFIX.log and so on")
      ->capture_default_str();
  app.add_option("--kafka", s->kafka,
                 "NAME=VALUE of librdkafka, for example security.protocol=SSL")
      ->type_size(1)
      ->allow_extra_args(false);
  app.add_option("--set", s->changes,
                 "NAME=VALUE: lease_ms, heartbeat_interval_ms, stop_grace_ms, "
                 "output_bytes_max")
      ->type_size(1)
      ->allow_extra_args(false);
  app.footer("Example: berth agent --data /var/lib/berth-agent --brokers "
             "kafka-1:9092 --environment local");
  return [s] { return run_agent(*s); };
}

} // namespace

void add_agent_command(CLI::App& app, int& status) {
  add_configured_command(
      app, status,
      {"agent", "Run an environment's jobs on this machine", define});
}

} // namespace berth
