#include "api/http_parser.hpp"

#include "messages/assert.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <utility>

namespace berth {

namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using beast_view = boost::beast::string_view;

/// Reserved at once for an announced body; the rest grows as it arrives, so
/// that an announcement alone costs no memory.
constexpr uint64_t body_reserve_max = 64 * 1024;

std::string_view view(beast_view text) {
  return {text.data(), text.size()};
}

/// Fills a request. Beast keeps the grammar and the limits.
class request_sink final : public http::basic_parser<true> {
public:
  http_request request;
  bool started = false;
  bool http_1_0 = false;
  bool expects_continue = false;
  bool bad_encoding = false;
  bool bad_target = false;

private:
  void on_request_impl(http::verb, beast_view method, beast_view target,
                       int version, error_code& ec) override {
    request.method = view(method);
    auto whole = view(target);
    if (whole.empty() || whole.front() != '/') {
      bad_target = true;
      ec = http::error::bad_target;
      return;
    }
    auto mark = whole.find('?');
    request.target = whole.substr(0, mark);
    if (mark != std::string_view::npos)
      request.query = whole.substr(mark + 1);
    http_1_0 = version == 10;
  }

  void on_response_impl(int, beast_view, int, error_code&) override {}

  void on_field_impl(http::field name, beast_view text, beast_view value,
                     error_code& ec) override {
    // Fields after the body were not there when the request was admitted, and
    // must not stand beside its headers.
    if (header_complete_)
      return;
    if (name == http::field::transfer_encoding
        && !equal_ignoring_case(view(value), "chunked")) {
      bad_encoding = true;
      ec = http::error::bad_transfer_encoding;
      return;
    }
    if (name == http::field::expect
        && equal_ignoring_case(view(value), "100-continue"))
      expects_continue = true;
    request.headers.add(view(text), view(value));
  }

  void on_header_impl(error_code&) override { header_complete_ = true; }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length,
                         error_code&) override {
    if (length)
      request.body.reserve(std::min(*length, body_reserve_max));
  }

  std::size_t on_body_impl(beast_view body, error_code&) override {
    request.body.append(body.data(), body.size());
    return body.size();
  }

  void on_chunk_header_impl(std::uint64_t, beast_view, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, beast_view body,
                                 error_code&) override {
    request.body.append(body.data(), body.size());
    return body.size();
  }

  void on_finish_impl(error_code&) override {}

  bool header_complete_ = false;
};

} // namespace

struct http_request_parser::machine {
  std::optional<request_sink> sink;
  state current = state::need_more;
  http_refusal refusal = http_refusal::malformed;
  std::string detail;

  void prepare(const http_parser_limits& limits) {
    sink.emplace();
    sink->eager(true);
    sink->header_limit(limits.header_bytes_max);
    sink->body_limit(limits.body_bytes_max);
    current = state::need_more;
  }

  void fail(const error_code& ec, const http_parser_limits& limits) {
    current = state::failed;
    if (ec == http::error::header_limit) {
      refusal = http_refusal::header_too_large;
      detail = "the request header is longer than "
               + std::to_string(limits.header_bytes_max) + " bytes";
    } else if (ec == http::error::body_limit) {
      refusal = http_refusal::body_too_large;
      detail = "the request body is longer than "
               + std::to_string(limits.body_bytes_max) + " bytes";
    } else if (sink->bad_encoding) {
      refusal = http_refusal::unsupported_encoding;
      detail = "Transfer-Encoding may only be chunked";
    } else {
      refusal = http_refusal::malformed;
      detail = sink->bad_target
                   ? std::string{"the request target must begin with a slash"}
                   : "the request is not valid HTTP/1.1: " + ec.message();
    }
  }
};

http_request_parser::http_request_parser(http_parser_limits limits)
    : machine_(std::make_unique<machine>()), limits_(limits) {
  machine_->prepare(limits_);
}

http_request_parser::~http_request_parser() = default;

std::size_t http_request_parser::feed(std::string_view bytes) {
  auto& m = *machine_;
  BERTH_ASSERT(m.current == state::need_more, "a request is taken or dropped");
  if (bytes.empty())
    return 0;
  m.sink->started = true;
  error_code ec;
  auto consumed =
      m.sink->put(boost::asio::const_buffer{bytes.data(), bytes.size()}, ec);
  if (ec && ec != http::error::need_more)
    m.fail(ec, limits_);
  else if (m.sink->is_done())
    m.current = state::done;
  else if (bytes.size() - consumed > limits_.header_bytes_max)
    // A chunk's header, which Beast itself does not bound.
    m.fail(http::error::header_limit, limits_);
  return consumed;
}

http_request_parser::state http_request_parser::current() const {
  return machine_->current;
}

http_refusal http_request_parser::refusal() const {
  BERTH_ASSERT(machine_->current == state::failed, "only failures have one");
  return machine_->refusal;
}

const std::string& http_request_parser::detail() const {
  BERTH_ASSERT(machine_->current == state::failed, "only failures have one");
  return machine_->detail;
}

bool http_request_parser::awaits_continue() const {
  const auto& m = *machine_;
  return m.current == state::need_more && m.sink->expects_continue
         && m.sink->is_header_done() && m.sink->request.body.empty();
}

bool http_request_parser::started() const {
  return machine_->sink->started;
}

bool http_request_parser::keep_alive() const {
  BERTH_ASSERT(machine_->current == state::done, "known once it is done");
  return machine_->sink->keep_alive();
}

bool http_request_parser::http_1_0() const {
  BERTH_ASSERT(machine_->current == state::done, "known once it is done");
  return machine_->sink->http_1_0;
}

http_request http_request_parser::take() {
  BERTH_ASSERT(machine_->current == state::done, "only whole requests leave");
  auto request = std::move(machine_->sink->request);
  machine_->prepare(limits_);
  return request;
}

} // namespace berth
