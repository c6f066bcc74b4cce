// The API of a node: takes one HTTP request and answers it, once, from
// whatever thread has the answer.
//
//   GET  /health                     lives; needs no Authorization
//   GET  /ready                      200, or 503 while it catches up; none
//   GET  /metrics                    Prometheus text; needs none either
//   GET  /v1/why?job=                why a job waits
//   GET  /v1/events?after=           state changes, a stream of JSON lines
//   GET  /v1/cluster                 nodes, shards, agents
//   GET  /v1/audit/history?job=      what the log says of a job
//   GET  /v1/audit/verify            the log folded anew and compared
//   POST / with X-Amz-Target         CloudWatch Logs
//   POST /v1/..., /v1/tags/...       AWS Batch
//
// Everything else needs an Authorization header, so that no web page can reach
// it; its signature is verified when the options say so.
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/berth/event_stream.hpp"
#include "api/http_message.hpp"
#include "api/signature.hpp"
#include "messages/audit.hpp"
#include "messages/event_source.hpp"
#include "messages/gateway_interface.hpp"
#include "messages/output_source.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

class credential_set;

/// The two ways to answer; one of them is used, once.
struct service_reply {
  std::function<void(http_response)> respond;
  /// A response of lines whose end nobody knows.
  line_sink_opener open_lines;
};

struct service_options {
  aws_batch::parse_options parse;
  /// Whose key is whose account; outlives the service. Without it, and for
  /// keys that it does not have, the account is the default one.
  const credential_set* credentials = nullptr;
  /// Verifies signatures; requires credentials.
  bool verifies_signatures = false;
  signature_options signature;
  /// Unix time, for signatures.
  std::function<int64_t()> now_ms;
  /// Whether a node of a cluster sees enough to be sent calls; nothing =
  /// always. May block.
  std::function<bool()> is_ready;
  /// The answer of /v1/cluster, JSON; nothing = there is no cluster. May block.
  std::function<std::string()> cluster;
  /// The page of /metrics, in Prometheus' text format. May block.
  std::function<std::string()> metrics;
  /// Outlives the service; nothing = no audits.
  audit_source* audit = nullptr;
  /// Runs a task on a thread that may block; nothing = the calling one. Logs
  /// and audits, which may take long.
  std::function<void(std::function<void()>)> run_blocking;
  /// The same for readiness, metrics and /v1/cluster, which no audit keeps
  /// waiting; nothing = the calling thread.
  std::function<void(std::function<void()>)> run_probe;
};

class service {
public:
  /// Gateway and sources outlive the service, and the service every answer.
  service(gateway_interface& gateway, output_source& output,
          event_source& events, service_options options);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  /// Does not block; thread-safe.
  void handle(http_request request, service_reply reply);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace berth
