#include "client/batch_api.hpp"

#include "client/client_failure.hpp"
#include "client/http_url.hpp"
#include "client/pause.hpp"
#include "client/request_signature.hpp"

#include <array>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <random>

namespace berth {

using nlohmann::json;

namespace {

constexpr int tries_max = 5;
constexpr std::chrono::milliseconds first_pause{100};
constexpr const char* logs_target_prefix = "Logs_20140328.";
/// Of servers that do not check signatures, anyone is a known caller.
const signing_key anyone{"berth", "berth"};

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// 32 hexadecimal digits, so that a call's repetitions are known as such.
std::string random_call_id() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device random;
  std::string id;
  while (id.size() < 32)
    id += digits[random() & 15];
  return id;
}

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
                    || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'
                    || c == '.' || c == '~';
    if (is_plain)
      result += c;
    else
      result += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return result;
}

bool may_be_tried_again(int status) {
  return status == 429 || status >= 500;
}

std::string message_in(const http_client_response& response) {
  auto body = json::parse(response.body, nullptr, false);
  for (const auto* name : {"message", "Message"})
    if (body.is_object() && body.contains(name) && body[name].is_string())
      return body[name];
  return "the server answers with status " + std::to_string(response.status);
}

[[noreturn]] void refuse(const http_client_response& response) {
  auto message = message_in(response);
  if (response.status == 403)
    message += "\nThe key is read from `credentials` in the server's data "
               "folder: name that folder with --data or BERTH_DATA.";
  throw call_refused(response.status, message);
}

} // namespace

struct batch_api::outgoing {
  std::string method = "POST";
  std::string path;
  std::string query;
  std::string service = "batch";
  std::vector<http_client_header> headers;
  std::string body;
};

batch_api::batch_api(batch_api_options options)
    : options_(std::move(options)) {}

json batch_api::call(const std::string& operation, const json& body) {
  outgoing what;
  what.path = "/v1/" + lower(operation);
  what.headers = {{"Content-Type", "application/json"},
                  {"amz-sdk-invocation-id", random_call_id()}};
  what.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return perform(what);
}

json batch_api::call_logs(const std::string& operation, const json& body) {
  outgoing what;
  what.path = "/";
  what.service = "logs";
  what.headers = {{"Content-Type", "application/x-amz-json-1.1"},
                  {"X-Amz-Target", logs_target_prefix + operation}};
  what.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return perform(what);
}

json batch_api::why(const std::string& job) {
  outgoing what;
  what.method = "GET";
  what.path = "/v1/why";
  what.query = "job=" + percent_encoded(job);
  return perform(what);
}

json batch_api::cluster() {
  outgoing what;
  what.method = "GET";
  what.path = "/v1/cluster";
  return perform(what);
}

json batch_api::audit(const std::string& what, const std::string& job) {
  outgoing call;
  call.method = "GET";
  call.path = "/v1/audit/" + what;
  if (!job.empty())
    call.query = "job=" + percent_encoded(job);
  return perform(call);
}

std::vector<http_client_header>
batch_api::signed_headers(const outgoing& what) const {
  auto url = parse_http_url(options_.url);
  return sign_request({what.method, url ? url->authority : "", what.path,
                       what.query, what.headers, what.body},
                      options_.key.value_or(anyone),
                      {options_.region, what.service, wall_clock_ms()});
}

void batch_api::fail(const http_client_error& error) const {
  throw client_failure(exit_status::unreachable,
                       error.code == http_client_errc::unreachable
                           ? "no server answers at " + error.message + "\n"
                                 + options_.advice
                           : error.message);
}

json batch_api::perform(const outgoing& what) {
  auto url =
      options_.url + what.path + (what.query.empty() ? "" : "?" + what.query);
  auto pause = first_pause;
  for (int tries = 1;; ++tries) {
    auto outcome =
        http_.request(what.method, url, signed_headers(what), what.body);
    const auto* error = std::get_if<http_client_error>(&outcome);
    if (error != nullptr
        && (tries == tries_max || error->code != http_client_errc::broken))
      fail(*error);
    const auto* response = std::get_if<http_client_response>(&outcome);
    if (response != nullptr && response->status == 200) {
      auto body = json::parse(response->body, nullptr, false);
      if (!body.is_object())
        throw client_failure(exit_status::failed,
                             options_.url
                                 + " does not answer as Berth does; "
                                   "is it another server?");
      return body;
    }
    if (response != nullptr
        && (tries == tries_max || !may_be_tried_again(response->status)))
      refuse(*response);
    if (!pause_while_read(pause))
      throw client_failure(exit_status::failed, "nobody reads the output");
    pause *= 2;
  }
}

bool batch_api::follow_events(
    const std::function<bool()>& on_open,
    const std::function<bool(const json&)>& on_event) {
  outgoing what;
  what.method = "GET";
  what.path = "/v1/events";
  // The other connection stays free for calls meanwhile.
  http_client stream;
  std::exception_ptr thrown;
  bool is_open = false;
  bool is_over = false;
  auto on_line = [&](std::string_view line) {
    try {
      if (!is_open)
        is_over = !on_open();
      is_open = true;
      if (is_over || line.empty())
        return !is_over;
      auto event = json::parse(line, nullptr, false);
      // With an error the server ends a stream that would have a gap.
      if (!event.is_object() || event.contains("error"))
        return true;
      is_over = !on_event(event);
    } catch (...) {
      thrown = std::current_exception();
      is_over = true;
    }
    return !is_over;
  };
  auto outcome = stream.read_lines(options_.url + what.path,
                                   signed_headers(what), on_line);
  if (thrown)
    std::rethrow_exception(thrown);
  if (is_over)
    return true;
  const auto* error = std::get_if<http_client_error>(&outcome);
  if (error != nullptr && !is_open)
    fail(*error);
  const auto* response = std::get_if<http_client_response>(&outcome);
  if (response != nullptr && response->status != 200)
    refuse(*response);
  return false;
}

} // namespace berth
