// Input, in lines: the operation, and then the body. Tokens and filter patterns
// that were accepted are taken apart as well.
#include "api/cloudwatch_logs/event_tokens.hpp"
#include "api/cloudwatch_logs/filter_pattern.hpp"
#include "api/cloudwatch_logs/requests.hpp"
#include "api/log_stream_name.hpp"
#include "tests/fuzz/fuzz_target.hpp"

using namespace berth;
using namespace berth::cloudwatch_logs;

namespace {

struct reader {
  static void read_token(const std::string& text) {
    if (auto token = parse_stream_token(text))
      BERTH_ASSERT(parse_stream_token(print_token(*token)) == token,
                   "a token is read as it was printed");
    if (auto token = parse_filter_token(text))
      BERTH_ASSERT(parse_filter_token(print_token(*token)) == token,
                   "a token is read as it was printed");
  }
  static void read_stream(const std::string& name) {
    if (auto stream = parse_log_stream_name(name))
      BERTH_ASSERT(
          make_log_stream_name(stream->definition_name, stream->attempt)
              == name,
          "a name of a stream is printed as it was read");
  }

  void operator()(const describe_groups_request&) const {}
  void operator()(const describe_streams_request& r) const {
    BERTH_ASSERT(r.limit >= 1 && r.limit <= streams_per_page_max, "bounds");
    read_token(r.token);
  }
  void operator()(const get_events_request& r) const {
    BERTH_ASSERT(r.limit >= 1 && r.limit <= events_per_page_max, "bounds");
    read_token(r.token);
    read_stream(r.stream);
  }
  void operator()(const filter_events_request& r) const {
    BERTH_ASSERT(r.streams.size() <= stream_names_max, "bounds");
    read_token(r.token);
    if (auto pattern = filter_pattern::parse(r.pattern))
      (void)pattern->matches(r.token);
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  auto rest = fuzz::text_of(data, size);
  auto operation = std::string{target_prefix};
  operation += fuzz::take_line(rest);
  auto outcome = parse_request(operation, rest);
  if (const auto* error = std::get_if<logs_error>(&outcome))
    BERTH_ASSERT(error->status == 400, "no exception that nobody expected");
  else
    std::visit(reader{}, std::get<logs_request>(outcome));
  return 0;
}
