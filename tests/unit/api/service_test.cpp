#include "api/service.hpp"

#include "api/credentials.hpp"
#include "api/log_stream_name.hpp"
#include "tests/unit/api/memory_output.hpp"
#include "tests/unit/api/scripted_gateway.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace berth {

using nlohmann::json;

namespace {

constexpr const char* authorization_text =
    "AWS4-HMAC-SHA256 Credential=AKID/20240101/eu-west-1/batch/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature="
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class silent_events : public event_source {
public:
  outcome subscribe(const account_region& owner, const std::string& after,
                    std::function<bool(const job_event&)> on_event,
                    std::function<void(const api_error&)> on_end_) override {
    owners.push_back(owner);
    if (after == "bad")
      return api_error{api_errc::invalid, "after is bad"};
    callback = std::move(on_event);
    on_end = std::move(on_end_);
    return std::make_unique<event_subscription>();
  }

  std::vector<account_region> owners;
  std::function<bool(const job_event&)> callback;
  std::function<void(const api_error&)> on_end;
};

/// A service on a scripted gateway, called without a server.
struct api {
  explicit api(service_options options = {})
      : calls(gateway, output, events, std::move(options)) {}

  http_response call(http_request request) {
    std::optional<http_response> answer;
    service_reply reply;
    reply.respond = [&](http_response response) {
      CHECK(!answer);
      answer = std::move(response);
    };
    reply.open_lines = [&](std::function<void()> on_closed) {
      closed = std::move(on_closed);
      return line_sink{[&](std::string text) {
        lines += text;
        return !is_client_gone;
      }};
    };
    calls.handle(std::move(request), std::move(reply));
    return answer.value_or(http_response{0, {}, {}, {}});
  }

  static http_request request(std::string method, std::string target,
                              std::string body = {}, std::string query = {}) {
    http_request made;
    made.method = std::move(method);
    made.target = std::move(target);
    made.query = std::move(query);
    made.body = std::move(body);
    made.headers.add("Authorization", authorization_text);
    made.headers.add("X-Amz-Date", "20240101T000000Z");
    return made;
  }

  scripted_gateway gateway;
  memory_output output;
  silent_events events;
  service calls;
  std::string lines;
  std::function<void()> closed;
  bool is_client_gone = false;
};

bool is_uuid(std::string_view text) {
  return parse_job_id(text).has_value();
}

} // namespace

TEST_CASE("a call reaches the gateway with who makes it") {
  api a;
  a.gateway.fixed = result{response{queues_response{}}};
  auto request = api::request("POST", "/v1/describejobqueues", "{}");
  request.headers.add("amz-sdk-invocation-id", "try-1");
  auto answer = a.call(request);
  CHECK(answer.status == 200);
  CHECK(answer.content_type == "application/json");
  CHECK(answer.body == R"({"jobQueues":[]})");
  CHECK(is_uuid(answer.headers.find("x-amzn-requestid").value_or("")));
  REQUIRE(a.gateway.callers.size() == 1);
  auto who = a.gateway.callers[0];
  CHECK(who.owner == account_region{"123456789012", "eu-west-1"});
  CHECK(who.invocation_id == "try-1");
  CHECK(who.body_hash.size() == 64);

  // Another try of the same call is the same call.
  a.call(request);
  CHECK(a.gateway.callers[1] == who);
  request.body = "{ }";
  a.call(request);
  CHECK(a.gateway.callers[2].body_hash != who.body_hash);
}

TEST_CASE("calls without an invocation id are all different") {
  api a;
  a.gateway.fixed = result{response{done_response{}}};
  for (int i = 0; i < 2; ++i)
    a.call(api::request("POST", "/v1/deletejobqueue", R"({"jobQueue":"q"})"));
  REQUIRE(a.gateway.callers.size() == 2);
  CHECK(is_uuid(a.gateway.callers[0].invocation_id));
  CHECK(a.gateway.callers[0].invocation_id
        != a.gateway.callers[1].invocation_id);
}

TEST_CASE("errors of the gateway have AWS's status and type") {
  struct row {
    api_errc code;
    int status;
    const char* type;
  };
  for (const auto& row :
       {row{api_errc::invalid, 400, "ClientException"},
        row{api_errc::too_many_requests, 429, "TooManyRequestsException"},
        row{api_errc::unavailable, 503, "ServerException"},
        row{api_errc::internal, 500, "ServerException"}}) {
    api a;
    a.gateway.fixed = result{api_error{row.code, "because"}};
    auto answer = a.call(
        api::request("POST", "/v1/deletejobqueue", R"({"jobQueue":"q"})"));
    CHECK(answer.status == row.status);
    CHECK(answer.headers.find("x-amzn-errortype") == row.type);
    CHECK(is_uuid(answer.headers.find("x-amzn-requestid").value_or("")));
    CHECK(json::parse(answer.body)
          == json{{"__type", row.type}, {"message", "because"}});
  }
}

TEST_CASE("a refused request never reaches the gateway") {
  api a;
  auto answer = a.call(api::request("POST", "/v1/submitjob", "{"));
  CHECK(answer.status == 400);
  CHECK(answer.headers.find("x-amzn-errortype") == "ClientException");
  answer = a.call(api::request("POST", "/v1/listschedulingpolicies", "{}"));
  CHECK(answer.status == 400);
  CHECK(json::parse(answer.body)["message"]
        == "ListSchedulingPolicies is not implemented yet");
  CHECK(a.gateway.requests.empty());
}

