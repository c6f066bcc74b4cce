#include "api/service.hpp"

#include "api/aws_batch/dialect.hpp"
#include "api/aws_batch/errors.hpp"
#include "api/berth/audit.hpp"
#include "api/berth/why.hpp"
#include "api/caller_identity.hpp"
#include "api/cloudwatch_logs/log_reading.hpp"
#include "api/credentials.hpp"
#include "api/random_uuid.hpp"
#include "messages/assert.hpp"

namespace berth {

namespace {

constexpr const char* request_id_header = "x-amzn-requestid";
constexpr const char* target_header = "X-Amz-Target";
constexpr const char* metrics_content_type =
    "text/plain; version=0.0.4; charset=utf-8";

using respond_function = std::function<void(http_response)>;

/// Gives every answer its request id.
respond_function with_request_id(respond_function respond,
                                 std::string request_id) {
  return [respond = std::move(respond),
          id = std::move(request_id)](http_response response) {
    response.headers.add(request_id_header, id);
    respond(std::move(response));
  };
}

http_response print_success(std::string body) {
  http_response response;
  response.body = std::move(body);
  return response;
}

http_response no_such_path(const http_request& request) {
  return error_response(404, "UnknownOperationException",
                        "there is no " + request.method + " "
                            + request.target.substr(0, 200));
}

/// Answers a call of the gateway; `print` makes a body of a response.
template <class Print>
std::function<void(result)> answer_with(respond_function respond, Print print) {
  return [respond = std::move(respond), print](result answer) {
    if (const auto* error = std::get_if<api_error>(&answer))
      respond(aws_batch::print_error(*error));
    else
      respond(print_success(print(std::get<response>(answer))));
  };
}

} // namespace

struct service::impl {
  impl(gateway_interface& gateway_, output_source& output,
       event_source& events_, service_options options_)
      : gateway(gateway_), events(events_), options(std::move(options_)),
        logs(
            gateway_, output,
            options.run_blocking ? options.run_blocking
                                 : [](std::function<void()> task) { task(); }) {
    BERTH_ASSERT(!options.verifies_signatures
                     || (options.credentials != nullptr && options.now_ms),
                 "signatures are verified with keys and a clock");
  }

  std::variant<authorization, signature_error>
  authorize(const http_request& request) const {
    if (!options.verifies_signatures)
      return parse_authorization(request.headers);
    auto secret_of = [&](std::string_view key) -> std::optional<std::string> {
      const auto* known = options.credentials->find(key);
      if (known == nullptr)
        return std::nullopt;
      return known->secret;
    };
    return verify_signature(request, secret_of, options.now_ms(),
                            options.signature);
  }

  bool answer_open_path(const http_request& request,
                        const respond_function& respond) const {
    if (request.method != "GET")
      return false;
    if (request.target == "/health") {
      respond(print_success(R"({"status":"ok"})"));
      return true;
    }
    if (request.target == "/ready") {
      answer_ready(respond);
      return true;
    }
    if (request.target != "/metrics" || !options.metrics)
      return false;
    run_probe([metrics = options.metrics, respond] {
      auto response = print_success(metrics());
      response.content_type = metrics_content_type;
      respond(std::move(response));
    });
    return true;
  }

  void answer_ready(const respond_function& respond) const {
    run_probe([is_ready = options.is_ready, respond] {
      auto ready = !is_ready || is_ready();
      auto response = print_success(ready ? R"({"status":"ready"})"
                                          : R"({"status":"catching up"})");
      response.status = ready ? 200 : 503;
      respond(std::move(response));
    });
  }

  void answer_batch(const http_request& request, caller who,
                    std::string_view request_id, respond_function respond) {
    auto call = aws_batch::route(request.method, request.target);
    if (!call) {
      respond(no_such_path(request));
      return;
    }
    auto parsed = aws_batch::parse_request(*call, request.body, request.query,
                                           {options.parse, request_id});
    if (const auto* error = std::get_if<api_error>(&parsed)) {
      respond(aws_batch::print_error(*error));
      return;
    }
    gateway.call(std::move(who), std::move(std::get<berth::request>(parsed)),
                 answer_with(std::move(respond),
                             [what = *call->what](const response& answer) {
                               return aws_batch::print_response(what, answer);
                             }));
  }

  void answer_why(const http_request& request, caller who,
                  respond_function respond) {
    auto parsed = parse_why(request.query);
    if (const auto* error = std::get_if<api_error>(&parsed)) {
      respond(aws_batch::print_error(*error));
      return;
    }
    gateway.call(std::move(who), std::move(std::get<berth::request>(parsed)),
                 answer_with(std::move(respond), [](const response& answer) {
                   const auto* why = std::get_if<why_response>(&answer);
                   return print_why(why ? *why : why_response{});
                 }));
  }

