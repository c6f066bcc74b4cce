#include "api/signature.hpp"

#include "api/http_parser.hpp"
#include "tests/support/mutations.hpp"
#include "tests/unit/api/signed_requests.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

/// 2026-11-21 09:55:00 UTC.
constexpr int64_t now_ms = test::example_now_ms;

std::optional<std::string> secret_of(std::string_view access_key) {
  if (access_key == test::example_access_key)
    return std::string{test::example_secret};
  return std::nullopt;
}

/// Through the parser, as the server does it.
http_request request_of(std::string_view text) {
  std::string wire;
  auto head = text.find("\n\n") + 2;
  for (char c : text.substr(0, head)) {
    if (c == '\n')
      wire += '\r';
    wire += c;
  }
  wire += text.substr(head);
  http_request_parser parser{{}};
  std::string_view rest{wire};
  while (parser.current() == http_request_parser::state::need_more
         && !rest.empty())
    rest.remove_prefix(parser.feed(rest));
  if (parser.current() != http_request_parser::state::done)
    throw std::runtime_error("not a whole request: " + wire);
  return parser.take();
}

http_request example() {
  return request_of(test::signed_requests[0].text);
}

/// `request` with one header put in the place of its namesakes; without them
/// when the value is nothing.
http_request with(const http_request& request, std::string_view name,
                  std::optional<std::string> value) {
  auto changed = request;
  changed.headers.clear();
  for (std::size_t i = 0; i < request.headers.size(); ++i) {
    auto header = request.headers[i];
    if (!equal_ignoring_case(header.name, name))
      changed.headers.add(header.name, header.value);
  }
  if (value)
    changed.headers.add(name, *value);
  return changed;
}

std::string authorization_text(const authorization& who) {
  std::string names;
  for (const auto& name : who.signed_headers)
    names += (names.empty() ? "" : ";") + name;
  return "AWS4-HMAC-SHA256 Credential=" + who.access_key + "/" + who.date + "/"
         + who.region + "/" + who.service + "/aws4_request, SignedHeaders="
         + names + ", Signature=" + who.signature;
}

/// Signs anew, as a client would that does everything else right.
http_request signed_anew(http_request request,
                         std::vector<std::string> signed_headers,
                         std::string amz_date = "20261121T095500Z") {
  request = with(request, "X-Amz-Date", amz_date);
  authorization who;
  who.access_key = test::example_access_key;
  who.date = amz_date.substr(0, 8);
  who.region = "eu-central-1";
  who.service = "batch";
  who.signed_headers = std::move(signed_headers);
  who.signature = make_signature(request, who, amz_date, test::example_secret);
  return with(request, "Authorization", authorization_text(who));
}

/// The error, or nothing where the signature was found right.
std::optional<signature_error> refused(const http_request& request,
                                       int64_t now = now_ms) {
  auto verdict = verify_signature(request, secret_of, now);
  if (auto* error = std::get_if<signature_error>(&verdict))
    return *error;
  return std::nullopt;
}

std::optional<signature_errc> refusal(const http_request& request,
                                      int64_t now = now_ms) {
  auto error = refused(request, now);
  return error ? std::optional{error->code} : std::nullopt;
}

} // namespace

TEST_CASE("the signatures of real clients are found right") {
  for (const auto& one : test::signed_requests) {
    INFO(one.name);
    auto verdict = verify_signature(request_of(one.text), secret_of, now_ms);
    if (auto* error = std::get_if<signature_error>(&verdict))
      FAIL(error->message);
    const auto& who = std::get<authorization>(verdict);
    CHECK(who.access_key == test::example_access_key);
    CHECK(who.region == "eu-central-1");
    CHECK(who.date == "20261121");
    CHECK((who.service == "batch" || who.service == "logs"));
  }
}

TEST_CASE("any change to what was signed is noticed") {
  for (const auto& one : test::signed_requests) {
    INFO(one.name);
    auto request = request_of(one.text);
    auto changed = request;
    changed.method = request.method == "GET" ? "POST" : "GET";
    CHECK(refusal(changed) == signature_errc::mismatch);
    changed = request;
    changed.target += "x";
    CHECK(refusal(changed) == signature_errc::mismatch);
    changed = request;
    changed.query += "&tagKeys=d";
    CHECK(refusal(changed) == signature_errc::mismatch);
    changed = request;
    changed.body += " ";
    CHECK(refusal(changed) == signature_errc::mismatch);
    CHECK(refusal(with(request, "Host", "127.0.0.1:18081"))
          == signature_errc::mismatch);
    CHECK(refusal(with(request, "X-Amz-Date", "20261121T095501Z"))
          == signature_errc::mismatch);
  }
}

