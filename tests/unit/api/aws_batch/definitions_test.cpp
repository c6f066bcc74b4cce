#include "api/aws_batch/definitions.hpp"

#include "messages/limits.hpp"
#include "tests/unit/api/aws_batch/calls.hpp"

namespace berth::aws_batch {

using Catch::Contains;
using nlohmann::json;

namespace {

json minimal() {
  return {{"jobDefinitionName", "calc"},
          {"type", "container"},
          {"containerProperties",
           {{"image", "busybox"}, {"vcpus", 1}, {"memory", 512}}}};
}

json with_container(const char* name, json value) {
  auto body = minimal();
  body["containerProperties"][name] = std::move(value);
  return body;
}

json with(const char* name, json value) {
  auto body = minimal();
  body[name] = std::move(value);
  return body;
}

register_definition_request registered(const json& body) {
  return accepted<register_definition_request>(
      parse(operation::register_job_definition, body.dump()));
}

std::string refuse(const json& body) {
  return refusal(parse(operation::register_job_definition, body.dump()));
}

/// What a definition, registered so, reads back as.
json read_back(const json& body) {
  auto made = registered(body);
  definition_object object;
  object.owner = {"123456789012", "us-east-1"};
  object.revision = 3;
  object.settings = made.settings;
  object.tags = made.tags;
  return printed(operation::describe_job_definitions,
                 definitions_response{{object}, ""})
      .at("jobDefinitions")
      .at(0);
}

} // namespace

TEST_CASE("a definition reads back normalised, in the old form") {
  auto wanted = json::parse(R"({
    "jobDefinitionName":"calc","revision":3,"status":"ACTIVE",
    "jobDefinitionArn":
      "arn:aws:batch:us-east-1:123456789012:job-definition/calc:3",
    "type":"container","parameters":{},"tags":{},
    "containerOrchestrationType":"ECS",
    "containerProperties":{"image":"busybox","vcpus":1,"memory":512,
      "command":[],"environment":[],"resourceRequirements":[],"ulimits":[],
      "volumes":[],"mountPoints":[],"secrets":[]}})");
  CHECK(read_back(minimal()) == wanted);
}

TEST_CASE("a definition reads back with all it was given") {
  auto body = json::parse(R"({
    "jobDefinitionName":"calc","type":"container",
    "parameters":{"n":"1"},"schedulingPriority":7,"propagateTags":true,
    "platformCapabilities":["EC2"],"tags":{"a":"b"},
    "retryStrategy":{"attempts":3,"evaluateOnExit":[
      {"onExitCode":"1*","action":"RETRY"},
      {"onReason":"*","onStatusReason":"Host EC2*","action":"exit"}]},
    "timeout":{"attemptDurationSeconds":60},
    "containerProperties":{
      "image":"busybox","command":["echo","Ref::n"],
      "environment":[{"name":"A","value":"1"},{"name":"B","value":""},
                     {"name":"C"}],
      "resourceRequirements":[{"type":"VCPU","value":"0.25"},
                              {"type":"MEMORY","value":"512"}],
      "jobRoleArn":"arn:aws:iam::1:role/r","user":"nobody:nogroup",
      "volumes":[{"host":{"sourcePath":"/efs"},"name":"efs"}],
      "mountPoints":[{"containerPath":"/efs","sourceVolume":"efs",
                      "readOnly":true}],
      "ulimits":[{"name":"nofile","softLimit":10,"hardLimit":20}],
      "privileged":true,"readonlyRootFilesystem":false,
      "linuxParameters":{"initProcessEnabled":true,
        "devices":[{"hostPath":"/dev/x"}],
        "tmpfs":[{"containerPath":"/t","size":8}]},
      "logConfiguration":{"logDriver":"awslogs"},
      "somethingNew":1}})");
  auto wanted = json::parse(R"({
    "jobDefinitionName":"calc","revision":3,"status":"ACTIVE",
    "jobDefinitionArn":
      "arn:aws:batch:us-east-1:123456789012:job-definition/calc:3",
    "type":"container","parameters":{"n":"1"},"schedulingPriority":7,
    "propagateTags":true,"platformCapabilities":["EC2"],"tags":{"a":"b"},
    "containerOrchestrationType":"ECS",
    "retryStrategy":{"attempts":3,"evaluateOnExit":[
      {"onExitCode":"1*","action":"retry"},
      {"onReason":"*","onStatusReason":"Host EC2*","action":"exit"}]},
    "timeout":{"attemptDurationSeconds":60},
    "containerProperties":{
      "image":"busybox","command":["echo","Ref::n"],
      "environment":[{"name":"A","value":"1"}],
      "resourceRequirements":[{"type":"VCPU","value":"0.25"},
                              {"type":"MEMORY","value":"512"}],
      "jobRoleArn":"arn:aws:iam::1:role/r","user":"nobody:nogroup",
      "volumes":[{"host":{"sourcePath":"/efs"},"name":"efs"}],
      "mountPoints":[{"containerPath":"/efs","sourceVolume":"efs",
                      "readOnly":true}],
      "ulimits":[{"name":"nofile","softLimit":10,"hardLimit":20}],
      "privileged":true,"readonlyRootFilesystem":false,
      "linuxParameters":{"initProcessEnabled":true,
        "devices":[{"hostPath":"/dev/x","permissions":[]}],
        "tmpfs":[{"containerPath":"/t","size":8,"mountOptions":[]}]},
      "logConfiguration":{"logDriver":"awslogs","options":{},
                          "secretOptions":[]},
      "secrets":[]}})");
  CHECK(read_back(body) == wanted);
}

