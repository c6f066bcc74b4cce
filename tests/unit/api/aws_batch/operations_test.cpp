#include "api/aws_batch/operations.hpp"

#include "tests/unit/api/aws_batch/calls.hpp"

#include <algorithm>
#include <set>

namespace berth::aws_batch {

using Catch::Contains;

namespace {

const std::vector<std::string> unimplemented{"CreateSchedulingPolicy",
                                             "DescribeSchedulingPolicies",
                                             "ListSchedulingPolicies",
                                             "UpdateSchedulingPolicy",
                                             "DeleteSchedulingPolicy",
                                             "CreateConsumableResource",
                                             "DescribeConsumableResource",
                                             "ListConsumableResources",
                                             "UpdateConsumableResource",
                                             "DeleteConsumableResource",
                                             "ListJobsByConsumableResource",
                                             "CreateServiceEnvironment",
                                             "DescribeServiceEnvironments",
                                             "UpdateServiceEnvironment",
                                             "DeleteServiceEnvironment",
                                             "CreateQuotaShare",
                                             "DescribeQuotaShare",
                                             "ListQuotaShares",
                                             "UpdateQuotaShare",
                                             "DeleteQuotaShare",
                                             "SubmitServiceJob",
                                             "DescribeServiceJob",
                                             "ListServiceJobs",
                                             "UpdateServiceJob",
                                             "TerminateServiceJob"};

std::string path_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(std::tolower(c)); });
  return "/v1/" + name;
}

} // namespace

TEST_CASE("each of the 20 operations has its path") {
  std::set<std::string_view> names;
  for (size_t i = 0; i < operation_count; ++i) {
    auto what = static_cast<operation>(i);
    names.insert(name_of(what));
    if (what >= operation::list_tags_for_resource)
      continue;
    auto found = route("POST", path_of(std::string{name_of(what)}));
    REQUIRE(found);
    CHECK(found->what == what);
    CHECK(found->name == name_of(what));
  }
  CHECK(names.size() == 20);
  CHECK(route("POST", "/v1/submitjob")->what == operation::submit_job);
}

TEST_CASE("the other 25 operations are known and not implemented yet") {
  for (const auto& name : unimplemented) {
    auto found = route("POST", path_of(name));
    REQUIRE(found);
    CHECK(!found->what);
    CHECK(refusal(parse_request(*found, "{}", "", {}))
          == name + " is not implemented yet");
  }
}

TEST_CASE("tag operations take the ARN out of the raw path") {
  const std::string path = "/v1/tags/arn%3Aaws%3Abatch%3Aus-east-1%3A"
                           "123456789012%3Ajob-definition%2Fmy_def%3A3";
  const std::string arn =
      "arn:aws:batch:us-east-1:123456789012:job-definition/my_def:3";
  auto get = route("GET", path);
  REQUIRE(get);
  CHECK(get->what == operation::list_tags_for_resource);
  CHECK(get->resource_arn == arn);
  CHECK(route("POST", path)->what == operation::tag_resource);
  CHECK(route("DELETE", path)->what == operation::untag_resource);
  CHECK(!route("PUT", path));
}

TEST_CASE("other paths and methods are no operations") {
  CHECK(!route("GET", "/v1/submitjob"));
  CHECK(!route("POST", "/v1/submitjo"));
  CHECK(!route("POST", "/v1/submitjobs"));
  CHECK(!route("POST", "/v1/SubmitJob"));
  CHECK(!route("POST", "/v1/listtagsforresource"));
  CHECK(!route("POST", "/v1/"));
  CHECK(!route("POST", "/"));
  CHECK(!route("POST", ""));
  CHECK(!route("POST", "/v1/submit%6Aob"));
}

TEST_CASE("tags are listed, added and removed by ARN") {
  const std::string arn = "arn:aws:batch:us-east-1:123456789012:job-queue/q";
  CHECK(accepted<list_tags_request>(
            parse(operation::list_tags_for_resource, "ignored", "", arn))
            .arn
        == arn);
  auto added = accepted<tag_resource_request>(
      parse(operation::tag_resource, R"({"tags":{"a":"b c"}})", "", arn));
  CHECK(added == tag_resource_request{arn, {{"a", "b c"}}});
  auto removed = accepted<untag_resource_request>(
      parse(operation::untag_resource, "", "tagKeys=a&tagKeys=b%20c&x=y", arn));
  CHECK(removed == untag_resource_request{arn, {"a", "b c"}});
}

TEST_CASE("tag operations refuse what makes no sense") {
  const std::string arn = "arn:aws:batch:us-east-1:123456789012:job-queue/q";
  for (const auto* bad : {"", "q", "arn:aws:s3:::bucket"})
    CHECK_THAT(refusal(parse(operation::list_tags_for_resource, "", "", bad)),
               Contains("resourceArn is"));
  CHECK_THAT(refusal(parse(operation::tag_resource, "{}", "", arn)),
             Contains("tags is missing"));
  CHECK_THAT(refusal(parse(operation::untag_resource, "", "", arn)),
             Contains("tagKeys is missing"));
  CHECK_THAT(refusal(parse(operation::untag_resource, "", "tagKeys=%zz", arn)),
             Contains("badly percent-encoded"));
  std::string many;
  for (int i = 0; i < 51; ++i)
    many += "&tagKeys=k" + std::to_string(i);
  CHECK_THAT(refusal(parse(operation::untag_resource, "", many, arn)),
             Contains("less than or equal to 50"));
}

TEST_CASE("tags are answered as a map, also when there are none") {
  using nlohmann::json;
  CHECK(printed(operation::list_tags_for_resource, tags_response{})
        == json{{"tags", json::object()}});
  CHECK(printed(operation::list_tags_for_resource, tags_response{{{"a", "b"}}})
        == json{{"tags", {{"a", "b"}}}});
}

} // namespace berth::aws_batch
