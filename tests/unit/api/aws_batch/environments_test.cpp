#include "api/aws_batch/environments.hpp"

#include "tests/unit/api/aws_batch/calls.hpp"

namespace berth::aws_batch {

using Catch::Contains;
using nlohmann::json;

namespace {

json managed() {
  return {{"computeEnvironmentName", "ce"},
          {"type", "MANAGED"},
          {"computeResources", {{"type", "EC2"}, {"maxvCpus", 8}}}};
}

json with_resource(const char* name, json value) {
  auto body = managed();
  body["computeResources"][name] = std::move(value);
  return body;
}

create_environment_request created(const json& body) {
  return accepted<create_environment_request>(
      parse(operation::create_compute_environment, body.dump()));
}

std::string refuse(const json& body) {
  return refusal(parse(operation::create_compute_environment, body.dump()));
}

update_environment_request updated(const json& body) {
  return accepted<update_environment_request>(
      parse(operation::update_compute_environment, body.dump()));
}

json read_back(const json& body) {
  auto made = created(body);
  environment_object object;
  object.uid = environment_uid{0x1234};
  object.owner = {"123456789012", "us-east-1"};
  object.settings = made.settings;
  object.tags = made.tags;
  return printed(operation::describe_compute_environments,
                 environments_response{{object}, ""})
      .at("computeEnvironments")
      .at(0);
}

json merged(const char* stored, const char* update) {
  return json::parse(merge_details(stored, update));
}

} // namespace

TEST_CASE("a managed environment reads back healthy, with all it was given") {
  auto body = json::parse(R"({
    "computeEnvironmentName":"ce","type":"MANAGED","state":"DISABLED",
    "serviceRole":"arn:aws:iam::1:role/s","tags":{"a":"b"},
    "computeResources":{"type":"SPOT","minvCpus":1,"maxvCpus":8,
      "desiredvCpus":2,"instanceTypes":["optimal"],"subnets":["s"],
      "securityGroupIds":["g"],"instanceRole":"r","bidPercentage":60,
      "allocationStrategy":"SPOT_CAPACITY_OPTIMIZED","tags":{"x":"y"},
      "launchTemplate":{"launchTemplateId":"lt"},
      "ec2Configuration":[{"imageType":"ECS_AL2"}],
      "somethingNew":true}})");
  auto wanted = json::parse(R"({
    "computeEnvironmentName":"ce",
    "computeEnvironmentArn":
      "arn:aws:batch:us-east-1:123456789012:compute-environment/ce",
    "type":"MANAGED","state":"DISABLED","status":"VALID",
    "statusReason":"ComputeEnvironment Healthy",
    "serviceRole":"arn:aws:iam::1:role/s","tags":{"a":"b"},
    "containerOrchestrationType":"ECS",
    "uuid":"00000000-0000-4000-8000-000000001234",
    "ecsClusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/ce_Batch_00000000-0000-4000-8000-000000001234",
    "computeResources":{"type":"SPOT","minvCpus":1,"maxvCpus":8,
      "desiredvCpus":2,"instanceTypes":["optimal"],"subnets":["s"],
      "securityGroupIds":["g"],"instanceRole":"r","bidPercentage":60,
      "allocationStrategy":"SPOT_CAPACITY_OPTIMIZED","tags":{"x":"y"},
      "launchTemplate":{"launchTemplateId":"lt"},
      "ec2Configuration":[{"imageType":"ECS_AL2"}]}})");
  CHECK(read_back(body) == wanted);
}

TEST_CASE("a minimal environment gets defaults") {
  auto made = created(managed()).settings;
  CHECK(made.state == object_state::enabled);
  CHECK(made.type == environment_type::managed);
  CHECK(made.min_vcpus == 0);
  CHECK(made.max_vcpus == 8);
  CHECK(made.desired_vcpus == 0);
  CHECK(!made.head_wait_ms);
  CHECK(read_back(managed()).at("serviceRole")
        == "arn:aws:iam::123456789012:role/aws-service-role/"
           "batch.amazonaws.com/AWSServiceRoleForBatch");
  CHECK(created(with_resource("minvCpus", 3)).settings.desired_vcpus == 3);
}

TEST_CASE("an unmanaged environment has no compute resources") {
  auto body = json{{"computeEnvironmentName", "ce"},
                   {"type", "UNMANAGED"},
                   {"unmanagedvCpus", 4},
                   {"computeResources", {{"type", "EC2"}}}};
  CHECK(created(body).settings.unmanaged_vcpus == 4);
  auto answer = read_back(body);
  CHECK(answer.at("unmanagedvCpus") == 4);
  CHECK(answer.at("type") == "UNMANAGED");
  CHECK(!answer.contains("computeResources"));
  CHECK(!answer.contains("serviceRole"));
}

