#include "bin/node_api.hpp"

#include "api/berth/cluster.hpp"
#include "api/service_handler.hpp"
#include "runtime/audit.hpp"
#include "runtime/metrics.hpp"
#include "runtime/node_endpoint.hpp"
#include "runtime/output_files.hpp"
#include "runtime/state_changes.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <utility>

namespace berth {

namespace {

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::optional<node_endpoint> address_of(const std::string& text) {
  auto at = parse_node_endpoint(text);
  if (at && at->host == "localhost")
    at->host = "127.0.0.1";
  return at;
}

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1" || host == "[::1]";
}

} // namespace

std::optional<std::string> check_listen(const node_api_settings& settings) {
  auto at = address_of(settings.listen);
  if (!at)
    return "--listen " + settings.listen
           + ": give HOST:PORT, for example 127.0.0.1:9777 (port 0 = any)";
  if (!is_loopback(at->host) && !settings.check_signatures)
    return "--listen " + settings.listen
           + ": an address that others can reach needs --check-signatures";
  return std::nullopt;
}

node_api::node_api(node& of, credential_set credentials,
                   node_api_settings settings)
    : node_(of), credentials_(std::move(credentials)),
      settings_(std::move(settings)) {}

whole_log_holder node_api::whole_log_of_node() {
  if (!settings_.cluster)
    return {};
  return
      [this](whole_log_ready then) { node_.hold_whole_log(std::move(then)); };
}

void node_api::make_service() {
  output_ = settings_.output
                ? std::move(settings_.output)
                : make_output_files(node_.folder().path().string());
  for (const auto& shard : node_.status(false))
    node_.transitions().start_at(shard.id, shard.epoch);
  changes_ = make_state_changes(
      node_.transitions(), node_.gateway(), node_.event_log(),
      settings_.cluster ? log_use::shared : log_use::own, whole_log_of_node());
  audit_ = make_node_audit(node_);
  service_options o;
  o.audit = audit_.get();
  o.parse.attempt_duration_s_min = settings_.attempt_timeout_min_s;
  o.credentials = &credentials_;
  o.verifies_signatures = settings_.check_signatures;
  o.now_ms = wall_clock_ms;
  o.metrics = [this] { return print_all_metrics(); };
  o.is_ready = settings_.is_ready;
  if (settings_.cluster)
    o.cluster = [this] { return print_cluster(settings_.cluster()); };
  o.run_blocking = [this](std::function<void()> task) {
    blocking_.queue()->post(std::move(task));
  };
  o.run_probe = [this](std::function<void()> task) {
    probing_.queue()->post(std::move(task));
  };
  api_ = std::make_unique<service>(node_.gateway(), *output_, *changes_,
                                   std::move(o));
}

std::string node_api::print_all_metrics() const {
  auto shards = node_.status(false);
  if (!settings_.cluster)
    return print_metrics(shards, nullptr, nullptr);
  auto cluster = settings_.cluster();
  auto topics = node_.public_counts();
  return print_metrics(shards, &cluster, topics ? &*topics : nullptr);
}

std::optional<std::string> node_api::start() {
  make_service();
  auto at = address_of(settings_.listen);
  http_server_options o;
  o.address = at->host;
  o.port = at->port;
  if (!is_loopback(at->host))
    o.allowed_hosts.push_back(at->host);
  server_ = std::make_unique<http_server>(o, make_handler(*api_));
  if (auto error = server_->start())
    return error;
  url_ = "http://" + at->host + ":" + std::to_string(server_->bound_port());
  return std::nullopt;
}

void node_api::write_endpoint_file() const {
  std::ofstream(node_.folder().endpoint_file()) << url_ << "\n";
}

void node_api::stop() {
  std::error_code ignored;
  std::filesystem::remove(node_.folder().endpoint_file(), ignored);
  server_->stop();
}

} // namespace berth
