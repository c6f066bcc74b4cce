// Requests as real clients sent them: botocore 1.44.5 and @aws-sdk/client-batch
// 3.1137.0, to http://127.0.0.1:18080, with the credentials below. Left out are
// headers that nobody signs (User-Agent, Accept-Encoding).
#pragma once

#include <array>
#include <string_view>

namespace berth::test {

constexpr std::string_view example_access_key = "BERTHEXAMPLEKEY00001";
constexpr std::string_view example_secret =
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// When all of them were signed, within a minute: 2026-11-21 09:55:00 UTC.
constexpr long long example_now_ms = 1795254900000;

struct signed_request {
  std::string_view name;
  /// With line feeds where HTTP has carriage return and line feed.
  std::string_view text;
};

constexpr std::array<signed_request, 8> signed_requests{{
    {"boto3 SubmitJob",
     R"--(POST /v1/submitjob HTTP/1.1
Host: 127.0.0.1:18080
Content-Type: application/json
X-Amz-Date: 20261121T095453Z
Authorization: AWS4-HMAC-SHA256 Credential=BERTHEXAMPLEKEY00001/20261121/eu-central-1/batch/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=f48e447a36661ca41f93ae837034d79dae48537ab6323bfc820ec5e8e504dacb
amz-sdk-invocation-id: 46331c23-44e6-44f4-b032-dc8a8b2f1cad
amz-sdk-request: attempt=1; max=3
Content-Length: 55

{"jobName": "j", "jobQueue": "q", "jobDefinition": "d"})--"},
    {"boto3 ListTagsForResource",
     R"--(GET /v1/tags/arn%3Aaws%3Abatch%3Aeu-central-1%3A123456789012%3Ajob-definition%2Fmy%20def~%281%29%2A%3A3 HTTP/1.1
Host: 127.0.0.1:18080
X-Amz-Date: 20261121T095453Z
Authorization: AWS4-HMAC-SHA256 Credential=BERTHEXAMPLEKEY00001/20261121/eu-central-1/batch/aws4_request, SignedHeaders=host;x-amz-date, Signature=f5c5678a204d340ac6a5c20a9d22a84bfce4fb4cee8853978877710932952d3b
amz-sdk-invocation-id: 076be56c-cb53-4eff-8d06-b1231eb8fdf2
amz-sdk-request: attempt=1; max=3

)--"},
    {"boto3 UntagResource",
     R"--(DELETE /v1/tags/arn%3Aaws%3Abatch%3Aeu-central-1%3A123456789012%3Ajob-definition%2Fmy%20def~%281%29%2A%3A3?tagKeys=b%20key&tagKeys=a%2Bb%2F%C3%BC&tagKeys=b%20key HTTP/1.1
Host: 127.0.0.1:18080
X-Amz-Date: 20261121T095453Z
Authorization: AWS4-HMAC-SHA256 Credential=BERTHEXAMPLEKEY00001/20261121/eu-central-1/batch/aws4_request, SignedHeaders=host;x-amz-date, Signature=3d94a090c12a2d758d5b5454858eddf44b20aeabc1fcbe000717641e45807891
amz-sdk-invocation-id: e52c9daf-97c4-466b-b2a3-c7b65f3c428a
amz-sdk-request: attempt=1; max=3
Content-Length: 0

)--"},
    {"boto3 DescribeJobs with a session token",
     R"--(POST /v1/describejobs HTTP/1.1
Host: 127.0.0.1:18080
Content-Type: application/json
X-Amz-Date: 20261121T095453Z
X-Amz-Security-Token: token/with+chars==
Authorization: AWS4-HMAC-SHA256 Credential=BERTHEXAMPLEKEY00001/20261121/eu-central-1/batch/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=d2463fe365672a05159fafd40dad4031ea07e9b70678ff13e0a21944e0ab325f
amz-sdk-invocation-id: ee6ac346-9bf4-4b4a-9c19-692b29d2c1e8
amz-sdk-request: attempt=1; max=3
Content-Length: 15

{"jobs": ["x"]})--"},
    {"boto3 GetLogEvents",
     R"--(POST / HTTP/1.1
Host: 127.0.0.1:18080
X-Amz-Target: Logs_20140328.GetLogEvents
Content-Type: application/x-amz-json-1.1
X-Amz-Date: 20261121T095453Z
Authorization: AWS4-HMAC-SHA256 Credential=BERTHEXAMPLEKEY00001/20261121/eu-central-1/logs/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=772297c355b9ade8fbbfccde97e83ca7959c9e162ae93c452a01bb09531fa448
amz-sdk-invocation-id: 61069cc0-6f48-41a7-a3af-398ee4571cb1
amz-sdk-request: attempt=1; max=3
Content-Length: 66

{"logGroupName": "/aws/batch/job", "logStreamName": "d/default/1"})--"},
    {"JavaScript SubmitJob",
     R"--(POST /v1/submitjob HTTP/1.1
content-type: application/json
content-length: 52
x-amz-user-agent: aws-sdk-js/3.1137.0
host: 127.0.0.1:18080
amz-sdk-invocation-id: 9792d73a-ac6c-4c0f-9fba-da43bea53315
amz-sdk-request: attempt=1; max=3
x-amz-date: 20261121T095502Z
x-amz-content-sha256: 75878d51d59a37048cc949855bc27e90ad49f9f074784a2e18392a325a6249d1
authorization: AWS4-HMAC-SHA256 Credential=BERTHEXAMPLEKEY00001/20261121/eu-central-1/batch/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-user-agent, Signature=ceb6e44ca64bff5ce44b4b9b5005ec1e51205f313d62684d1b1cfde180dbc04e
Connection: keep-alive

{"jobName":"jé","jobQueue":"q","jobDefinition":"d"})--"},
    {"JavaScript ListTagsForResource",
     R"--(GET /v1/tags/arn%3Aaws%3Abatch%3Aeu-central-1%3A123456789012%3Ajob-definition%2Fmy%20def~%281%29%2A%3A3 HTTP/1.1
x-amz-user-agent: aws-sdk-js/3.1137.0
host: 127.0.0.1:18080
amz-sdk-invocation-id: a3585f88-0ede-4e94-b367-01f5adf11f04
amz-sdk-request: attempt=1; max=3
x-amz-date: 20261121T095502Z
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
authorization: AWS4-HMAC-SHA256 Credential=BERTHEXAMPLEKEY00001/20261121/eu-central-1/batch/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;host;x-amz-content-sha256;x-amz-date;x-amz-user-agent, Signature=97f9103bc7b1d91f5af9f951850f423cba9e6feefe3c9fd3d2a9020c73f2f5fb
Connection: keep-alive

)--"},
    {"JavaScript UntagResource",
     R"--(DELETE /v1/tags/arn%3Aaws%3Abatch%3Aeu-central-1%3A123456789012%3Ajob-definition%2Fmy%20def~%281%29%2A%3A3?tagKeys=b%20key&tagKeys=a%2Bb%2F%C3%BC&tagKeys=b%20key HTTP/1.1
x-amz-user-agent: aws-sdk-js/3.1137.0
host: 127.0.0.1:18080
amz-sdk-invocation-id: 5e4000df-a28d-4c1b-9bce-050a9582ac2a
amz-sdk-request: attempt=1; max=3
x-amz-date: 20261121T095502Z
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
authorization: AWS4-HMAC-SHA256 Credential=BERTHEXAMPLEKEY00001/20261121/eu-central-1/batch/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;host;x-amz-content-sha256;x-amz-date;x-amz-user-agent, Signature=addd2b6b67ca85942c0df6ec3a53af054a3fef932aaf0366fb98c071643ebc47
Connection: keep-alive

)--"},
}};

} // namespace berth::test