TEST_CASE("a Fargate environment has no desired vCPUs") {
  auto body = with_resource("type", "FARGATE");
  auto resources = read_back(body).at("computeResources");
  CHECK(resources == json{{"type", "FARGATE"}, {"maxvCpus", 8}});
  body["computeResources"]["desiredvCpus"] = 1;
  CHECK_THAT(refuse(body),
             Contains("desiredvCpus is not applicable for Fargate."));
  body = with_resource("type", "FARGATE_SPOT");
  body["computeResources"]["tags"] = {{"a", "b"}};
  CHECK_THAT(refuse(body), Contains("tags is not applicable for Fargate."));
}

TEST_CASE("an environment's refusals name the member") {
  auto with = [](const char* name, json value) {
    auto body = managed();
    body[name] = std::move(value);
    return body;
  };
  struct row {
    json body;
    const char* message;
  };
  const std::vector<row> rows{
      {with("computeEnvironmentName", "-"), "Provided name \"-\""},
      {with("type", nullptr), "type is missing: it must be MANAGED or"},
      {with("type", "JUNK"),
       "type is \"JUNK\", but must be one of MANAGED, UNMANAGED"},
      {with("state", "JUNK"),
       "state is \"JUNK\", but must be one of ENABLED, DISABLED"},
      {with("computeResources", nullptr), "computeResources is missing"},
      {with("unmanagedvCpus", 4), "unmanagedvCpus is 4, but must be left out"},
      {with("eksConfiguration", {{"eksClusterArn", "a"}}),
       "eksConfiguration is not supported yet"},
      {with_resource("type", nullptr), "computeResources.type is missing"},
      {with_resource("type", "MOON"),
       "computeResources.type is \"MOON\", but must be one of EC2"},
      {with_resource("maxvCpus", nullptr),
       "computeResources.maxvCpus is missing: it must be an integer from 0"},
      {with_resource("maxvCpus", -1), "computeResources.maxvCpus is -1"},
      {with_resource("maxvCpus", "8"), "computeResources.maxvCpus is \"8\""},
      {with_resource("minvCpus", 9),
       "computeResources.minvCpus is 9, but must not exceed maxvCpus, which "
       "is 8"},
      {with_resource("desiredvCpus", 9),
       "computeResources.desiredvCpus is 9, but must be between"},
      {with_resource("subnets", "s"),
       "computeResources.subnets is \"s\", but must be a list"},
      {with_resource("ec2Configuration", {{{"imageIdOverride", "x"}}}),
       "computeResources.ec2Configuration[0].imageType is missing"},
      {with("tags", {{head_wait_tag, "soon"}}),
       "the tag berth:head-wait-seconds is \"soon\""},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    CHECK_THAT(refuse(row.body), Contains(row.message));
  }
}