TEST_CASE("a definition's needs are typed, whatever form they came in") {
  auto made = registered(minimal());
  CHECK(made.settings.container.needs.vcpu_milli == 1000);
  CHECK(made.settings.container.needs.memory_mib == 512);
  CHECK(made.settings.container.vcpus_in_old_form);
  CHECK(made.settings.container.memory_in_old_form);

  auto mixed = minimal();
  mixed["containerProperties"].erase("vcpus");
  mixed["containerProperties"]["resourceRequirements"] = {
      {{"type", "VCPU"}, {"value", "0.5"}}};
  made = registered(mixed);
  CHECK(made.settings.container.needs.vcpu_milli == 500);
  CHECK(!made.settings.container.vcpus_in_old_form);
  CHECK(made.settings.container.memory_in_old_form);
}

TEST_CASE("two forms of one need must not contradict each other") {
  auto body = with_container("resourceRequirements",
                             {{{"type", "VCPU"}, {"value", "2"}}});
  CHECK_THAT(refuse(body), Contains("This value was submitted in a deprecated "
                                    "key and may conflict"));
  body = with_container("resourceRequirements",
                        {{{"type", "VCPU"}, {"value", "1"}}});
  CHECK(registered(body).settings.container.needs.vcpu_milli == 1000);
}

TEST_CASE("vCPUs, memory and image must be given") {
  for (const auto* name : {"vcpus", "memory", "image"}) {
    auto body = minimal();
    body["containerProperties"].erase(name);
    CHECK_THAT(refuse(body), Contains("containerProperties." + std::string{name}
                                      + " is missing: it must be given"));
  }
}

TEST_CASE("a Fargate definition gains its platform's version") {
  auto body = with("platformCapabilities", {"FARGATE"});
  body["containerProperties"]["networkConfiguration"] = {
      {"assignPublicIp", "ENABLED"}};
  auto container = read_back(body).at("containerProperties");
  CHECK(container.at("fargatePlatformConfiguration")
        == json{{"platformVersion", "LATEST"}});
  CHECK(container.at("networkConfiguration")
        == json{{"assignPublicIp", "ENABLED"}});
}

TEST_CASE("a network configuration on EC2 is refused in AWS's words") {
  auto message = refuse(
      with_container("networkConfiguration", {{"assignPublicIp", "ENABLED"}}));
  CHECK(message
        == "Error executing request, Exception : networkConfiguration not "
           "applicable for EC2., RequestId: "
               + std::string{test_request_id});
}