TEST_CASE("a wrong secret is noticed and an unknown key named") {
  auto wrong_secret = [](std::string_view) {
    return std::optional<std::string>{"not it"};
  };
  auto verdict = verify_signature(example(), wrong_secret, now_ms);
  REQUIRE(std::holds_alternative<signature_error>(verdict));
  CHECK(std::get<signature_error>(verdict).code == signature_errc::mismatch);

  auto nobody = [](std::string_view) { return std::optional<std::string>{}; };
  verdict = verify_signature(example(), nobody, now_ms);
  REQUIRE(std::holds_alternative<signature_error>(verdict));
  const auto& error = std::get<signature_error>(verdict);
  CHECK(error.code == signature_errc::unknown_key);
  CHECK(error.message.find("BERTHEXAMPLEKEY00001") != std::string::npos);
}

TEST_CASE("a signature is valid for five minutes either way") {
  // The example was signed at 09:54:53.
  constexpr int64_t signed_ms = now_ms - 7'000;
  constexpr int64_t limit = 5 * 60 * 1000;
  CHECK_FALSE(refusal(example(), signed_ms + limit));
  CHECK_FALSE(refusal(example(), signed_ms - limit));
  CHECK(refusal(example(), signed_ms + limit + 1) == signature_errc::expired);
  CHECK(refusal(example(), signed_ms - limit - 1)
        == signature_errc::not_yet_valid);
  CHECK(refused(example(), signed_ms + limit + 1)->message
        == "Signature expired: 20261121T095453Z is more than 300 s before the "
           "server's time, Sat, 21 Nov 2026 09:59:53 GMT");
}