TEST_CASE("a tag says how long a head may be passed") {
  auto body = managed();
  body["tags"] = {{head_wait_tag, "0"}};
  CHECK(created(body).settings.head_wait_ms == 0);
  body["tags"] = {{head_wait_tag, "90"}};
  CHECK(created(body).settings.head_wait_ms == 90'000);
}

TEST_CASE("an update carries only what was given") {
  auto made = updated({{"computeEnvironment", "ce"}});
  update_environment_request wanted;
  wanted.environment = "ce";
  wanted.details_json = "{}";
  CHECK(made == wanted);

  made = updated({{"computeEnvironment", "ce"},
                  {"state", "DISABLED"},
                  {"serviceRole", "r"},
                  {"updatePolicy", {{"terminateJobsOnUpdate", true}}},
                  {"computeResources", {{"maxvCpus", 4}, {"imageId", ""}}}});
  CHECK(made.state == object_state::disabled);
  CHECK(made.max_vcpus == 4);
  CHECK(!made.min_vcpus);
  CHECK(json::parse(made.details_json)
        == json{{"serviceRole", "r"},
                {"updatePolicy", {{"terminateJobsOnUpdate", true}}},
                {"computeResources", {{"imageId", ""}}}});
}

TEST_CASE("an update's refusals name the member") {
  auto refuse_update = [](const json& body) {
    return refusal(parse(operation::update_compute_environment, body.dump()));
  };
  CHECK_THAT(refuse_update(json::object()),
             Contains("computeEnvironment is missing"));
  CHECK_THAT(refuse_update(
                 {{"computeEnvironment", "ce"},
                  {"computeResources", {{"allocationStrategy", "BEST_FIT"}}}}),
             Contains("allocationStrategy is \"BEST_FIT\", but must be"));
  CHECK_THAT(
      refuse_update({{"computeEnvironment", "ce"},
                     {"updatePolicy", {{"jobExecutionTimeoutMinutes", 0}}}}),
      Contains("updatePolicy.jobExecutionTimeoutMinutes is 0"));
}

TEST_CASE("merging replaces members one by one, also in computeResources") {
  CHECK(merged(R"({"serviceRole":"a",
                   "computeResources":{"type":"EC2","subnets":["a","b"],
                                       "imageId":"i"}})",
               R"({"updatePolicy":{"terminateJobsOnUpdate":true},
                   "computeResources":{"subnets":["c"]}})")
        == json::parse(R"({"serviceRole":"a",
              "updatePolicy":{"terminateJobsOnUpdate":true},
              "computeResources":{"type":"EC2","subnets":["c"],
                                  "imageId":"i"}})"));
  CHECK(merged("{}", R"({"computeResources":{"type":"EC2"}})")
        == json{{"computeResources", {{"type", "EC2"}}}});
  CHECK(merged(R"({"serviceRole":"a"})", "{}") == json{{"serviceRole", "a"}});
}

TEST_CASE("merging an empty value clears an optional member") {
  CHECK(merged(R"({"computeResources":{"type":"EC2","imageId":"i",
                   "ec2KeyPair":"k","placementGroup":"p",
                   "ec2Configuration":[{"imageType":"x"}],
                   "launchTemplate":{"launchTemplateId":"l"}}})",
               R"({"computeResources":{"imageId":"","ec2KeyPair":"",
                   "placementGroup":"","ec2Configuration":[],
                   "launchTemplate":{"launchTemplateId":""}}})")
        == json{{"computeResources", {{"type", "EC2"}}}});
}

TEST_CASE("merging survives texts that are no objects") {
  CHECK(merged("", "junk") == json::object());
  CHECK(merged("[1]", R"({"a":"b"})") == json{{"a", "b"}});
  CHECK(merged(R"({"computeResources":5})",
               R"({"computeResources":{"type":"EC2"}})")
        == json{{"computeResources", {{"type", "EC2"}}}});
  CHECK(merged(R"({"computeResources":{"a":"b"}})", R"({"computeResources":5})")
        == json{{"computeResources", {{"a", "b"}}}});
}

TEST_CASE("an environment with damaged details still prints") {
  environment_object object;
  object.settings.details_json = R"({"computeResources":7})";
  auto answer = printed(operation::describe_compute_environments,
                        environments_response{{object}, ""});
  CHECK(answer["computeEnvironments"][0]["computeResources"]["maxvCpus"] == 0);
}

TEST_CASE("a created or updated environment is answered with its ARN") {
  for (auto what : {operation::create_compute_environment,
                    operation::update_compute_environment})
    CHECK(printed(what, object_response{"ce", "arn:x", 0})
          == json{{"computeEnvironmentName", "ce"},
                  {"computeEnvironmentArn", "arn:x"}});
}

TEST_CASE("environments are asked for by name and page") {
  auto ask = [](const json& body) {
    return parse(operation::describe_compute_environments, body.dump());
  };
  auto made = accepted<describe_environments_request>(
      ask({{"computeEnvironments", {"a", "b"}}, {"maxResults", 7}}));
  CHECK(made.environments == std::vector<std::string>{"a", "b"});
  CHECK(made.page.max_results == 7);
  json many = json::array();
  for (int i = 0; i < 101; ++i)
    many.push_back("x");
  CHECK_THAT(refusal(ask({{"computeEnvironments", many}})),
             Contains("supported is  100 ."));
  CHECK_THAT(refusal(ask({{"maxResults", 0}})),
             Contains("maxResults is 0, but must be an integer from 1"));
  CHECK(printed(operation::describe_compute_environments,
                environments_response{{}, "t"})
        == json{{"computeEnvironments", json::array()}, {"nextToken", "t"}});
  CHECK(accepted<delete_environment_request>(
            parse(operation::delete_compute_environment,
                  R"({"computeEnvironment":"ce"})"))
            .environment
        == "ce");
}

} // namespace berth::aws_batch
