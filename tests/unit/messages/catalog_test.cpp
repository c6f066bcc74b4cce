#include "messages/catalog.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

const account_region ours{"123456789012", "eu-central-1"};

} // namespace

TEST_CASE("an ARN of each kind is read back as it was made") {
  auto kind =
      GENERATE(resource_kind::compute_environment, resource_kind::job_queue,
               resource_kind::job_definition, resource_kind::job);
  auto region = GENERATE(as<std::string>{}, "eu-central-1", "cn-north-1",
                         "us-gov-west-1");
  account_region owner{"123456789012", region};
  auto parsed = parse_arn(make_arn(owner, kind, "name:3"));
  REQUIRE(parsed);
  CHECK(parsed->owner == owner);
  CHECK(parsed->kind == kind);
  CHECK(parsed->name == "name:3");
}

TEST_CASE("ARNs look as AWS writes them, in the region's partition") {
  CHECK(make_arn(ours, resource_kind::job_queue, "q")
        == "arn:aws:batch:eu-central-1:123456789012:job-queue/q");
  CHECK(make_arn({"1", "cn-north-1"}, resource_kind::job, "j")
        == "arn:aws-cn:batch:cn-north-1:1:job/j");
  CHECK(make_arn({"1", "us-gov-west-1"}, resource_kind::job_definition, "d:1")
        == "arn:aws-us-gov:batch:us-gov-west-1:1:job-definition/d:1");
}

TEST_CASE("a text that is no ARN of Batch is none") {
  for (const auto* text :
       {"", "arn", "q", "arn:aws:batch:eu-central-1:1:job-queue",
        "arn:aws:s3:eu-central-1:1:job-queue/q",
        "arn:aws:batch:eu-central-1:1:bucket/q",
        "arn:aws-cn:batch:eu-central-1:1:job-queue/q",
        "arn:aws:batch:cn-north-1:1:job-queue/q",
        "urn:aws:batch:eu-central-1:1:job-queue/q"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_arn(text));
  }
}

TEST_CASE("a name has 1 to 128 letters, digits, hyphens and underscores") {
  CHECK(is_valid_name("a"));
  CHECK(is_valid_name("9"));
  CHECK(is_valid_name("A-b_9"));
  CHECK(is_valid_name(std::string(128, 'x')));
  CHECK_FALSE(is_valid_name(""));
  CHECK_FALSE(is_valid_name(std::string(129, 'x')));
  for (const auto* text :
       {"-a", "_a", "a b", "a.b", "a/b", "a:1", "\xc3\xa4"}) {
    CAPTURE(text);
    CHECK_FALSE(is_valid_name(text));
  }
}

TEST_CASE("states are spelled as AWS spells them") {
  CHECK(std::string(to_string(object_state::enabled)) == "ENABLED");
  CHECK(std::string(to_string(object_state::disabled)) == "DISABLED");
}
