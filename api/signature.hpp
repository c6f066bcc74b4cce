// AWS Signature Version 4, as the receiving side: who a request says it is
// from, and whether that is true. Pure; the clock is an argument.
//
// Sources: AWS General Reference, "Signing AWS API requests"; AWS Batch
// reference, "Requests": the canonical path is the sent path encoded once more.
#pragma once

#include "api/http_message.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace berth {

/// What an Authorization header says.
struct authorization {
  std::string access_key;
  /// `YYYYMMDD`, from the credential's scope.
  std::string date;
  std::string region;
  std::string service;
  /// Lower case, in the order given.
  std::vector<std::string> signed_headers;
  /// 64 lower-case hexadecimal digits.
  std::string signature;
};

enum class signature_errc : uint8_t {
  /// No Authorization header.
  missing,
  /// An Authorization header that cannot be read, or lacks a part.
  incomplete,
  /// Nobody has this access key.
  unknown_key,
  /// The signature is not what the secret key makes of this request.
  mismatch,
  /// Signed too long ago, or too far in the future.
  expired,
  not_yet_valid,
};

struct signature_error {
  signature_errc code = signature_errc::missing;
  /// Names what is wrong and what would be right.
  std::string message;
};

/// The error's name as the AWS SDKs know it; on an expired one they set their
/// clock by our Date header and try again.
std::string_view aws_name(signature_errc code);
/// 403, as on AWS.
http_response error_response(const signature_error& error);

/// Reads `Authorization` without verifying anything.
std::variant<authorization, signature_error>
parse_authorization(const http_headers& headers);

struct signature_options {
  /// Between the request's X-Amz-Date and now, either way.
  int64_t clock_skew_ms_max = 5 * 60 * 1000;
};

/// The secret of an access key, or nothing.
using secret_lookup =
    std::function<std::optional<std::string>(std::string_view access_key)>;

/// Verifies that `request`, undecoded as it was sent, was signed with the
/// secret of the access key it names. Host, and X-Amz-Date and any other
/// X-Amz-* header there is, must be among the signed; the body always is.
/// `now_ms`: Unix time.
std::variant<authorization, signature_error>
verify_signature(const http_request& request, const secret_lookup& secret_of,
                 int64_t now_ms, const signature_options& options = {});

/// The signature that a signer would make: 64 hexadecimal digits.
/// `amz_date`: `YYYYMMDDThhmmssZ`; `who.signature` is not used. Requires: the
/// signed headers are there.
std::string make_signature(const http_request& request,
                           const authorization& who, std::string_view amz_date,
                           std::string_view secret);

} // namespace berth
