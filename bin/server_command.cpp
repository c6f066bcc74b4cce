#include "bin/server_command.hpp"

#include "api/aws_batch/environments.hpp"
#include "api/aws_batch/topic_submissions.hpp"
#include "api/berth/state_change_event.hpp"
#include "bin/configured_command.hpp"
#include "bin/kafka_options.hpp"
#include "bin/named_settings.hpp"
#include "bin/node_api.hpp"
#include "bin/process.hpp"
#include "runtime/cluster_report.hpp"
#include "runtime/node.hpp"
#include "runtime/output_collector.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace berth {

namespace {

/// Exit status of a wrong command line.
constexpr int usage_status = 2;
/// How long a node that shall stop waits for others to take its shards.
constexpr int64_t leave_patience_ms = 20'000;

struct server_settings {
  std::string data_folder;
  kafka_settings_of_command kafka;
  std::string node;
  std::string listen = "127.0.0.1:9777";
  std::string endpoint = "127.0.0.1:0";
  std::string secret_file;
  std::string credentials_file;
  std::string shared_folder;
  bool check_signatures = false;
  uint32_t partitions = 8;
  std::vector<std::string> changes;

  int64_t attempt_timeout_min_s = 60;
  int64_t head_wait_ms = 60'000;
  int64_t retention_ms = 7LL * 24 * 60 * 60 * 1000;
  int64_t checkpoint_interval_ms = 1000;
  int64_t membership_timeout_ms = 5000;
  int64_t heartbeat_interval_ms = 500;
  int64_t lease_ms = 600'000;
  int64_t stop_grace_ms = 30'000;
  int64_t lease_margin_ms = 10'000;
  int64_t output_retention_ms = 7LL * 24 * 60 * 60 * 1000;
  int64_t shared_checkpoint_interval_ms = 60'000;
  /// 0 = this node neither reads submissions nor publishes.
  int64_t public_topics = 1;

  named_settings names() {
    return {{"attempt_timeout_min_s", &attempt_timeout_min_s},
            {"head_wait_ms", &head_wait_ms},
            {"retention_ms", &retention_ms},
            {"checkpoint_interval_ms", &checkpoint_interval_ms},
            {"membership_timeout_ms", &membership_timeout_ms},
            {"heartbeat_interval_ms", &heartbeat_interval_ms},
            {"lease_ms", &lease_ms},
            {"stop_grace_ms", &stop_grace_ms},
            {"lease_margin_ms", &lease_margin_ms},
            {"output_retention_ms", &output_retention_ms},
            {"shared_checkpoint_interval_ms", &shared_checkpoint_interval_ms},
            {"public_topics", &public_topics}};
  }
};

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

/// The first line; nothing when the file cannot be read or is empty.
std::optional<std::string> read_secret(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  if (!std::getline(file, line) || line.empty())
    return std::nullopt;
  return line;
}

class server {
public:
  explicit server(const server_settings& settings) : settings_(settings) {}

  std::optional<std::string> start() {
    node_api_settings api;
    api.listen = settings_.listen;
    api.check_signatures = settings_.check_signatures;
    api.attempt_timeout_min_s = settings_.attempt_timeout_min_s;
    api.is_ready = [this] { return is_ready(); };
    api.cluster = [this] { return report_cluster(*node_, settings_.node); };
    if (auto error = check_listen(api))
      return error;
    auto folder =
        data_folder::open(settings_.data_folder, folder_access::exclusive);
    if (folder.error)
      return folder.error.message;
    auto keys = load_or_create_credentials(
        settings_.credentials_file.empty()
            ? folder.opened->credentials_file().string()
            : settings_.credentials_file);
    if (auto* error = std::get_if<std::string>(&keys))
      return *error;
    if (auto error = start_node(std::move(folder.opened)))
      return error;
    if (auto error = collect(api.output))
      return error;
    api_ = std::make_unique<node_api>(
        *node_, std::get<credential_set>(std::move(keys)), std::move(api));
    if (auto error = api_->start())
      return error;
    api_->write_endpoint_file();
    return std::nullopt;
  }

  void print_welcome() const {
    std::printf("Berth node %s is up: %s\n", settings_.node.c_str(),
                api_->url().c_str());
    std::printf("Other nodes reach it at %s; the log is %s at %s.\n",
                node_->endpoint().c_str(),
                topic_name(node_->kafka().prefix, topic::log).c_str(),
                node_->kafka().connection.brokers.c_str());
    std::fflush(stdout);
  }

