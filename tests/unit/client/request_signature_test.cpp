#include "client/request_signature.hpp"

#include <catch2/catch.hpp>

using namespace berth;
using Catch::Contains;

namespace {

const signing_key example{"AKIDEXAMPLE",
                          "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
// 2015-08-30 12:36:00 UTC, as in AWS's Signature Version 4 test suite.
const signing_scope scope{"us-east-1", "service", 1'440'938'160'000};

std::string header(const std::vector<http_client_header>& headers,
                   const std::string& name) {
  for (const auto& one : headers)
    if (one.name == name)
      return one.value;
  return {};
}

} // namespace

TEST_CASE("a GET is signed as AWS's test suite does (get-vanilla)") {
  auto headers = sign_request({"GET", "example.amazonaws.com", "/", "", {}, ""},
                              example, scope);
  CHECK(header(headers, "X-Amz-Date") == "20150830T123600Z");
  CHECK(header(headers, "Authorization")
        == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
           "aws4_request, SignedHeaders=host;x-amz-date, Signature="
           "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_CASE("a POST is signed as AWS's test suite does (post-vanilla)") {
  auto headers = sign_request(
      {"POST", "example.amazonaws.com", "/", "", {}, ""}, example, scope);
  CHECK_THAT(
      header(headers, "Authorization"),
      Contains(
          "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
}

TEST_CASE("headers of AWS's own are signed, others only passed on") {
  auto headers = sign_request(
      {"POST",
       "h",
       "/",
       "",
       {{"X-Amz-Target", "Logs_20140328.GetLogEvents"}, {"Content-Type", "x"}},
       "{}"},
      example, scope);
  CHECK_THAT(header(headers, "Authorization"),
             Contains("SignedHeaders=host;x-amz-date;x-amz-target,"));
  CHECK(header(headers, "Content-Type") == "x");
}

TEST_CASE("body, path and query are all part of the signature") {
  auto signature = [](const unsigned_request& request) {
    return header(sign_request(request, example, scope), "Authorization");
  };
  unsigned_request base{"GET", "h", "/v1/why", "job=a", {}, ""};
  auto other_query = base;
  other_query.query = "job=b";
  auto other_path = base;
  other_path.path = "/v1/events";
  auto other_body = base;
  other_body.body = "{}";
  CHECK(signature(base) != signature(other_query));
  CHECK(signature(base) != signature(other_path));
  CHECK(signature(base) != signature(other_body));
}
