#include "client/http_client.hpp"

#include "client/http_url.hpp"
#include "client/tcp_connection.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

namespace berth {

namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using beast_view = boost::beast::string_view;

constexpr uint32_t header_bytes_max = 64 * 1024;

std::string_view view(beast_view text) {
  return {text.data(), text.size()};
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3})
         != std::string_view::npos;
}

/// Receives the body piece by piece; false stops.
using piece_reader = std::function<bool(std::string_view)>;

class response_sink final : public http::basic_parser<false> {
public:
  http_client_response response;
  piece_reader on_piece;
  std::size_t body_bytes_max = 0;
  bool stopped = false;

private:
  void on_request_impl(http::verb, beast_view, beast_view, int,
                       error_code&) override {}

  void on_response_impl(int status, beast_view, int, error_code&) override {
    response.status = status;
  }

  void on_field_impl(http::field, beast_view name, beast_view value,
                     error_code&) override {
    response.headers.push_back(
        {std::string{view(name)}, std::string{view(value)}});
  }

  void on_header_impl(error_code&) override {}

  void on_body_init_impl(const boost::optional<std::uint64_t>&,
                         error_code&) override {}

  std::size_t on_body_impl(beast_view body, error_code& ec) override {
    return take(body, ec);
  }

  void on_chunk_header_impl(std::uint64_t, beast_view, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, beast_view body,
                                 error_code& ec) override {
    return take(body, ec);
  }

  void on_finish_impl(error_code&) override {}

  std::size_t take(beast_view body, error_code& ec) {
    if (!on_piece || response.status != 200) {
      if (body.size() > body_bytes_max - response.body.size()) {
        ec = http::error::body_limit;
        return 0;
      }
      response.body.append(body.data(), body.size());
    } else if (!on_piece(view(body))) {
      stopped = true;
      ec = http::error::end_of_stream;
    }
    return body.size();
  }
};

} // namespace

struct http_client::call {
  std::string method;
  std::string url;
  http_url where;
  std::string text;
  piece_reader on_piece;
  int64_t stream_silence_ms = 0;
};

std::optional<std::string_view>
http_client_response::find(std::string_view name) const {
  auto same = [](char a, char b) {
    auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return lower(a) == lower(b);
  };
  for (const auto& header : headers)
    if (std::equal(header.name.begin(), header.name.end(), name.begin(),
                   name.end(), same))
      return header.value;
  return std::nullopt;
}

http_client::http_client(http_client_options options) : options_(options) {}

http_client::~http_client() = default;

std::optional<http_client_error> http_client::prepare(
    call& what, const std::string& method, const std::string& url,
    const std::vector<http_client_header>& headers, const std::string* body) {
  auto where = parse_http_url(url);
  if (!where)
    return http_client_error{http_client_errc::bad_request,
                             "'" + url + "' must be http://HOST[:PORT][/PATH]"};
  what.method = method;
  what.url = url;
  what.where = std::move(*where);
  what.text = method + " " + what.where.target
              + " HTTP/1.1\r\nHost: " + what.where.authority + "\r\n";
  for (const auto& header : headers) {
    if (has_line_break(header.name) || has_line_break(header.value))
      return http_client_error{http_client_errc::bad_request,
                               "the header " + header.name
                                   + " holds a line break"};
    what.text += header.name + ": " + header.value + "\r\n";
  }
  if (body != nullptr)
    what.text += "Content-Length: " + std::to_string(body->size()) + "\r\n";
  what.text += "\r\n";
  if (body != nullptr)
    what.text += *body;
  return std::nullopt;
}

http_client::outcome
http_client::request(const std::string& method, const std::string& url,
                     const std::vector<http_client_header>& headers,
                     const std::string& body) {
  call what;
  bool with_body = !body.empty() || method == "POST" || method == "PUT";
  if (auto wrong =
          prepare(what, method, url, headers, with_body ? &body : nullptr))
    return *wrong;
  return perform(what);
}

