#include "bin/dev_command.hpp"

#include "api/aws_batch/environments.hpp"
#include "api/credentials.hpp"
#include "api/http_server.hpp"
#include "api/service.hpp"
#include "api/service_handler.hpp"
#include "runtime/agent_host.hpp"
#include "runtime/audit.hpp"
#include "runtime/metrics.hpp"
#include "runtime/node.hpp"
#include "runtime/output_files.hpp"
#include "runtime/state_changes.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace berth {

namespace {

/// After the first Ctrl-C a second one within this time ends the jobs too.
constexpr int second_signal_s = 5;
constexpr int64_t lowest_setting = 0;

[[noreturn]] void end_fatally(const std::string& message) {
  std::fprintf(stderr, "berth: %s\n", message.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct address {
  std::string host;
  uint16_t port = 0;
};

std::optional<address> parse_address(const std::string& text) {
  auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return std::nullopt;
  address a{text.substr(0, colon), 0};
  const auto* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + colon + 1, end, a.port);
  if (error != std::errc{} || rest != end)
    return std::nullopt;
  if (a.host == "localhost")
    a.host = "127.0.0.1";
  return a;
}

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1" || host == "[::1]";
}

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (auto signal : {SIGINT, SIGTERM, SIGUSR2})
    sigaddset(&set, signal);
  return set;
}

class dev_server {
public:
  explicit dev_server(const dev_settings& settings) : settings_(settings) {}

  std::optional<std::string> start() {
    auto at = parse_address(settings_.listen);
    if (!at)
      return "--listen " + settings_.listen
             + ": give HOST:PORT, for example 127.0.0.1:9777 (port 0 = any)";
    if (!is_loopback(at->host) && !settings_.check_signatures)
      return "--listen " + settings_.listen
             + ": an address that others can reach needs --check-signatures";
    auto folder =
        data_folder::open(settings_.data_folder, folder_access::exclusive);
    if (folder.error)
      return folder.error.message;
    auto keys =
        load_or_create_credentials(folder.opened->credentials_file().string());
    if (auto* error = std::get_if<std::string>(&keys))
      return *error;
    credentials_.emplace(std::get<credential_set>(std::move(keys)));
    if (auto error = start_node(std::move(folder.opened)))
      return error;
    start_api();
    return listen(*at);
  }

  void serve() {
    auto hello = node_->start_agents(agents());
    std::ofstream(node_->folder().endpoint_file()) << url_ << "\n";
    print_welcome(hello);
  }

  int wait() {
    auto signals = ending_signals();
    int signal = 0;
    sigwait(&signals, &signal);
    auto end_jobs = signal == SIGUSR2;
    if (signal == SIGINT)
      end_jobs = ask_again(signals);
    if (end_jobs) {
      std::printf("Ending all jobs ...\n");
      std::fflush(stdout);
      node_->end_jobs();
    }
    std::error_code ignored;
    std::filesystem::remove(node_->folder().endpoint_file(), ignored);
    server_->stop();
    return 0;
  }

private:
  std::optional<std::string> start_node(std::unique_ptr<data_folder> folder) {
    node_options o;
    o.shards = settings_.shards;
    o.jobs.retention_ms = settings_.retention_ms;
    o.environments.head_wait_ms = settings_.head_wait_ms;
    o.checkpoint_interval_ms = settings_.checkpoint_interval_ms;
    o.merge_details = [](const std::string& stored, const std::string& update) {
      return aws_batch::merge_details(stored, update);
    };
    o.on_fatal = [](const std::string& why) { end_fatally(why); };
    auto started = node::start(std::move(folder), std::move(o));
    if (started.error)
      return started.error.message;
    node_ = std::move(started.started);
    return std::nullopt;
  }

  void start_api() {
    output_ = make_output_files(node_->folder().path().string());
    for (const auto& shard : node_->status(false))
      node_->transitions().start_at(shard.id, shard.epoch);
    changes_ = make_state_changes(node_->transitions(), node_->gateway(),
                                  node_->event_log());
    audit_ = make_node_audit(*node_);
    service_options o;
    o.audit = audit_.get();
    o.parse.attempt_duration_s_min = settings_.attempt_timeout_min_s;
    o.credentials = &*credentials_;
    o.verifies_signatures = settings_.check_signatures;
    o.now_ms = wall_clock_ms;
    o.metrics = [this] { return print_metrics(node_->status(false)); };
    o.run_blocking = [this](std::function<void()> task) {
      boost::asio::post(blocking_, std::move(task));
    };
    api_ = std::make_unique<service>(node_->gateway(), *output_, *changes_,
                                     std::move(o));
  }

  std::optional<std::string> listen(const address& at) {
    http_server_options o;
    o.address = at.host;
    o.port = at.port;
    if (!is_loopback(at.host))
      o.allowed_hosts.push_back(at.host);
    server_ = std::make_unique<http_server>(o, make_handler(*api_));
    if (auto error = server_->start())
      return error;
    url_ = "http://" + at.host + ":" + std::to_string(server_->bound_port());
    return std::nullopt;
  }