TEST_CASE("dates are read by the calendar") {
  struct example_date {
    std::string text;
    int64_t unix_seconds;
  };
  for (const auto& one : std::vector<example_date>{
           {"19700101T000000Z", 0},
           {"20000229T123456Z", 951827696},
           {"20240301T000000Z", 1709251200},
           {"20991231T235959Z", 4102444799},
       }) {
    auto request = signed_anew(example(), {"host", "x-amz-date"}, one.text);
    CHECK_FALSE(refusal(request, one.unix_seconds * 1000 + 300'000));
    CHECK(refusal(request, one.unix_seconds * 1000 + 300'001)
          == signature_errc::expired);
  }
  for (std::string bad : {"", "20261121", "20261121T095500", "20261321T095500Z",
                          "20261100T095500Z", "2026112T1095500Z",
                          "20261121t095500Z", "20261121T09550xZ"})
    CHECK(refusal(with(example(), "X-Amz-Date", bad))
          == signature_errc::incomplete);
}

TEST_CASE("what has to be signed must be signed") {
  CHECK_FALSE(refusal(signed_anew(example(), {"host", "x-amz-date"})));
  auto error = refused(signed_anew(example(), {"x-amz-date"}));
  REQUIRE(error);
  CHECK(error->message == "Host must be among the SignedHeaders");
  error = refused(signed_anew(example(), {"host"}));
  REQUIRE(error);
  CHECK(error->message.find("'x-amz-date'") != std::string::npos);
  auto target = with(example(), "X-Amz-Target", "Logs_20140328.GetLogEvents");
  error = refused(signed_anew(target, {"host", "x-amz-date"}));
  REQUIRE(error);
  CHECK(error->message.find("'x-amz-target'") != std::string::npos);
  error = refused(signed_anew(example(), {"host", "x-absent", "x-amz-date"}));
  REQUIRE(error);
  CHECK(error->message.find("'x-absent'") != std::string::npos);
  CHECK(refusal(signed_anew(example(), {"x-amz-date", "host"}))
        == signature_errc::mismatch);
}

TEST_CASE("the body's stated hash must be its own") {
  auto request = with(example(), "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  request =
      signed_anew(request, {"host", "x-amz-content-sha256", "x-amz-date"});
  auto error = refused(request);
  REQUIRE(error);
  CHECK(error->code == signature_errc::mismatch);
  CHECK(error->message.find("'UNSIGNED-PAYLOAD'") != std::string::npos);
}

TEST_CASE("values are signed without runs of spaces, repeated ones together") {
  auto request = example();
  request.headers.add("X-Some", "  a   b  ");
  request.headers.add("x-some", "c");
  request = signed_anew(request, {"host", "x-amz-date", "x-some"});
  CHECK_FALSE(refusal(request));
  auto same = with(request, "X-Some", "a b,c");
  CHECK_FALSE(refusal(same));
  CHECK(refusal(with(request, "X-Some", "ab,c")) == signature_errc::mismatch);
}

TEST_CASE("paths and queries that mean the same are signed the same") {
  auto request = example();
  request.target = "/v1//tags/./x/../y/";
  request.query = "b=2&a=%7e1&c";
  request = signed_anew(request, {"host", "x-amz-date"});
  auto same = request;
  same.target = "/v1/tags/y/";
  same.query = "a=~1&b=2&c=";
  CHECK_FALSE(refusal(same));
  same.target = "/v1/tags/y";
  CHECK(refusal(same) == signature_errc::mismatch);
  // Above the root there is nothing.
  request.target = "/../..";
  request = signed_anew(request, {"host", "x-amz-date"});
  request.target = "/";
  CHECK_FALSE(refusal(request));
}

TEST_CASE("an Authorization header is read without being verified") {
  http_headers headers;
  headers.add("authorization",
              "AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/batch/"
              "aws4_request,SignedHeaders=Host;X-Amz-Date,Signature="
                  + std::string(64, 'A'));
  auto parsed = parse_authorization(headers);
  REQUIRE(std::holds_alternative<authorization>(parsed));
  const auto& who = std::get<authorization>(parsed);
  CHECK(who.access_key == "K");
  CHECK(who.date == "20260101");
  CHECK(who.region == "us-east-1");
  CHECK(who.service == "batch");
  CHECK(who.signed_headers == std::vector<std::string>{"host", "x-amz-date"});
  CHECK(who.signature == std::string(64, 'a'));
}

TEST_CASE("an Authorization header that lacks something says what") {
  auto message = [](const std::vector<std::string>& values) {
    http_headers headers;
    for (const auto& value : values)
      headers.add("Authorization", value);
    auto parsed = parse_authorization(headers);
    auto* error = std::get_if<signature_error>(&parsed);
    return error ? std::string{aws_name(error->code)} + ": " + error->message
                 : std::string{"none"};
  };
  using Catch::StartsWith;
  const std::string scope =
      "Credential=K/20260101/us-east-1/batch/aws4_request";
  const std::string names = "SignedHeaders=host";
  const std::string proof = "Signature=" + std::string(64, 'a');
  const std::string begin = "AWS4-HMAC-SHA256 ";
  const auto good = begin + scope + ", " + names + ", " + proof;
  CHECK(message({good}) == "none");
  CHECK_THAT(message({}), StartsWith("MissingAuthenticationTokenException: "));
  CHECK_THAT(message({" "}), StartsWith("MissingAuthenticationTokenException"));
  for (const auto& bad : std::vector<std::string>{
           std::string{"Bearer abc"},
           std::string{"AWS4-HMAC-SHA256"},
           "AWS4-HMAC-SHA256-X" + scope,
           begin + scope + ", " + names,
           begin + scope + ", " + proof,
           begin + names + ", " + proof,
           begin + scope + ", " + scope + ", " + names + ", " + proof,
           begin + scope + "," + names + "," + proof + ",",
           begin + scope + "," + names + "," + proof + ",x=y",
           begin + "Credential=K/20260101/us-east-1/batch/aws5_request, "
               + names + ", " + proof,
           begin + "Credential=K/2026010x/us-east-1/batch/aws4_request, "
               + names + ", " + proof,
           begin + "Credential=K/20260101//batch/aws4_request, " + names + ", "
               + proof,
           begin + "Credential=K, " + names + ", " + proof,
           begin + scope + ", SignedHeaders=, " + proof,
           begin + scope + ", SignedHeaders=a;;b, " + proof,
           begin + scope + ", SignedHeaders=" + std::string(200, ';') + ", "
               + proof,
           begin + scope + ", " + names + ", Signature=abc",
           begin + scope + ", " + names + ", Signature=" + std::string(64, 'g'),
       }) {
    INFO(bad);
    CHECK_THAT(message({bad}), StartsWith("IncompleteSignatureException: "));
  }
  CHECK_THAT(message({good, good}), StartsWith("IncompleteSignature"));
}

TEST_CASE("a refusal is printed as AWS prints it") {
  signature_error error{signature_errc::unknown_key, "nobody"};
  auto response = error_response(error);
  CHECK(response.status == 403);
  CHECK(response.headers.find("x-amzn-errortype")
        == "UnrecognizedClientException");
  CHECK(response.body
        == R"({"__type":"UnrecognizedClientException","message":"nobody"})");
}

TEST_CASE("mutated requests are refused and never crash") {
  rc::prop("the Authorization header", [] {
    const auto& one = *rc::gen::elementOf(test::signed_requests);
    auto request = request_of(one.text);
    auto original =
        std::get<authorization>(parse_authorization(request.headers));
    auto good = std::string{*request.headers.find("Authorization")};
    for (int round = 0; round < 20; ++round) {
      auto value = test::mutated_bytes(good, "/,;= \t%");
      auto changed = with(request, "Authorization", value);
      auto verdict = verify_signature(changed, secret_of, now_ms);
      // Only what the syntax gives no weight to may differ.
      if (const auto* who = std::get_if<authorization>(&verdict))
        RC_ASSERT(authorization_text(*who) == authorization_text(original));
    }
  });
  rc::prop("the parts that are signed", [] {
    const auto& one = *rc::gen::elementOf(test::signed_requests);
    auto good = request_of(one.text);
    for (int round = 0; round < 10; ++round) {
      auto changed = good;
      changed.target = test::mutated_bytes(good.target, "/%.2F");
      changed.query = test::mutated_bytes(good.query + "&", "&=%+");
      changed.body = test::mutated_bytes(good.body);
      auto verdict = verify_signature(changed, secret_of, now_ms);
      if (std::holds_alternative<authorization>(verdict))
        RC_ASSERT(changed.body == good.body);
    }
  });
}
