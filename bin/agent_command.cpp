#include "bin/agent_command.hpp"

#include "api/credentials.hpp"
#include "bin/configured_command.hpp"
#include "bin/kafka_options.hpp"
#include "bin/named_settings.hpp"
#include "bin/process.hpp"
#include "runtime/agent_host.hpp"
#include "runtime/agent_process.hpp"
#include "storage/data_folder.hpp"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <CLI/CLI.hpp>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace berth {

namespace {

constexpr int usage_status = 2;
/// After the first Ctrl-C a second one within this time ends the jobs too.
constexpr int second_signal_s = 5;
/// As long as host names may be.
constexpr size_t agent_name_bytes_max = 253;
/// Of the folder's id, in the agent's name.
constexpr size_t folder_name_digits = 8;

struct agent_settings {
  std::string data_folder;
  kafka_settings_of_command kafka;
  std::string environment;
  std::string name;
  std::string account{default_account};
  std::string region = "us-east-1";
  std::optional<double> vcpus;
  std::optional<int64_t> memory_mib;
  std::string api;
  bool leave_on_stop = false;
  std::vector<std::string> changes;
  int64_t lease_ms = 600'000;
  int64_t heartbeat_interval_ms = 1000;
  int64_t stop_grace_ms = 30'000;
  int64_t output_bytes_max = 16 * 1024 * 1024;

  named_settings names() {
    return {{"lease_ms", &lease_ms},
            {"heartbeat_interval_ms", &heartbeat_interval_ms},
            {"stop_grace_ms", &stop_grace_ms},
            {"output_bytes_max", &output_bytes_max}};
  }
};

void say(const std::string& what) {
  std::fprintf(stderr, "berth agent: %s\n", what.c_str());
  std::fflush(stderr);
}

/// Shards name an agent between colons.
bool is_agent_name(const std::string& name) {
  return !name.empty() && name.size() <= agent_name_bytes_max
         && std::all_of(name.begin(), name.end(), [](unsigned char c) {
              return std::isalnum(c) || c == '.' || c == '-' || c == '_';
            });
}

/// Says what is wrong with the settings, or nothing.
std::optional<std::string> complete(agent_settings& s,
                                    kafka_cluster_address& at) {
  if (auto wrong = apply_settings(s.names(), s.changes))
    return wrong;
  if (auto wrong = kafka_address(s.kafka, at))
    return wrong;
  if (s.heartbeat_interval_ms >= s.lease_ms)
    return "--set heartbeat_interval_ms="
           + std::to_string(s.heartbeat_interval_ms)
           + ": it must be less than lease_ms (" + std::to_string(s.lease_ms)
           + "), best a third of it or less";
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
                                 const data_folder& opened) {
  auto folder = opened.path().string();
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
  // Sessions are numbered by the folder: a folder made anew, or a second
  // machine of that name, must be another agent.
  o.name = s.name + "-" + opened.cluster_id().substr(0, folder_name_digits);
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

/// Begins it; the process is sent SIGUSR1 once more when it is over.
void drain(agent_process& agent, std::shared_ptr<std::atomic<bool>> drained) {
  say("draining: it takes no more work and ends when its "
      + std::to_string(agent.attempts()) + " attempt(s) have ended");
  agent.drain([drained = std::move(drained)] {
    *drained = true;
    kill(getpid(), SIGUSR1);
  });
}

/// Whether the jobs are to be ended, and the environment left.
bool wait_for_end(const agent_settings& s, agent_process& agent,
                  const sigset_t& signals) {
  auto drained = std::make_shared<std::atomic<bool>>(false);
  auto drains = false;
  int signal = 0;
  sigwait(&signals, &signal);
  for (; signal == SIGUSR1; sigwait(&signals, &signal)) {
    // What it had has ended, and its environment knows that it has left.
    if (*drained)
      return false;
    if (!std::exchange(drains, true))
      drain(agent, drained);
  }
  auto count = agent.attempts();
  if (signal == SIGUSR2 || s.leave_on_stop || count == 0)
    return true;
  if (signal != SIGINT)
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
void end_jobs(agent_process& agent, const sigset_t& signals) {
  if (agent.attempts() != 0)
    say("ending all jobs; once more to leave without their reports, which the "
        "next start brings");
  agent.end_jobs([] { kill(getpid(), SIGUSR2); });
  int signal = 0;
  sigwait(&signals, &signal);
}

int run_agent(agent_settings s) {
  kafka_cluster_address at;
  if (auto wrong = complete(s, at)) {
    std::fprintf(stderr, "berth: %s\n", wrong->c_str());
    return usage_status;
  }
  auto signals = block_signals({SIGINT, SIGTERM, SIGUSR1, SIGUSR2});
  start_logging();
  auto folder = data_folder::open(s.data_folder, folder_access::exclusive);
  if (folder.error)
    end_fatally(folder.error.message);
  auto path = folder.opened->path().string();
  agent_logs logs;
  if (auto error = open_agent_logs(at, logs))
    end_fatally(error.message);
  if (auto error = require_cluster(path, logs.log_->cluster_id()))
    end_fatally(error.message);
  agent_process agent{std::move(logs), options_of(s, *folder.opened)};
  if (wait_for_end(s, agent, signals))
    end_jobs(agent, signals);
  // What is not in the log is with the keeper; the brokers' clients take
  // seconds to say good-bye.
  std::fflush(stderr);
  std::_Exit(0);
}

std::function<int()> define(CLI::App& app) {
  auto s = std::make_shared<agent_settings>();
  s->name = host_name();
  app.add_option("--data", s->data_folder, "Data folder")->required();
  add_kafka_options(app, s->kafka);
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
  app.add_flag("--leave-on-stop", s->leave_on_stop,
               "Any signal ends the jobs, too: for containers, whose keeper "
               "does not outlive them");
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
