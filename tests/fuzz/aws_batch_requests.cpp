// Input, in lines: method and path, query, and then the body. Beside the call
// that these make, the body goes to the operation with the number of its size.
#include "api/aws_batch/dialect.hpp"
#include "tests/fuzz/fuzz_target.hpp"

using namespace berth;

namespace {

void parse(const aws_batch::routed& call, std::string_view body,
           std::string_view query) {
  auto outcome = aws_batch::parse_request(call, body, query, {{}, "id"});
  const auto* error = std::get_if<api_error>(&outcome);
  BERTH_ASSERT(!error || error->code == api_errc::invalid,
               "no exception that nobody expected");
  BERTH_ASSERT(!error || !error->message.empty(), "a refusal says why");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  auto rest = fuzz::text_of(data, size);
  auto line = fuzz::take_line(rest);
  auto query = fuzz::take_line(rest);
  auto blank = line.find(' ');
  auto path = blank == std::string_view::npos ? line : line.substr(blank + 1);
  auto call = aws_batch::route(line.substr(0, blank), path);
  if (call) {
    parse(*call, rest, query);
    return 0;
  }
  auto what =
      static_cast<aws_batch::operation>(size % aws_batch::operation_count);
  parse({what, aws_batch::name_of(what), std::string{line}}, rest, query);
  return 0;
}
