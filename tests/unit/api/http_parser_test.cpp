#include "api/http_parser.hpp"

#include "api/signature.hpp"
#include "tests/support/mutations.hpp"
#include "tests/unit/api/signed_requests.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <sstream>

using namespace berth;
using state = http_request_parser::state;

namespace {

/// All that a stream of bytes was taken for, in words, the same however the
/// bytes were cut.
std::string reading(std::string_view wire,
                    const std::function<std::size_t()>& next_piece) {
  std::ostringstream out;
  http_request_parser parser{{}};
  std::string buffer;
  while (true) {
    auto piece = std::min(next_piece(), wire.size());
    buffer += wire.substr(0, piece);
    wire.remove_prefix(piece);
    while (!buffer.empty() && parser.current() == state::need_more) {
      buffer.erase(0, parser.feed(buffer));
      if (parser.current() != state::done)
        // What is left is offered again with something behind it.
        break;
      bool keep = parser.keep_alive();
      auto request = parser.take();
      out << request.method << ' ' << request.target << ' ' << request.query
          << ' ' << request.headers.size() << ' ' << request.body << ' ' << keep
          << '\n';
    }
    if (parser.current() == state::failed) {
      out << "refused " << static_cast<int>(parser.refusal()) << '\n';
      return out.str();
    }
    if (wire.empty())
      return out.str();
  }
}

std::string reading_whole(std::string_view wire) {
  return reading(wire, [&] { return wire.size(); });
}

std::vector<std::string> seeds() {
  std::vector<std::string> all{
      "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2?x=%20 HTTP/1.0\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;x=\"y\"\r\nhello\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\nGET / "
      "HTTP/1.1\r\n\r\n",
      "POST /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
      "Connection: close, TE\r\n\r\nabc",
  };
  for (const auto& one : test::signed_requests) {
    std::string wire;
    auto head = one.text.find("\n\n") + 2;
    for (char c : one.text.substr(0, head)) {
      if (c == '\n')
        wire += '\r';
      wire += c;
    }
    all.push_back(wire + std::string{one.text.substr(head)});
  }
  return all;
}

constexpr const char* telling_bytes = "\r\n :;/%,0f";

/// Pieces of one byte to forty, cut anew at each call.
std::string reading_in_pieces(std::string_view wire) {
  return reading(wire, [] { return *rc::gen::inRange<std::size_t>(1, 41); });
}

/// Without the refusal at the end: that what has come is no request may be seen
/// only when more comes.
std::string requests_of(const std::string& reading) {
  return reading.substr(0, reading.find("refused"));
}

/// The first request, if the bytes hold one.
std::optional<http_request> first_request(std::string_view wire) {
  http_request_parser parser{{}};
  while (parser.current() == state::need_more && !wire.empty()) {
    auto consumed = parser.feed(wire);
    if (consumed == 0)
      return std::nullopt;
    wire.remove_prefix(consumed);
  }
  if (parser.current() != state::done)
    return std::nullopt;
  return parser.take();
}

} // namespace

TEST_CASE("requests are read the same however their bytes are cut") {
  for (const auto& wire : seeds()) {
    auto whole = reading_whole(wire);
    CHECK(whole.find("refused") == std::string::npos);
    CHECK(reading(wire, [] { return 1; }) == whole);
  }
  rc::prop("cut anywhere", [all = seeds()] {
    const auto& wire = *rc::gen::elementOf(all);
    RC_ASSERT(reading_in_pieces(wire) == reading_whole(wire));
  });
}

TEST_CASE("any bytes are survived, whole and in pieces") {
  // Mutations that refuse everything, or nothing, would prove little.
  int understood = 0;
  int refused = 0;
  rc::prop("and are the same either way", [&, all = seeds()] {
    const auto good = *rc::gen::elementOf(all);
    for (int round = 0; round < 20; ++round) {
      auto wire = test::mutated_bytes(good, telling_bytes);
      auto whole = reading_whole(wire);
      auto is_refused = whole.find("refused") != std::string::npos;
      ++(is_refused ? refused : understood);
      RC_ASSERT(requests_of(reading(wire, [] { return 3; }))
                == requests_of(whole));
    }
    auto wire = test::mutated_bytes(good, telling_bytes);
    RC_ASSERT(requests_of(reading_in_pieces(wire))
              == requests_of(reading_whole(wire)));
  });
  CHECK(understood > 50);
  CHECK(refused > 50);
}

TEST_CASE("random bytes are survived") {
  rc::prop("as a stream",
           [](const std::string& wire) { (void)reading_whole(wire); });
}

TEST_CASE("a mutated request that is still one is verified without harm") {
  auto secret_of = [](std::string_view) {
    return std::optional<std::string>{test::example_secret};
  };
  // Some mutations touch only what is not signed.
  int verified = 0;
  int refused = 0;
  rc::prop("verified or refused", [&, all = seeds()] {
    const auto good = *rc::gen::elementOf(all);
    for (int round = 0; round < 20; ++round) {
      auto request = first_request(test::mutated_bytes(good, telling_bytes));
      if (!request)
        continue;
      auto verdict =
          verify_signature(*request, secret_of, test::example_now_ms);
      ++(std::holds_alternative<authorization>(verdict) ? verified : refused);
    }
  });
  CHECK(verified > 0);
  CHECK(refused > 50);
}

TEST_CASE("the parser is ready for the next request after each") {
  http_request_parser parser{{}};
  std::string wire = "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
  auto consumed = parser.feed(wire);
  REQUIRE(parser.current() == state::done);
  CHECK(parser.started());
  CHECK(parser.take().target == "/1");
  CHECK_FALSE(parser.started());
  parser.feed(std::string_view{wire}.substr(consumed));
  REQUIRE(parser.current() == state::done);
  CHECK(parser.take().target == "/2");
}

TEST_CASE("header values keep their inner blanks and lose the outer ones") {
  http_request_parser parser{{}};
  parser.feed("GET / HTTP/1.1\r\nA:  x  y \r\nB:\r\nC: \xc3\xbc\r\n\r\n");
  REQUIRE(parser.current() == state::done);
  auto request = parser.take();
  CHECK(request.headers.find("a") == "x  y");
  CHECK(request.headers.find("b") == "");
  CHECK(request.headers.find("c") == "\xc3\xbc");
}