TEST_CASE("what is no operation is a clean error") {
  api a;
  for (auto [method, target] : {std::pair{"POST", "/v1/nosuchoperation"},
                                {"POST", "/v2/submitjob"},
                                {"POST", "/"},
                                {"GET", "/"},
                                {"PUT", "/v1/submitjob"},
                                {"PATCH", "/v1/tags/x"},
                                {"POST", "/health"}}) {
    auto answer = a.call(api::request(method, target, "{}"));
    CHECK(answer.status == 404);
    CHECK(json::parse(answer.body).contains("message"));
  }
}

TEST_CASE("only health and metrics need no authorization") {
  service_options options;
  options.metrics = [] { return std::string{"berth_up 1\n"}; };
  api a{options};
  auto open = [&](const char* method, const char* target) {
    auto request = api::request(method, target, "{}");
    request.headers.clear();
    return a.call(std::move(request));
  };
  CHECK(open("GET", "/health").status == 200);
  auto metrics = open("GET", "/metrics");
  CHECK(metrics.body == "berth_up 1\n");
  CHECK(metrics.content_type.starts_with("text/plain"));
  for (auto [method, target] : {std::pair{"POST", "/v1/submitjob"},
                                {"GET", "/v1/events"},
                                {"GET", "/v1/why"},
                                {"POST", "/"},
                                {"GET", "/v1/tags/x"},
                                {"POST", "/health"}}) {
    auto answer = open(method, target);
    CHECK(answer.status == 403);
    CHECK(answer.headers.find("x-amzn-errortype"));
  }
  CHECK(a.gateway.requests.empty());
}

TEST_CASE("the account is that of the access key") {
  auto keys = credential_set::parse("[default]\naws_access_key_id = AKID\n"
                                    "aws_secret_access_key = secretsecret\n"
                                    "account = 999999999999\n");
  REQUIRE(std::holds_alternative<credential_set>(keys));
  service_options options;
  options.credentials = &std::get<credential_set>(keys);
  api a{options};
  a.gateway.fixed = result{response{queues_response{}}};
  a.call(api::request("POST", "/v1/describejobqueues", "{}"));
  CHECK(a.gateway.callers.at(0).owner.account == "999999999999");
}

TEST_CASE("signatures are verified when the options say so") {
  auto keys = credential_set::parse("[default]\naws_access_key_id = AKID\n"
                                    "aws_secret_access_key = secretsecret\n");
  REQUIRE(std::holds_alternative<credential_set>(keys));
  service_options options;
  options.credentials = &std::get<credential_set>(keys);
  options.verifies_signatures = true;
  options.now_ms = [] { return int64_t{1'704'067'200'000}; };
  api a{options};
  a.gateway.fixed = result{response{queues_response{}}};

  auto request = api::request("POST", "/v1/describejobqueues", "{}");
  request.headers.add("Host", "127.0.0.1");
  CHECK(a.call(request).status == 403);
  CHECK(a.gateway.requests.empty());

  auto who = std::get<authorization>(parse_authorization(request.headers));
  auto signature =
      make_signature(request, who, "20240101T000000Z", "secretsecret");
  std::string text = authorization_text;
  text.replace(text.size() - 64, 64, signature);
  http_headers headers;
  headers.add("Authorization", text);
  headers.add("X-Amz-Date", "20240101T000000Z");
  headers.add("Host", "127.0.0.1");
  request.headers = headers;
  CHECK(a.call(request).status == 200);
}

TEST_CASE("calls of CloudWatch Logs are told apart by their target") {
  api a;
  auto request = api::request("POST", "/", "{}");
  request.headers.add("X-Amz-Target", "Logs_20140328.DescribeLogGroups");
  auto answer = a.call(request);
  CHECK(answer.status == 200);
  CHECK(answer.content_type == "application/x-amz-json-1.1");
  CHECK(json::parse(answer.body)["logGroups"].size() == 1);
  request.headers.clear();
  request.headers.add("X-Amz-Target", "Logs_20140328.DescribeLogGroups");
  CHECK(a.call(request).status == 403);
}

TEST_CASE("why is asked by job and told in sentences") {
  api a;
  why_response why;
  why.reason = wait_reason::behind_in_queue;
  why.position = 3;
  why.sentences = {"Three jobs come first."};
  a.gateway.fixed = result{response{why}};
  auto answer = a.call(api::request("GET", "/v1/why", "", "job=abc%3A1"));
  REQUIRE(answer.status == 200);
  CHECK(a.gateway.requests.at(0) == request{why_request{"abc:1"}});
  auto body = json::parse(answer.body);
  CHECK(body["reason"] == "behind_in_queue");
  CHECK(body["position"] == 3);
  CHECK(body["sentences"] == json::array({"Three jobs come first."}));
  CHECK(body["job"].contains("jobId"));
  for (const auto* query : {"", "job=", "job=a&job=b", "job=%zz"})
    CHECK(a.call(api::request("GET", "/v1/why", "", query)).status == 400);
}

TEST_CASE("state changes are streamed as lines until the client is gone") {
  api a;
  a.call(api::request("GET", "/v1/events"));
  REQUIRE(a.events.owners.size() == 1);
  CHECK(a.events.owners[0].region == "eu-west-1");
  CHECK(a.lines == "\n");
  job_event event;
  event.position = "p1";
  CHECK(a.events.callback(event));
  a.is_client_gone = true;
  CHECK(!a.events.callback(event));
  a.closed();
  CHECK(!a.events.callback(event));
  auto line = a.lines.substr(1, a.lines.find('\n', 1) - 1);
  CHECK(json::parse(line)["position"] == "p1");
}

TEST_CASE("a position that the source refuses opens no stream") {
  api a;
  auto answer = a.call(api::request("GET", "/v1/events", "", "after=bad"));
  CHECK(answer.status == 400);
  CHECK(a.lines.empty());
  answer = a.call(api::request("GET", "/v1/events", "", "after=%zz"));
  CHECK(answer.status == 400);
}

} // namespace berth
