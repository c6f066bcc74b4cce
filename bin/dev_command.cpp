#include "bin/dev_command.hpp"

#include "api/aws_batch/environments.hpp"
#include "api/credentials.hpp"
#include "bin/node_api.hpp"
#include "bin/process.hpp"
#include "runtime/agent_host.hpp"
#include "runtime/node.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace berth {

namespace {

/// After the first Ctrl-C a second one within this time ends the jobs too.
constexpr int second_signal_s = 5;

class dev_server {
public:
  explicit dev_server(const dev_settings& settings) : settings_(settings) {}

  std::optional<std::string> start() {
    node_api_settings api;
    api.listen = settings_.listen;
    api.check_signatures = settings_.check_signatures;
    api.attempt_timeout_min_s = settings_.attempt_timeout_min_s;
    if (auto error = check_listen(api))
      return error;
    auto folder =
        data_folder::open(settings_.data_folder, folder_access::exclusive);
    if (folder.error)
      return folder.error.message;
    auto keys =
        load_or_create_credentials(folder.opened->credentials_file().string());
    if (auto* error = std::get_if<std::string>(&keys))
      return *error;
    if (auto error = start_node(std::move(folder.opened)))
      return error;
    api_ = std::make_unique<node_api>(
        *node_, std::get<credential_set>(std::move(keys)), std::move(api));
    return api_->start();
  }

  void serve() {
    auto hello = node_->start_agents(agents());
    api_->write_endpoint_file();
    print_welcome(hello);
  }

  int wait(const sigset_t& signals) {
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
    api_->stop();
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
    const auto& key = api_->own_key();
    o.node_environment = {{"AWS_ENDPOINT_URL_BATCH", api_->url()},
                          {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", api_->url()},
                          {"AWS_DEFAULT_REGION", "us-east-1"},
                          {"AWS_REGION", "us-east-1"},
                          {"AWS_ACCESS_KEY_ID", key.access_key},
                          {"AWS_SECRET_ACCESS_KEY", key.secret},
                          {"BERTH_ENDPOINT", api_->url()}};
    return o;
  }

  void print_welcome(const keeper_hello& hello) const {
    const auto& key = api_->own_key();
    auto machine = resources_of_this_machine();
    std::printf("Berth is up: %s\n\n", api_->url().c_str());
    std::printf("  export AWS_ENDPOINT_URL_BATCH=%s\n", api_->url().c_str());
    std::printf("  export AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=%s\n",
                api_->url().c_str());
    std::printf("  export AWS_DEFAULT_REGION=us-east-1\n");
    std::printf("  export AWS_ACCESS_KEY_ID=%s\n", key.access_key.c_str());
    std::printf("  export AWS_SECRET_ACCESS_KEY=%s\n", key.secret.c_str());
    std::printf("  export BERTH_ENDPOINT=%s\n\n", api_->url().c_str());
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
  std::unique_ptr<node> node_;
  std::unique_ptr<node_api> api_;
};

} // namespace

named_settings names_of(dev_settings& settings) {
  return {{"attempt_timeout_min_s", &settings.attempt_timeout_min_s},
          {"stop_grace_ms", &settings.stop_grace_ms},
          {"head_wait_ms", &settings.head_wait_ms},
          {"retention_ms", &settings.retention_ms},
          {"checkpoint_interval_ms", &settings.checkpoint_interval_ms},
          {"output_bytes_max", &settings.output_bytes_max}};
}

int run_dev(const dev_settings& settings) {
  // Blocked before any thread starts, so that only `wait` sees them.
  auto signals = block_signals({SIGINT, SIGTERM, SIGUSR2});
  start_logging();
  dev_server server{settings};
  if (auto error = server.start())
    end_fatally(*error);
  server.serve();
  return server.wait(signals);
}

} // namespace berth
