// Whatever the bytes, parsing ends in a request or in an error of the caller.
#include "tests/support/mutations.hpp"
#include "tests/unit/api/aws_batch/calls.hpp"
#include "tests/unit/api/aws_batch/valid_requests.hpp"

namespace berth::aws_batch {

namespace {

constexpr const char* telling_bytes = "{}[]\",:\\\xff\xc3 0-9eEtfn.";

std::string described(operation what, const std::string& body,
                      const std::variant<request, api_error>& outcome) {
  const auto* error = std::get_if<api_error>(&outcome);
  return std::string{name_of(what)} + " on " + body + ": "
         + (error ? error->message : "accepted");
}

/// An internal error would be an exception that nobody expected.
void check_outcome(operation what, const std::string& body,
                   const std::variant<request, api_error>& outcome) {
  const auto* error = std::get_if<api_error>(&outcome);
  if (error && (error->code != api_errc::invalid || error->message.empty()))
    RC_FAIL(described(what, body, outcome));
}

void for_each_operation(const std::function<void(operation)>& visit) {
  for (size_t i = 0; i < operation_count; ++i)
    visit(static_cast<operation>(i));
}

} // namespace

TEST_CASE("what the generator of requests makes is accepted") {
  for_each_operation([](operation what) {
    rc::prop(std::string{name_of(what)}, [&] {
      auto body = valid_body(what).dump();
      auto outcome = parse(what, body, valid_query(what), valid_arn(what));
      if (!std::holds_alternative<request>(outcome))
        RC_FAIL(described(what, body, outcome));
    });
  });
}

TEST_CASE("every request parser survives mutated bytes") {
  for_each_operation([](operation what) {
    rc::prop(std::string{name_of(what)}, [&] {
      auto good = valid_body(what).dump();
      for (int round = 0; round < 4; ++round) {
        auto body = test::mutated_bytes(good, telling_bytes);
        check_outcome(what, body,
                      parse(what, body, valid_query(what), valid_arn(what)));
      }
    });
  });
}

TEST_CASE("every request parser survives mutated structure") {
  for_each_operation([](operation what) {
    rc::prop(std::string{name_of(what)}, [&] {
      auto good = valid_body(what);
      for (int round = 0; round < 4; ++round) {
        auto body = test::mutated_json(good).dump();
        check_outcome(what, body,
                      parse(what, body, valid_query(what), valid_arn(what)));
      }
    });
  });
}

TEST_CASE("every request parser survives the bodies of other operations") {
  rc::prop("any body, any operation", [] {
    auto made = *rc::gen::inRange<size_t>(0, operation_count);
    auto body = valid_body(static_cast<operation>(made)).dump();
    for_each_operation([&](operation what) {
      check_outcome(what, body,
                    parse(what, body, valid_query(what), valid_arn(what)));
    });
  });
}

TEST_CASE("queries and names of resources may be any bytes") {
  rc::prop("tag operations", [] {
    auto query = test::mutated_bytes("tagKeys=a%20b&tagKeys=c", "%&=+2");
    auto arn = test::mutated_bytes(valid_arn(operation::tag_resource), ":/*");
    for (auto what : {operation::list_tags_for_resource,
                      operation::tag_resource, operation::untag_resource})
      check_outcome(what, query + " " + arn,
                    parse(what, R"({"tags":{"a":"b"}})", query, arn));
  });
}

TEST_CASE("routing survives mutated paths") {
  const std::vector<std::string> paths{"/v1/tags/arn%3Aaws%3Abatch%2Fq",
                                       "/v1/submitjob", "/v1/describejobs",
                                       "/v1/createcomputeenvironment"};
  rc::prop("a path leads to a known operation or nowhere", [&] {
    auto path = *rc::gen::elementOf(paths);
    auto method = *rc::gen::element<std::string>("GET", "POST", "DELETE", "");
    for (int round = 0; round < 20; ++round)
      if (auto found = route(method, test::mutated_bytes(path, "/%2F")))
        RC_ASSERT(!found->name.empty());
  });
}

} // namespace berth::aws_batch
