// The queries and documents of Berth's own paths, spoilt.
#include "api/berth/audit.hpp"
#include "api/berth/event_stream.hpp"
#include "api/berth/why.hpp"
#include "tests/support/mutations.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace berth {

namespace {

story_line some_line() {
  story_line line;
  line.at_ms = *rc::gen::arbitrary<int64_t>();
  line.offset = *rc::gen::arbitrary<int64_t>();
  line.node = "node \"1\"\n";
  line.text = test::mutated_bytes("exit 3\xc3\xa4", "\"\\\n");
  return line;
}

shard_verdict some_verdict() {
  shard_verdict verdict;
  verdict.shard = *rc::gen::arbitrary<uint32_t>();
  verdict.records = *rc::gen::arbitrary<uint64_t>();
  verdict.agrees = *rc::gen::arbitrary<bool>();
  return verdict;
}

template <class Value>
void check_refusal(const std::variant<Value, api_error>& outcome) {
  if (const auto* error = std::get_if<api_error>(&outcome))
    RC_ASSERT((error->code == api_errc::invalid && !error->message.empty()));
}

} // namespace

TEST_CASE("queries of /v1/why and /v1/events may be any bytes") {
  const std::vector<std::string> queries{
      "job=7f8d1a55-0a0b-4c0d-8e0f-112233445566%3A7", "after=0%2F12",
      "job=a&after=b"};
  rc::prop("a query is understood or refused", [&] {
    auto good = *rc::gen::elementOf(queries);
    for (int round = 0; round < 20; ++round) {
      auto query = test::mutated_bytes(good, "%&=+2F");
      check_refusal(parse_why(query));
      check_refusal(parse_events_query(query));
    }
  });
}

TEST_CASE("audits are read as they were printed") {
  rc::prop("history", [] {
    std::vector<story_line> lines{some_line(), some_line()};
    auto read = parse_history(print_history(lines));
    RC_ASSERT((read && read->size() == 2));
    RC_ASSERT((*read)[0].at_ms == lines[0].at_ms);
    RC_ASSERT((*read)[1].offset == lines[1].offset);
  });
  rc::prop("verdicts", [] {
    std::vector<shard_verdict> verdicts{some_verdict()};
    auto read = parse_verdicts(print_verdicts(verdicts));
    RC_ASSERT((read && read->size() == 1));
    RC_ASSERT(read->front().records == verdicts[0].records);
    RC_ASSERT(all_well(*read) == verdicts[0].agrees);
  });
}

TEST_CASE("audits that were spoilt are read or refused") {
  rc::prop("bytes", [] {
    auto history = print_history({some_line()});
    auto verdicts = print_verdicts({some_verdict()});
    for (int round = 0; round < 10; ++round) {
      (void)parse_history(test::mutated_bytes(history, "{}[]\",:0"));
      (void)parse_verdicts(test::mutated_bytes(verdicts, "{}[]\",:0"));
    }
  });
  rc::prop("structure", [] {
    auto history = nlohmann::json::parse(print_history({some_line()}));
    auto verdicts = nlohmann::json::parse(print_verdicts({some_verdict()}));
    for (int round = 0; round < 10; ++round) {
      (void)parse_history(test::mutated_json(history).dump());
      (void)parse_verdicts(test::mutated_json(verdicts).dump());
    }
  });
}

} // namespace berth
