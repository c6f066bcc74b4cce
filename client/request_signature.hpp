// AWS Signature Version 4, as the sending side. Pure; the clock is an argument.
// Source: AWS General Reference, "Signing AWS API requests".
#pragma once

#include "client/endpoint.hpp"
#include "client/http_client.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace berth {

/// Requires: path and query are made of unreserved characters, slashes and
/// escapes in the query, with its parameters in order.
struct unsigned_request {
  std::string method;
  /// As the Host header says it.
  std::string host;
  std::string path;
  std::string query;
  /// Signed, too, when they begin with `x-amz-`.
  std::vector<http_client_header> headers;
  std::string body;
};

struct signing_scope {
  std::string region;
  /// `batch` or `logs`.
  std::string service;
  /// Unix time of the signature.
  int64_t now_ms = 0;
};

/// The request's headers with X-Amz-Date and Authorization.
std::vector<http_client_header> sign_request(const unsigned_request& request,
                                             const signing_key& key,
                                             const signing_scope& scope);

} // namespace berth