  /// The first signal hands the shards over; a second one does not wait.
  void stop() {
    std::printf("Leaving the cluster ...\n");
    std::fflush(stdout);
    node_->leave(leave_patience_ms);
    api_->stop();
  }

private:
  std::optional<std::string> start_node(std::unique_ptr<data_folder> folder) {
    node_options o;
    o.name = settings_.node;
    o.jobs.retention_ms = settings_.retention_ms;
    o.environments.head_wait_ms = settings_.head_wait_ms;
    o.checkpoint_interval_ms = settings_.checkpoint_interval_ms;
    o.merge_details = [](const std::string& stored, const std::string& update) {
      return aws_batch::merge_details(stored, update);
    };
    o.on_fatal = [](const std::string& why) { end_fatally(why); };
    if (settings_.public_topics != 0)
      o.dialect = dialect();
    cluster_options c;
    auto problem = kafka_address(settings_.kafka, c.kafka);
    if (problem)
      return problem;
    c.kafka.partitions = settings_.partitions;
    auto endpoint = parse_node_endpoint(settings_.endpoint);
    if (!endpoint)
      return "--endpoint " + settings_.endpoint
             + ": give HOST:PORT, for example 10.0.0.1:9778 (port 0 = any)";
    c.endpoint = *endpoint;
    if (!settings_.secret_file.empty()) {
      auto secret = read_secret(settings_.secret_file);
      if (!secret)
        return "--secret-file " + settings_.secret_file
               + ": the file cannot be read, or its first line is empty";
      c.secret = *secret;
    }
    c.shared_folder = settings_.shared_folder;
    c.shared_checkpoint_interval_ms = settings_.shared_checkpoint_interval_ms;
    c.membership_timeout_ms = settings_.membership_timeout_ms;
    c.heartbeat_interval_ms = settings_.heartbeat_interval_ms;
    c.watch = {settings_.lease_ms, settings_.stop_grace_ms,
               settings_.lease_margin_ms};
    o.cluster = std::move(c);
    auto started = node::start(std::move(folder), std::move(o));
    if (started.error)
      return started.error.message;
    node_ = std::move(started.started);
    return std::nullopt;
  }

  std::optional<std::string> collect(std::unique_ptr<output_source>& output) {
    auto printed = open_topic(node_->kafka(), topic::output, true);
    if (printed.error)
      return printed.error.message;
    output_collector_options o;
    o.data_folder = node_->folder().path().string();
    o.retention_ms = settings_.output_retention_ms;
    output = collect_output(std::move(printed.opened), std::move(o));
    return std::nullopt;
  }

  public_dialect dialect() const {
    aws_batch::parse_options options{settings_.attempt_timeout_min_s};
    return {[options](std::string_view bytes) {
              return aws_batch::parse_topic_submission(bytes, options);
            },
            print_published_change, print_rejection};
  }

  bool is_ready() const { return sees_everything(*node_); }

  const server_settings& settings_;
  std::unique_ptr<node> node_;
  std::unique_ptr<node_api> api_;
};

int run_server(server_settings& settings) {
  // Blocked before any thread starts, so that only the wait sees them.
  auto signals = block_signals({SIGINT, SIGTERM});
  start_logging();
  server s{settings};
  if (auto error = s.start())
    end_fatally(*error);
  s.print_welcome();
  int signal = 0;
  sigwait(&signals, &signal);
  end_at_next_signal(signals);
  s.stop();
  // What is not in the log is not to be saved; the brokers' clients take
  // seconds to say good-bye.
  std::fflush(stdout);
  std::_Exit(0);
}

std::function<int()> define(CLI::App& app) {
  auto s = std::make_shared<server_settings>();
  s->node = host_name();
  app.add_option("--data", s->data_folder, "Data folder of this node")
      ->required();
  add_kafka_options(app, s->kafka);
  app.add_option("--node", s->node, "Name of this node; no two alike")
      ->capture_default_str();
  app.add_option("--listen", s->listen, "API: HOST:PORT, port 0 = any")
      ->capture_default_str();
  app.add_option("--endpoint", s->endpoint,
                 "Where other nodes reach this one: HOST:PORT, port 0 = any")
      // BERTH_ENDPOINT is the API's URL, for clients.
      ->envname("BERTH_NODE_ENDPOINT")
      ->capture_default_str();
  app.add_option("--secret-file", s->secret_file,
                 "File whose first line all nodes of the cluster share");
  app.add_option("--credentials", s->credentials_file,
                 "Keys of the API (default: DATA/credentials)");
  app.add_option("--shared", s->shared_folder,
                 "Folder of all nodes, for checkpoints: a fresh node need not "
                 "read the whole log");
  app.add_flag("--check-signatures", s->check_signatures,
               "Verify SigV4 against the keys");
  app.add_option("--partitions", s->partitions,
                 "Shards of a new cluster; an old one keeps what it has")
      ->check(CLI::Range(1U, 4096U))
      ->capture_default_str();
  app.add_option("--set", s->changes, "NAME=VALUE, for times and limits")
      ->type_size(1)
      ->allow_extra_args(false);
  app.footer("Example: berth server --data /var/lib/berth --brokers "
             "k1:9092,k2:9092,k3:9092 --node n1 --endpoint 10.0.0.1:9778");
  return [s] {
    if (auto error = apply_settings(s->names(), s->changes)) {
      std::fprintf(stderr, "berth: %s\n", error->c_str());
      return usage_status;
    }
    return run_server(*s);
  };
}

} // namespace

void add_server_command(CLI::App& app, int& status) {
  add_configured_command(
      app, status,
      {"server", "Run a scheduler node of a cluster on Apache Kafka", define});
}

} // namespace berth
