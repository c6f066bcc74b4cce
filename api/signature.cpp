#include "api/signature.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <optional>
#include <utility>

namespace berth {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view scope_end = "aws4_request";
/// `20260102T030405Z`.
constexpr std::size_t amz_date_length = 16;
/// More than any client signs; a bound for what an attacker makes us sort.
constexpr std::size_t signed_headers_max = 64;

using digest = std::array<unsigned char, 32>;

std::string_view view(const digest& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

digest sha256(std::string_view text) {
  digest result{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), result.data(), &length, EVP_sha256(),
             nullptr);
  return result;
}

digest hmac_sha256(std::string_view key, std::string_view text) {
  digest result{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text),
       text.size(), result.data(), &length);
  return result;
}

std::string hex(const digest& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c)
         || c == '-' || c == '_' || c == '.' || c == '~';
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

std::string percent_encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  result.reserve(text.size() + text.size() / 4);
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      result += c;
    } else {
      result += '%';
      result += digits[byte >> 4];
      result += digits[byte & 15];
    }
  }
  return result;
}

int hex_value(char c) {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// A percent sign that begins no escape stands for itself.
std::string percent_decode(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0
        && hex_value(text[i + 2]) >= 0) {
      result += static_cast<char>(hex_value(text[i + 1]) * 16
                                  + hex_value(text[i + 2]));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// Dot segments are resolved and empty ones left out before the encoding.
std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> kept;
  for (auto part : split(path, '/')) {
    if (part == ".." && !kept.empty())
      kept.pop_back();
    else if (!part.empty() && part != "." && part != "..")
      kept.push_back(part);
  }
  std::string normal;
  for (auto part : kept) {
    normal += '/';
    normal += part;
  }
  if (kept.empty() || path.back() == '/')
    normal += '/';
  return percent_encode(normal, true);
}

std::string canonical_query(std::string_view query) {
  if (query.empty())
    return {};
  std::vector<std::pair<std::string, std::string>> pairs;
  for (auto part : split(query, '&')) {
    auto equals = part.find('=');
    auto value = equals == std::string_view::npos ? std::string_view{}
                                                  : part.substr(equals + 1);
    pairs.emplace_back(
        percent_encode(percent_decode(part.substr(0, equals)), false),
        percent_encode(percent_decode(value), false));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string result;
  for (const auto& [name, value] : pairs) {
    if (!result.empty())
      result += '&';
    result += name + '=' + value;
  }
  return result;
}

void append_without_runs_of_spaces(std::string& out, std::string_view value) {
  bool space = false;
  for (char c : trim(value)) {
    bool is_space = c == ' ' || c == '\t';
    if (is_space && space)
      continue;
    out += is_space ? ' ' : c;
    space = is_space;
  }
}

std::string canonical_headers(const http_headers& headers,
                              const std::vector<std::string>& names) {
  std::string result;
  for (const auto& name : names) {
    result += name + ':';
    bool first = true;
    for (std::size_t i = 0; i < headers.size(); ++i) {
      auto header = headers[i];
      if (!equal_ignoring_case(header.name, name))
        continue;
      if (!std::exchange(first, false))
        result += ',';
      append_without_runs_of_spaces(result, header.value);
    }
    result += '\n';
  }
  return result;
}

std::string join(const std::vector<std::string>& names) {
  std::string result;
  for (const auto& name : names) {
    if (!result.empty())
      result += ';';
    result += name;
  }
  return result;
}

signature_error incomplete(std::string message) {
  return {signature_errc::incomplete, std::move(message)};
}

signature_error mismatch(std::string message) {
  return {signature_errc::mismatch, std::move(message)};
}

/// Takes `Credential=KEY/DATE/REGION/SERVICE/aws4_request` apart.
std::optional<signature_error> read_scope(std::string_view text,
                                          authorization& into) {
  auto parts = split(text, '/');
  if (parts.size() != 5 || parts[4] != scope_end)
    return incomplete("Credential must be "
                      "ACCESS_KEY/YYYYMMDD/REGION/SERVICE/aws4_request, not '"
                      + std::string{text} + "'");
  for (auto part : parts)
    if (part.empty())
      return incomplete("Credential has an empty part: '" + std::string{text}
                        + "'");
  if (parts[1].size() != 8
      || !std::all_of(parts[1].begin(), parts[1].end(), is_digit))
    return incomplete("the date in Credential must be YYYYMMDD, not '"
                      + std::string{parts[1]} + "'");
  into.access_key = parts[0];
  into.date = parts[1];
  into.region = parts[2];
  into.service = parts[3];
  return std::nullopt;
}

std::optional<signature_error> read_signed_headers(std::string_view text,
                                                   authorization& into) {
  for (auto name : split(text, ';')) {
    if (name.empty() || into.signed_headers.size() == signed_headers_max)
      return incomplete("SignedHeaders must be 1 to "
                        + std::to_string(signed_headers_max)
                        + " header names with semicolons between them");
    into.signed_headers.push_back(lower(name));
  }
  return std::nullopt;
}

std::optional<signature_error> read_signature(std::string_view text,
                                              authorization& into) {
  bool is_hex = std::all_of(text.begin(), text.end(),
                            [](char c) { return hex_value(c) >= 0; });
  if (text.size() != 64 || !is_hex)
    return incomplete("Signature must be 64 hexadecimal digits");
  into.signature = lower(text);
  return std::nullopt;
}

std::optional<signature_error> read_part(std::string_view part,
                                         authorization& into) {
  auto equals = part.find('=');
  auto name = part.substr(0, equals);
  auto value = equals == std::string_view::npos ? std::string_view{}
                                                : part.substr(equals + 1);
  if (name == "Credential" && into.access_key.empty())
    return read_scope(value, into);
  if (name == "SignedHeaders" && into.signed_headers.empty())
    return read_signed_headers(value, into);
  if (name == "Signature" && into.signature.empty())
    return read_signature(value, into);
  return incomplete("the Authorization header must have Credential, "
                    "SignedHeaders and Signature once each, not '"
                    + std::string{part} + "'");
}

/// Unix milliseconds of `YYYYMMDDThhmmssZ`; nothing if it is not that.
std::optional<int64_t> parse_amz_date(std::string_view text) {
  constexpr std::string_view form = "ddddddddTddddddZ";
  static_assert(form.size() == amz_date_length);
  if (text.size() != form.size())
    return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == 'd' ? !is_digit(text[i]) : text[i] != form[i])
      return std::nullopt;
  auto number = [&](std::size_t at, std::size_t length) {
    int64_t value = 0;
    for (char c : text.substr(at, length))
      value = value * 10 + (c - '0');
    return value;
  };
  auto month = number(4, 2);
  auto day = number(6, 2);
  if (month < 1 || month > 12 || day < 1 || day > 31)
    return std::nullopt;
  // Days since 1970 in the civil calendar, with years that begin in March.
  auto year = number(0, 4) - (month <= 2 ? 1 : 0);
  auto day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  auto days =
      year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
  auto seconds = number(9, 2) * 3600 + number(11, 2) * 60 + number(13, 2);
  return (days * 86400 + seconds) * 1000;
}

std::optional<signature_error>
check_date(const authorization& who, std::string_view amz_date, int64_t now_ms,
           const signature_options& options) {
  auto signed_ms = parse_amz_date(amz_date);
  if (!signed_ms)
    return incomplete("X-Amz-Date must be YYYYMMDDThhmmssZ, not '"
                      + std::string{amz_date} + "'");
  if (amz_date.substr(0, 8) != who.date)
    return mismatch("the date in Credential, " + who.date
                    + ", is not that of X-Amz-Date, " + std::string{amz_date});
  auto limit = std::to_string(options.clock_skew_ms_max / 1000) + " s";
  if (*signed_ms < now_ms - options.clock_skew_ms_max)
    return signature_error{
        signature_errc::expired,
        "Signature expired: " + std::string{amz_date} + " is more than " + limit
            + " before the server's time, " + http_date(now_ms / 1000)};
  if (*signed_ms > now_ms + options.clock_skew_ms_max)
    return signature_error{
        signature_errc::not_yet_valid,
        "Signature not yet current: " + std::string{amz_date} + " is more than "
            + limit + " after the server's time, " + http_date(now_ms / 1000)};
  return std::nullopt;
}

std::optional<signature_error> check_signed(const http_headers& headers,
                                            const authorization& who) {
  const auto& names = who.signed_headers;
  auto is_signed = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!is_signed("host"))
    return mismatch("Host must be among the SignedHeaders");
  if (!std::is_sorted(names.begin(), names.end()))
    return mismatch("SignedHeaders must be in alphabetical order");
  for (const auto& name : names)
    if (!headers.find(name))
      return mismatch("the signed header '" + name + "' is not in the request");
  for (std::size_t i = 0; i < headers.size(); ++i) {
    auto name = lower(headers[i].name);
    if (name.rfind("x-amz-", 0) == 0 && !is_signed(name))
      return mismatch("the header '" + name
                      + "' is in the request but not signed");
  }
  return std::nullopt;
}

