#include "api/caller_identity.hpp"

#include "api/credentials.hpp"
#include "api/signature.hpp"

#include <array>
#include <openssl/evp.h>

namespace berth {

namespace {

constexpr size_t invocation_id_bytes_max = 256;
constexpr const char* invocation_header = "amz-sdk-invocation-id";

} // namespace

std::string hash_call(const http_request& request) {
  std::string text = request.method + "\n" + request.target + "\n"
                     + request.query + "\n" + request.body;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(),
             nullptr);
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * length);
  for (unsigned int i = 0; i < length; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

caller identify_caller(const http_request& request, const authorization& who,
                       const credential_set* credentials,
                       std::string_view request_id) {
  caller made;
  made.owner.region = who.region;
  made.owner.account = std::string{default_account};
  if (credentials != nullptr)
    if (const auto* known = credentials->find(who.access_key))
      made.owner.account = known->account;
  auto given = request.headers.find(invocation_header);
  auto is_usable =
      given && !given->empty() && given->size() <= invocation_id_bytes_max;
  made.invocation_id = std::string{is_usable ? *given : request_id};
  made.body_hash = hash_call(request);
  return made;
}

} // namespace berth