  local_agents_options agents() const {
    local_agents_options o;
    o.machine = resources_of_this_machine();
    if (settings_.vcpus)
      o.machine.vcpu_milli = static_cast<int64_t>(*settings_.vcpus * 1000);
    if (settings_.memory_mib)
      o.machine.memory_mib = *settings_.memory_mib;
    o.keeper_command = {
        std::filesystem::read_symlink("/proc/self/exe").string(),
        "keeper",
        "--data",
        node_->folder().path().string(),
        "--stop-grace-ms",
        std::to_string(settings_.stop_grace_ms),
        "--output-bytes-max",
        std::to_string(settings_.output_bytes_max)};
    const auto& key = credentials_->own();
    o.node_environment = {{"AWS_ENDPOINT_URL_BATCH", url_},
                          {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", url_},
                          {"AWS_DEFAULT_REGION", "us-east-1"},
                          {"AWS_REGION", "us-east-1"},
                          {"AWS_ACCESS_KEY_ID", key.access_key},
                          {"AWS_SECRET_ACCESS_KEY", key.secret},
                          {"BERTH_ENDPOINT", url_}};
    return o;
  }

  void print_welcome(const keeper_hello& hello) const {
    const auto& key = credentials_->own();
    auto machine = resources_of_this_machine();
    std::printf("Berth is up: %s\n\n", url_.c_str());
    std::printf("  export AWS_ENDPOINT_URL_BATCH=%s\n", url_.c_str());
    std::printf("  export AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=%s\n", url_.c_str());
    std::printf("  export AWS_DEFAULT_REGION=us-east-1\n");
    std::printf("  export AWS_ACCESS_KEY_ID=%s\n", key.access_key.c_str());
    std::printf("  export AWS_SECRET_ACCESS_KEY=%s\n", key.secret.c_str());
    std::printf("  export BERTH_ENDPOINT=%s\n\n", url_.c_str());
    std::printf("Data folder: %s (%u shard(s))\n",
                node_->folder().path().c_str(), node_->shard_count());
    std::printf("Jobs run as processes of this machine (%s), limited by %s; "
                "their image is recorded and not used.\n",
                to_string(machine).c_str(), hello.limits_by.c_str());
    if (settings_.memory_mib && *settings_.memory_mib > machine.memory_mib)
      std::printf(
          "Warning: --memory %lld is more than the machine's %lld MiB.\n",
          static_cast<long long>(*settings_.memory_mib),
          static_cast<long long>(machine.memory_mib));
    std::printf("Ctrl-C stops the server and leaves jobs running; a second "
                "one ends them, too.\n");
    std::fflush(stdout);
  }

  bool ask_again(const sigset_t& signals) const {
    size_t alive = 0;
    for (const auto& shard : node_->status(false))
      alive += shard.live_jobs - shard.runnable_jobs;
    if (alive == 0)
      return false;
    std::printf("\nStopping; running jobs go on without the server and are "
                "found again at the next start. Press Ctrl-C again within %d s "
                "to end them, too.\n",
                second_signal_s);
    std::fflush(stdout);
    timespec patience{second_signal_s, 0};
    return sigtimedwait(&signals, nullptr, &patience) > 0;
  }

  const dev_settings& settings_;
  std::optional<credential_set> credentials_;
  // Destroyed from the last to the first: the server before what it calls.
  std::unique_ptr<node> node_;
  std::unique_ptr<output_source> output_;
  std::unique_ptr<event_source> changes_;
  std::unique_ptr<audit_source> audit_;
  boost::asio::thread_pool blocking_{1};
  std::unique_ptr<service> api_;
  std::unique_ptr<http_server> server_;
  std::string url_;
};

} // namespace

std::optional<std::string> apply_setting(dev_settings& settings,
                                         const std::string& text) {
  const std::map<std::string, int64_t*> names{
      {"attempt_timeout_min_s", &settings.attempt_timeout_min_s},
      {"stop_grace_ms", &settings.stop_grace_ms},
      {"head_wait_ms", &settings.head_wait_ms},
      {"retention_ms", &settings.retention_ms},
      {"checkpoint_interval_ms", &settings.checkpoint_interval_ms},
      {"output_bytes_max", &settings.output_bytes_max}};
  auto equals = text.find('=');
  auto found = names.find(text.substr(0, equals));
  if (equals == std::string::npos || found == names.end()) {
    std::string known;
    for (const auto& [name, value] : names)
      known += (known.empty() ? "" : ", ") + name;
    return "--set " + text + ": give NAME=VALUE, NAME one of " + known;
  }
  int64_t value = 0;
  const auto* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + equals + 1, end, value);
  if (error != std::errc{} || rest != end || value < lowest_setting)
    return "--set " + text + ": the value must be a whole number from 0 on";
  *found->second = value;
  return std::nullopt;
}

int run_dev(const dev_settings& settings) {
  // Blocked before any thread starts, so that only `wait` sees them.
  auto signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::set_default_logger(spdlog::stderr_color_mt("berth"));
  spdlog::set_level(spdlog::level::warn);
  dev_server server{settings};
  if (auto error = server.start())
    end_fatally(*error);
  server.serve();
  return server.wait();
}

} // namespace berth