/// The body's hash, which a header may state, but not otherwise.
std::variant<std::string, signature_error>
payload_hash(const http_request& request) {
  auto hash = hex(sha256(request.body));
  auto stated = request.headers.find("x-amz-content-sha256");
  if (stated && *stated != hash)
    return mismatch("x-amz-content-sha256 must be the SHA-256 of the body, "
                    + hash + ", not '" + std::string{*stated} + "'");
  return hash;
}

std::string sign(const http_request& request, const authorization& who,
                 std::string_view amz_date, std::string_view secret,
                 const std::string& body_hash) {
  auto canonical = request.method + '\n' + canonical_path(request.target) + '\n'
                   + canonical_query(request.query) + '\n'
                   + canonical_headers(request.headers, who.signed_headers)
                   + '\n' + join(who.signed_headers) + '\n' + body_hash;
  std::string to_sign{algorithm};
  to_sign += '\n';
  to_sign += amz_date;
  to_sign += '\n' + who.date + '/' + who.region + '/' + who.service + '/';
  to_sign += scope_end;
  to_sign += '\n' + hex(sha256(canonical));
  auto key = hmac_sha256("AWS4" + std::string{secret}, who.date);
  key = hmac_sha256(view(key), who.region);
  key = hmac_sha256(view(key), who.service);
  key = hmac_sha256(view(key), scope_end);
  return hex(hmac_sha256(view(key), to_sign));
}

} // namespace