  void run_blocking(std::function<void()> task) const {
    run_on(options.run_blocking, std::move(task));
  }

  void run_probe(std::function<void()> task) const {
    run_on(options.run_probe, std::move(task));
  }

  static void run_on(const std::function<void(std::function<void()>)>& thread,
                     std::function<void()> task) {
    if (thread)
      thread(std::move(task));
    else
      task();
  }

  void answer_history(const http_request& request,
                      respond_function respond) const {
    auto parsed = parse_why(request.query);
    if (const auto* error = std::get_if<api_error>(&parsed)) {
      respond(aws_batch::print_error(*error));
      return;
    }
    const auto& text =
        std::get<why_request>(std::get<berth::request>(parsed)).job;
    auto job = parse_job_key(text);
    if (!job) {
      respond(aws_batch::print_error(
          {api_errc::invalid, "job: " + text + " is not the id of a job"}));
      return;
    }
    run_blocking(
        [audit = options.audit, job = *job, respond = std::move(respond)] {
          auto told = audit->history(job);
          if (const auto* error = std::get_if<api_error>(&told))
            respond(aws_batch::print_error(*error));
          else
            respond(print_success(
                print_history(std::get<std::vector<story_line>>(told))));
        });
  }

  void answer_verify(respond_function respond) const {
    run_blocking([audit = options.audit, respond = std::move(respond)] {
      auto found = audit->verify();
      if (const auto* error = std::get_if<api_error>(&found))
        respond(aws_batch::print_error(*error));
      else
        respond(print_success(
            print_verdicts(std::get<std::vector<shard_verdict>>(found))));
    });
  }

  void answer_cluster(respond_function respond) const {
    run_probe([tell = options.cluster, respond = std::move(respond)] {
      respond(print_success(tell()));
    });
  }

  void answer_events(const http_request& request, const caller& who,
                     const respond_function& respond,
                     const line_sink_opener& open) {
    auto after = parse_events_query(request.query);
    if (const auto* error = std::get_if<api_error>(&after)) {
      respond(aws_batch::print_error(*error));
      return;
    }
    events.prepare([&source = events, owner = who.owner,
                    after = std::get<std::string>(std::move(after)), respond,
                    open](event_source::prepared ready) {
      auto refusal = std::optional<api_error>{};
      if (auto* hold = std::get_if<event_hold>(&ready))
        refusal = stream_events(source, std::move(*hold), owner, after, open);
      else
        refusal = std::get<api_error>(ready);
      if (refusal)
        respond(aws_batch::print_error(*refusal));
    });
  }

  gateway_interface& gateway;
  event_source& events;
  service_options options;
  cloudwatch_logs::log_reading logs;
};

service::service(gateway_interface& gateway, output_source& output,
                 event_source& events, service_options options)
    : impl_(
        std::make_unique<impl>(gateway, output, events, std::move(options))) {}

service::~service() = default;

void service::handle(http_request request, service_reply reply) {
  auto request_id = random_uuid();
  auto respond = with_request_id(std::move(reply.respond), request_id);
  if (impl_->answer_open_path(request, respond))
    return;
  auto target = request.headers.find(target_header);
  auto authorized = impl_->authorize(request);
  if (const auto* error = std::get_if<signature_error>(&authorized)) {
    auto response = error_response(*error);
    if (target)
      response.content_type = cloudwatch_logs::content_type;
    respond(std::move(response));
    return;
  }
  auto who = identify_caller(request, std::get<authorization>(authorized),
                             impl_->options.credentials, request_id);
  if (target && request.method == "POST" && request.target == "/")
    impl_->logs.handle(who, *target, request.body, std::move(respond));
  else if (impl_->options.audit != nullptr && request.method == "GET"
           && request.target == "/v1/audit/history")
    impl_->answer_history(request, std::move(respond));
  else if (impl_->options.audit != nullptr && request.method == "GET"
           && request.target == "/v1/audit/verify")
    impl_->answer_verify(std::move(respond));
  else if (impl_->options.cluster && request.method == "GET"
           && request.target == "/v1/cluster")
    impl_->answer_cluster(std::move(respond));
  else if (request.method == "GET" && request.target == "/v1/why")
    impl_->answer_why(request, std::move(who), std::move(respond));
  else if (request.method == "GET" && request.target == "/v1/events")
    impl_->answer_events(request, who, respond, reply.open_lines);
  else
    impl_->answer_batch(request, std::move(who), request_id,
                        std::move(respond));
}

} // namespace berth
