#include "client/request_signature.hpp"

#include <array>
#include <ctime>
#include <map>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string_view>

namespace berth {

namespace {

constexpr const char* algorithm = "AWS4-HMAC-SHA256";
constexpr const char* scope_end = "aws4_request";
constexpr std::size_t date_length = 8;

using digest = std::array<unsigned char, 32>;

std::string_view view(const digest& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

digest sha256(std::string_view text) {
  digest result{};
  EVP_Digest(text.data(), text.size(), result.data(), nullptr, EVP_sha256(),
             nullptr);
  return result;
}

digest hmac(std::string_view key, std::string_view text) {
  digest result{};
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       result.data(), nullptr);
  return result;
}

std::string hex(const digest& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string print_amz_date(int64_t now_ms) {
  auto seconds = static_cast<std::time_t>(now_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return text.data();
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::map<std::string, std::string>
headers_to_sign(const unsigned_request& request, const std::string& amz_date) {
  std::map<std::string, std::string> signed_headers{{"host", request.host},
                                                    {"x-amz-date", amz_date}};
  for (const auto& header : request.headers)
    if (auto name = lower(header.name); name.starts_with("x-amz-"))
      signed_headers[name] = header.value;
  return signed_headers;
}

} // namespace

std::vector<http_client_header> sign_request(const unsigned_request& request,
                                             const signing_key& key,
                                             const signing_scope& scope) {
  auto amz_date = print_amz_date(scope.now_ms);
  auto date = amz_date.substr(0, date_length);
  auto credential =
      date + "/" + scope.region + "/" + scope.service + "/" + scope_end;
  std::string names;
  std::string lines;
  for (const auto& [name, value] : headers_to_sign(request, amz_date)) {
    names += (names.empty() ? "" : ";") + name;
    lines += name + ":" + value + "\n";
  }
  auto canonical = request.method + "\n" + request.path + "\n" + request.query
                   + "\n" + lines + "\n" + names + "\n"
                   + hex(sha256(request.body));
  auto to_sign = std::string{algorithm} + "\n" + amz_date + "\n" + credential
                 + "\n" + hex(sha256(canonical));
  auto made = hmac("AWS4" + key.secret, date);
  made = hmac(view(made), scope.region);
  made = hmac(view(made), scope.service);
  made = hmac(view(made), scope_end);
  auto headers = request.headers;
  headers.push_back({"X-Amz-Date", amz_date});
  headers.push_back(
      {"Authorization", std::string{algorithm} + " Credential=" + key.access_key
                            + "/" + credential + ", SignedHeaders=" + names
                            + ", Signature=" + hex(hmac(view(made), to_sign))});
  return headers;
}

} // namespace berth
