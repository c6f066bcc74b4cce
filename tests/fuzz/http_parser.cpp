// Input: the bytes of a connection. Requests are the same however their bytes
// arrive; each is then looked at as if its signature had to be right.
#include "api/http_parser.hpp"

#include "api/signature.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <algorithm>
#include <string>

using namespace berth;

namespace {

using state = http_request_parser::state;

constexpr int64_t now_ms = 1'795'254'900'000;

void verify(const http_request& request) {
  auto secret_of = [](std::string_view) {
    return std::optional<std::string>{"secret"};
  };
  auto verdict = verify_signature(request, secret_of, now_ms);
  if (const auto* error = std::get_if<signature_error>(&verdict))
    BERTH_ASSERT(!error->message.empty(), "a refusal says why");
}

/// All that the bytes were taken for, in words.
std::string reading(std::string_view wire, std::size_t piece, bool verifies) {
  std::string told;
  http_request_parser parser{{}};
  std::string buffer;
  while (!wire.empty()) {
    buffer += wire.substr(0, piece);
    wire.remove_prefix(std::min(piece, wire.size()));
    while (!buffer.empty() && parser.current() == state::need_more) {
      buffer.erase(0, parser.feed(buffer));
      if (parser.current() != state::done)
        break;
      auto request = parser.take();
      if (verifies)
        verify(request);
      told += request.method + ' ' + request.target + '?' + request.query + ' '
              + std::to_string(request.headers.size()) + ' ' + request.body
              + '\n';
    }
    // That what has come is no request may be seen only when more comes.
    if (parser.current() == state::failed)
      break;
  }
  return told;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  auto wire = fuzz::text_of(data, size);
  auto whole = reading(wire, std::max<std::size_t>(wire.size(), 1), true);
  BERTH_ASSERT(reading(wire, 7, false) == whole,
               "requests do not depend on how their bytes arrive");
  return 0;
}
