// Input, in lines: a query, and then a document. The query is one of /v1/why
// and of /v1/events; the document is what an audit answers, which the command
// line reads.
#include "api/berth/audit.hpp"
#include "api/berth/event_stream.hpp"
#include "api/berth/why.hpp"
#include "api/uri.hpp"
#include "tests/fuzz/fuzz_target.hpp"

using namespace berth;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  auto rest = fuzz::text_of(data, size);
  auto query = fuzz::take_line(rest);
  auto why = parse_why(query);
  if (const auto* error = std::get_if<api_error>(&why))
    BERTH_ASSERT(error->code == api_errc::invalid && !error->message.empty(),
                 "a refusal says why");
  auto events = parse_events_query(query);
  if (const auto* error = std::get_if<api_error>(&events))
    BERTH_ASSERT(error->code == api_errc::invalid && !error->message.empty(),
                 "a refusal says why");
  if (auto decoded = percent_decoded(query))
    BERTH_ASSERT(percent_decoded(percent_encoded(*decoded)) == decoded,
                 "what is encoded decodes to itself");
  if (auto history = parse_history(rest))
    BERTH_ASSERT(parse_history(print_history(*history)).has_value(),
                 "what was printed can be read");
  if (auto verdicts = parse_verdicts(rest))
    BERTH_ASSERT(parse_verdicts(print_verdicts(*verdicts)).has_value(),
                 "what was printed can be read");
  return 0;
}
