#include "api/http_parser.hpp"

#include "api/signature.hpp"
#include "tests/unit/api/signed_requests.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <random>
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

std::string mutated(std::string wire, std::mt19937& random) {
  auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
  };
  auto mutations = 1 + below(5);
  for (std::size_t i = 0; i < mutations && !wire.empty(); ++i) {
    auto at = below(wire.size());
    switch (below(5)) {
    case 0:
      wire[at] = static_cast<char>(below(256));
      break;
    case 1:
      wire.erase(at, 1 + below(30));
      break;
    case 2:
      wire.insert(at, wire.substr(below(wire.size()), below(60)));
      break;
    case 3:
      wire.insert(at, std::string(below(4), "\r\n :;,0"[below(7)]));
      break;
    default:
      wire[at] = "\r\n :;/%,0f"[below(10)];
    }
  }
  return wire;
}

} // namespace

TEST_CASE("requests are read the same however their bytes are cut") {
  std::mt19937 random{7};
  for (const auto& wire : seeds()) {
    auto whole = reading_whole(wire);
    CHECK(whole.find("refused") == std::string::npos);
    CHECK(reading(wire, [] { return 1; }) == whole);
    for (int round = 0; round < 50; ++round)
      CHECK(reading(wire, [&] { return 1 + random() % 40; }) == whole);
  }
}

TEST_CASE("any bytes are survived, whole and in pieces") {
  std::mt19937 random{11};
  auto all = seeds();
  int understood = 0;
  for (int round = 0; round < 30'000; ++round) {
    auto wire = mutated(all[random() % all.size()], random);
    auto whole = reading_whole(wire);
    if (whole.find("refused") == std::string::npos)
      ++understood;
    reading(wire, [&] { return 1 + random() % 40; });
  }
  // Mutations that refuse everything, or nothing, would prove little.
  CHECK(understood > 1000);
  CHECK(understood < 29'000);
}

TEST_CASE("a mutated request that is still one is verified without harm") {
  std::mt19937 random{13};
  auto all = seeds();
  auto secret_of = [](std::string_view) {
    return std::optional<std::string>{test::example_secret};
  };
  int verified = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto wire = mutated(all[random() % all.size()], random);
    http_request_parser parser{{}};
    std::string_view rest{wire};
    while (parser.current() == state::need_more && !rest.empty()) {
      auto consumed = parser.feed(rest);
      if (consumed == 0)
        break;
      rest.remove_prefix(consumed);
    }
    if (parser.current() != state::done)
      continue;
    auto verdict =
        verify_signature(parser.take(), secret_of, test::example_now_ms);
    if (std::holds_alternative<authorization>(verdict))
      ++verified;
  }
  // Some mutations touch only what is not signed.
  CHECK(verified > 0);
  CHECK(verified < 19'000);
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
