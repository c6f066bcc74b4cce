// The calls of a Berth server: AWS Batch's and CloudWatch Logs' JSON, and
// Berth's own GET /v1/why, /v1/cluster, /v1/audit and /v1/events.
#pragma once

#include "client/endpoint.hpp"
#include "client/http_client.hpp"

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

struct batch_api_options {
  /// http://HOST:PORT
  std::string url;
  std::optional<signing_key> key;
  std::string region = "us-east-1";
  /// What to do when nobody answers, as a sentence.
  std::string advice;
};

/// Each call is a `call_refused` when the server says no, and a
/// `client_failure` when it cannot be reached. A call is repeated, as the same
/// one, when the server is too busy or its answer did not come; the server does
/// it once. Not thread-safe.
class batch_api {
public:
  explicit batch_api(batch_api_options options);

  /// `operation` as AWS names it: `SubmitJob`.
  nlohmann::json call(const std::string& operation, const nlohmann::json& body);
  /// CloudWatch Logs: `GetLogEvents`.
  nlohmann::json call_logs(const std::string& operation,
                           const nlohmann::json& body);
  nlohmann::json why(const std::string& job);
  nlohmann::json cluster();
  /// `what`: `history` of a job, or `verify` without one.
  nlohmann::json audit(const std::string& what, const std::string& job);

  /// Calls `on_open` once the stream stands, so that what is asked from then on
  /// and the events together miss nothing, then `on_event` with each; until one
  /// of them answers false (true is returned) or the stream ends (false). Both
  /// may use this object and may throw.
  bool
  follow_events(const std::function<bool()>& on_open,
                const std::function<bool(const nlohmann::json&)>& on_event);

private:
  struct outgoing;
  nlohmann::json perform(const outgoing& what);
  std::vector<http_client_header> signed_headers(const outgoing& what) const;
  [[noreturn]] void fail(const http_client_error& error) const;

  batch_api_options options_;
  http_client http_;
};

} // namespace berth