std::string_view aws_name(signature_errc code) {
  switch (code) {
  case signature_errc::missing:
    return "MissingAuthenticationTokenException";
  case signature_errc::incomplete:
    return "IncompleteSignatureException";
  case signature_errc::unknown_key:
    return "UnrecognizedClientException";
  case signature_errc::mismatch:
  case signature_errc::expired:
  case signature_errc::not_yet_valid:
    return "InvalidSignatureException";
  }
  return "InvalidSignatureException";
}

http_response error_response(const signature_error& error) {
  return error_response(403, aws_name(error.code), error.message);
}

std::variant<authorization, signature_error>
parse_authorization(const http_headers& headers) {
  auto found = headers.find("Authorization");
  if (!found || trim(*found).empty())
    return signature_error{signature_errc::missing,
                           "the request has no Authorization header; any "
                           "AWS SDK sends one once it has credentials"};
  if (headers.count("Authorization") > 1)
    return incomplete("the request has more than one Authorization header");
  auto text = trim(*found);
  if (text.substr(0, algorithm.size()) != algorithm
      || text.size() == algorithm.size() || text[algorithm.size()] != ' ')
    return incomplete("the Authorization header must begin with "
                      + std::string{algorithm} + " and a space");
  text.remove_prefix(algorithm.size());
  authorization who;
  for (auto part : split(text, ','))
    if (auto wrong = read_part(trim(part), who))
      return *wrong;
  if (who.access_key.empty() || who.signed_headers.empty()
      || who.signature.empty())
    return incomplete("the Authorization header must have Credential, "
                      "SignedHeaders and Signature once each");
  return who;
}

std::variant<authorization, signature_error>
verify_signature(const http_request& request, const secret_lookup& secret_of,
                 int64_t now_ms, const signature_options& options) {
  auto parsed = parse_authorization(request.headers);
  if (std::holds_alternative<signature_error>(parsed))
    return parsed;
  auto& who = std::get<authorization>(parsed);
  auto amz_date = request.headers.find("X-Amz-Date");
  if (!amz_date)
    return incomplete("the request has an Authorization header but no "
                      "X-Amz-Date");
  auto secret = secret_of(who.access_key);
  if (!secret)
    return signature_error{signature_errc::unknown_key,
                           "nobody has the access key '" + who.access_key
                               + "'"};
  if (auto wrong = check_date(who, *amz_date, now_ms, options))
    return *wrong;
  if (auto wrong = check_signed(request.headers, who))
    return *wrong;
  auto body_hash = payload_hash(request);
  if (auto* wrong = std::get_if<signature_error>(&body_hash))
    return *wrong;
  auto right =
      sign(request, who, *amz_date, *secret, std::get<std::string>(body_hash));
  if (CRYPTO_memcmp(right.data(), who.signature.data(), right.size()) != 0)
    return mismatch("the signature does not match this request and the secret "
                    "key of '"
                    + who.access_key
                    + "'; check the secret access key and how the request was "
                      "signed");
  return who;
}

std::string make_signature(const http_request& request,
                           const authorization& who, std::string_view amz_date,
                           std::string_view secret) {
  return sign(request, who, amz_date, secret, hex(sha256(request.body)));
}

} // namespace berth