TEST_CASE("a definition that Berth cannot run is refused by name") {
  CHECK_THAT(refuse(with("type", "multinode")),
             Contains("type is multinode, which is not supported yet"));
  CHECK_THAT(refuse(with("nodeProperties", {{"numNodes", 2}})),
             Contains("nodeProperties is not supported yet"));
  CHECK_THAT(refuse(with("ecsProperties", {{"taskProperties", {1}}})),
             Contains("ecsProperties is not supported yet"));
  CHECK_THAT(refuse(with("eksProperties", {{"podProperties", {{"a", 1}}}})),
             Contains("eksProperties is not supported yet"));
  CHECK_THAT(refuse(with("consumableResourceProperties",
                         {{"consumableResourceList", {{{"quantity", 1}}}}})),
             Contains("consumableResourceProperties is not supported yet"));
  CHECK_THAT(
      refuse(with_container("secrets", {{{"name", "a"}, {"valueFrom", "b"}}})),
      Contains("containerProperties.secrets is not supported yet"));
  CHECK_THAT(refuse(with_container("resourceRequirements",
                                   {{{"type", "GPU"}, {"value", "1"}}})),
             Contains("is GPU, which is not supported yet"));
}

TEST_CASE("a definition's refusals name the member") {
  struct row {
    json body;
    const char* message;
  };
  const std::vector<row> rows{
      {with("jobDefinitionName", "a b"),
       "Provided name \"a b\" is not supported pattern[a-zA-Z_0-9-]{1,128}"},
      {with("jobDefinitionName", nullptr), "jobDefinitionName is missing"},
      {with("type", "junk"), "type is \"junk\", but must be container"},
      {with("containerProperties", json::object()),
       "Container properties should not be empty"},
      {with("containerProperties", nullptr),
       "Container properties should not be empty"},
      {with("retryStrategy", json::object()),
       "RetryAttempts must be provided with retry strategy"},
      {with("retryStrategy", {{"evaluateOnExit", json::array()}}),
       "RetryAttempts must be provided with retry strategy"},
      {with("schedulingPriority", 10'000), "integer from 0 to 9999"},
      {with("platformCapabilities", {"MOON"}),
       "platformCapabilities[0] is \"MOON\", but must be one of EC2, "
       "FARGATE"},
      {with("platformCapabilities", {nullptr}),
       "platformCapabilities[0] is missing"},
      {with_container("user", "Root"), "User 'Root' does not match regex"},
      {with_container("user", "a:"), "User 'a:' does not match regex"},
      {with_container("image", ""), "containerProperties.image is \"\""},
      {with_container("image", std::string(256, 'i')),
       "but must have at most 255 bytes"},
      {with_container("image", 5),
       "containerProperties.image is 5, but must be a string"},
      {with_container(
           "ulimits",
           {{{"name", "files"}, {"softLimit", 1}, {"hardLimit", 1}}}),
       "containerProperties.ulimits[0].name is \"files\""},
      {with_container(
           "ulimits",
           {{{"name", "nofile"}, {"softLimit", 2}, {"hardLimit", 1}}}),
       "containerProperties.ulimits[0].hardLimit is 1, but must not be less"},
      {with_container("volumes", {{"name", "a"}}), "must be a list"},
      {with_container("volumes", {{{"host", {{"sourcePath", 1}}}}}),
       "containerProperties.volumes[0].host.sourcePath is 1, but must be a "
       "string"},
      {with_container("logConfiguration", json::object()),
       "containerProperties.logConfiguration.logDriver is missing"},
      {with_container("logConfiguration", {{"logDriver", "paper"}}),
       "containerProperties.logConfiguration.logDriver is \"paper\", but must "
       "be one of json-file"},
      {with_container("environment", {{{"name", "A=B"}, {"value", "1"}}}),
       "must not contain ="},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    CHECK_THAT(refuse(row.body), Contains(row.message));
  }
}

TEST_CASE("retry rules are checked one by one") {
  auto rules = [](json list) {
    return with("retryStrategy",
                {{"attempts", 2}, {"evaluateOnExit", std::move(list)}});
  };
  auto at = [](const std::string& text) {
    return Contains("retryStrategy.evaluateOnExit[0]" + text);
  };
  CHECK_THAT(refuse(rules({{{"action", "RETRY"}}})),
             at(" is {\"action\":\"RETRY\"}, but must have at least one"));
  CHECK_THAT(refuse(rules({{{"onReason", "*"}}})), at(".action is missing"));
  CHECK_THAT(refuse(rules({{{"onReason", "*"}, {"action", "STAY"}}})),
             at(".action is \"STAY\", but must be RETRY or EXIT"));
  CHECK_THAT(refuse(rules({{{"onReason", "a*b"}, {"action", "EXIT"}}})),
             at(".onReason is \"a*b\", but may contain * only as"));
  for (const auto* code : {"", "a", "1a", "**", "-1", "1*2"})
    CHECK_THAT(refuse(rules({{{"onExitCode", code}, {"action", "EXIT"}}})),
               at(".onExitCode"));
  for (const auto* code : {"*", "1", "13*"})
    CHECK(registered(rules({{{"onExitCode", code}, {"action", "EXIT"}}}))
              .settings.retry->rules.at(0)
              .on_exit_code
          == code);
  CHECK_THAT(refuse(rules(
                 {{{"onReason", std::string(513, 'a')}, {"action", "EXIT"}}})),
             at(".onReason"));
  auto six = json::array();
  for (int i = 0; i < 6; ++i)
    six.push_back({{"onReason", "*"}, {"action", "EXIT"}});
  CHECK_THAT(refuse(rules(six)), Contains("must have at most 5 entries"));
}

TEST_CASE("a definition over 24 KiB is refused") {
  auto body = minimal().dump();
  body.append(limits::definition_bytes_max - body.size() + 1, ' ');
  CHECK_THAT(refusal(parse(operation::register_job_definition, body)),
             Contains("at most 24576"));
}

TEST_CASE("definitions are asked for by name, status and page") {
  auto ask = [](const char* body) {
    return accepted<describe_definitions_request>(
        parse(operation::describe_job_definitions, body));
  };
  CHECK(ask("{}") == describe_definitions_request{});
  CHECK(ask("") == describe_definitions_request{});
  auto made = ask(R"({"jobDefinitions":["a","b:2"],"status":"INACTIVE",
    "jobDefinitionName":"n","maxResults":5,"nextToken":"t"})");
  CHECK(made.definitions == std::vector<std::string>{"a", "b:2"});
  CHECK(made.name == "n");
  CHECK(made.active == false);
  CHECK(made.page == page_request{5, "t"});
  CHECK(ask(R"({"maxResults":500,"nextToken":""})").page
        == page_request{100, ""});
  CHECK_THAT(refusal(parse(operation::describe_job_definitions,
                           R"({"status":"DEAD"})")),
             Contains("must be one of ACTIVE, INACTIVE"));
}

TEST_CASE("a registered definition is answered with its revision") {
  object_response answer{"calc", "arn:x", 4};
  CHECK(printed(operation::register_job_definition, answer)
        == json{{"jobDefinitionName", "calc"},
                {"jobDefinitionArn", "arn:x"},
                {"revision", 4}});
}

TEST_CASE("a list of definitions is there even when empty, a token only if "
          "more follows") {
  CHECK(printed(operation::describe_job_definitions, definitions_response{})
        == json{{"jobDefinitions", json::array()}});
  CHECK(printed(operation::describe_job_definitions,
                definitions_response{{}, "next"})
        == json{{"jobDefinitions", json::array()}, {"nextToken", "next"}});
}

TEST_CASE("an inactive definition says so") {
  definition_object object;
  object.active = false;
  auto answer = printed(operation::describe_job_definitions,
                        definitions_response{{object}, ""});
  CHECK(answer["jobDefinitions"][0]["status"] == "INACTIVE");
}

} // namespace berth::aws_batch
