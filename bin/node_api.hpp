// The API of a node's process: HTTP server, dialects, output, events, audits.
#pragma once

#include "api/credentials.hpp"
#include "api/http_server.hpp"
#include "api/service.hpp"
#include "messages/audit.hpp"
#include "messages/cluster_view.hpp"
#include "messages/event_source.hpp"
#include "messages/output_source.hpp"
#include "runtime/node.hpp"
#include "runtime/state_changes.hpp"
#include "runtime/task_thread.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace berth {

struct node_api_settings {
  /// HOST:PORT; port 0 = any.
  std::string listen = "127.0.0.1:9777";
  bool check_signatures = false;
  int64_t attempt_timeout_min_s = 60;
  /// Where output is read; nothing = in the data folder's own files.
  std::unique_ptr<output_source> output;
  /// Of a cluster's node.
  std::function<bool()> is_ready;
  std::function<cluster_report()> cluster;
};

/// What is wrong with where it shall listen: not HOST:PORT, or open to others
/// without signatures; nothing when all is well.
std::optional<std::string> check_listen(const node_api_settings& settings);

class node_api {
public:
  /// The node outlives it.
  node_api(node& of, credential_set credentials, node_api_settings settings);

  /// Says why it cannot listen. Writes the URL to the data folder.
  std::optional<std::string> start();
  const std::string& url() const { return url_; }
  const credential& own_key() const { return credentials_.own(); }
  void write_endpoint_file() const;
  void stop();

private:
  void make_service();
  whole_log_holder whole_log_of_node();
  std::string print_all_metrics() const;

  node& node_;
  credential_set credentials_;
  node_api_settings settings_;
  // Destroyed from the last to the first: the server before what it calls.
  std::unique_ptr<output_source> output_;
  std::unique_ptr<event_source> changes_;
  std::unique_ptr<audit_source> audit_;
  /// For what may take long, and for what tells how the node does.
  task_thread blocking_;
  task_thread probing_;
  std::unique_ptr<service> api_;
  std::unique_ptr<http_server> server_;
  std::string url_;
};

} // namespace berth