http_client::outcome
http_client::read_lines(const std::string& url,
                        const std::vector<http_client_header>& headers,
                        const line_reader& on_line) {
  call what;
  if (auto wrong = prepare(what, "GET", url, headers, nullptr))
    return *wrong;
  what.stream_silence_ms = options_.stream_silence_timeout_ms;
  std::string partial;
  bool too_long = false;
  what.on_piece = [&](std::string_view piece) {
    while (!piece.empty()) {
      auto end = piece.find('\n');
      partial += piece.substr(0, end);
      if (partial.size() > options_.line_bytes_max) {
        too_long = true;
        return false;
      }
      if (end == std::string_view::npos)
        return true;
      auto line = std::exchange(partial, {});
      if (!on_line(line))
        return false;
      piece.remove_prefix(end + 1);
    }
    return true;
  };
  auto result = perform(what);
  if (too_long)
    return http_client_error{http_client_errc::too_large,
                             "a line from " + url + " is longer than "
                                 + std::to_string(options_.line_bytes_max)
                                 + " bytes"};
  if (std::holds_alternative<http_client_response>(result) && !partial.empty())
    on_line(partial);
  return result;
}

std::optional<http_client_error> http_client::connect(const call& what) {
  if (kept_ && kept_->server == what.where.server && kept_->still_open())
    return std::nullopt;
  kept_ = std::make_unique<tcp_connection>(what.where.server);
  auto wrong = kept_->open(options_.connect_timeout_ms);
  if (!wrong)
    return std::nullopt;
  kept_.reset();
  return http_client_error{http_client_errc::unreachable,
                           what.url + ": " + *wrong};
}

http_client::outcome http_client::fail(const call& what, http_client_errc code,
                                       const std::string& why) {
  kept_.reset();
  return http_client_error{code, what.url + ": " + why};
}

http_client::outcome http_client::perform(call& what) {
  if (auto wrong = connect(what))
    return *wrong;
  auto sent = kept_->send(what.text, options_.silence_timeout_ms);
  if (sent == tcp_connection::result::silent)
    return fail(what, http_client_errc::timed_out, "it takes no request");
  // A server may refuse, and close, before it has read all; then its answer is
  // there all the same.
  auto result = receive(what);
  if (sent != tcp_connection::result::done)
    kept_.reset();
  return result;
}

http_client::outcome http_client::receive(call& what) {
  std::optional<response_sink> sink;
  auto begin = [&] {
    sink.emplace();
    sink->eager(true);
    sink->header_limit(header_bytes_max);
    sink->body_limit(what.on_piece ? UINT64_MAX : options_.body_bytes_max);
    sink->body_bytes_max = options_.body_bytes_max;
    sink->on_piece = what.on_piece;
    sink->skip(what.method == "HEAD");
  };
  begin();
  std::string buffer;
  while (!sink->is_done()) {
    bool streams = what.on_piece && sink->is_header_done();
    auto got = kept_->receive(buffer, streams ? what.stream_silence_ms
                                              : options_.silence_timeout_ms);
    error_code ec;
    if (got == tcp_connection::result::silent)
      return fail(what, http_client_errc::timed_out,
                  "it has been silent for too long");
    if (got == tcp_connection::result::failed)
      return fail(what, http_client_errc::broken, "the connection broke");
    if (got == tcp_connection::result::end && !sink->got_some())
      return fail(what, http_client_errc::broken,
                  "it closed without an answer");
    if (got == tcp_connection::result::end) {
      sink->put_eof(ec);
      if (ec)
        return fail(what, http_client_errc::broken,
                    "it closed within its answer");
    }
    while (!ec && !buffer.empty() && !sink->is_done()) {
      buffer.erase(0, sink->put({buffer.data(), buffer.size()}, ec));
      // "Continue" and the like precede the answer.
      if (sink->is_done() && sink->response.status / 100 == 1)
        begin();
    }
    if (sink->stopped) {
      kept_.reset();
      return std::move(sink->response);
    }
    if (ec == http::error::body_limit)
      return fail(what, http_client_errc::too_large,
                  "its answer is longer than "
                      + std::to_string(options_.body_bytes_max) + " bytes");
    if (ec && ec != http::error::need_more)
      return fail(what, http_client_errc::broken,
                  "its answer is not valid HTTP: " + ec.message());
    if (got == tcp_connection::result::end)
      kept_.reset();
  }
  if (!sink->keep_alive() || !buffer.empty())
    kept_.reset();
  return std::move(sink->response);
}

} // namespace berth
