// Whatever the bytes, parsing ends in a request or in an error of the caller.
#include "tests/unit/api/aws_batch/calls.hpp"

#include <random>
#include <vector>

namespace berth::aws_batch {

namespace {

using generator = std::mt19937_64;

const std::vector<std::string>& bodies() {
  static const std::vector<std::string> list{
      R"({"jobName":"sum","jobQueue":"q","jobDefinition":"c:3","parameters":
         {"n":"5"},"containerOverrides":{"command":["a"],"environment":[{"name":
         "A","value":"1"}],"resourceRequirements":[{"type":"VCPU","value":
         "0.5"}],"vcpus":1},"retryStrategy":{"attempts":2,"evaluateOnExit":[{
         "onExitCode":"1*","action":"RETRY"}]},"timeout":{
         "attemptDurationSeconds":60},"arrayProperties":{"size":5},"dependsOn":
         [{"jobId":"x","type":"N_TO_N"}],"tags":{"a":"b"}})",
      R"({"jobDefinitionName":"c","type":"container","containerProperties":{
         "image":"b","vcpus":1,"memory":4,"volumes":[{"host":{"sourcePath":"a"}
         }],"linuxParameters":{"devices":[{"hostPath":"/d"}]},"ulimits":[{
         "name":"core","softLimit":1,"hardLimit":2}],"logConfiguration":{
         "logDriver":"awslogs","options":{"a":"b"}},"user":"me"}})",
      R"({"computeEnvironmentName":"e","type":"MANAGED","computeResources":{
         "type":"EC2","minvCpus":0,"maxvCpus":4,"subnets":["s"],"tags":{"a":"b"
         },"launchTemplate":{"launchTemplateId":"x","overrides":[{"version":"1"
         }]}},"updatePolicy":{"jobExecutionTimeoutMinutes":5},"tags":{}})",
      R"({"jobQueueName":"q","priority":1,"computeEnvironmentOrder":[{"order":1,
         "computeEnvironment":"e"}],"tags":{"a":"b"}})",
      R"({"jobQueue":"q","jobStatus":"RUNNING","maxResults":5,"filters":[{
         "name":"JOB_NAME","values":["a*"]}],"nextToken":"t"})",
      R"({"jobs":["a","b"],"jobId":"x","reason":"r","computeEnvironment":"e",
         "jobDefinition":"c","jobDefinitions":["a"],"status":"ACTIVE"})"};
  return list;
}

/// Changes, drops, repeats or inserts a few bytes.
std::string mutated(std::string text, generator& random) {
  static const std::string interesting = "{}[]\",:\\\xff\xc3 0-9eEtfn.";
  auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (auto changes = 1 + below(4); changes > 0 && !text.empty(); --changes) {
    auto at = below(text.size());
    auto length = 1 + below(12);
    switch (below(5)) {
    case 0:
      text[at] = static_cast<char>(random());
      break;
    case 1:
      text[at] = interesting[below(interesting.size())];
      break;
    case 2:
      text.erase(at, length);
      break;
    case 3:
      text.insert(at, text.substr(below(text.size()), length));
      break;
    default:
      text.resize(at);
    }
  }
  return text;
}

/// Puts a value of another type in the place of one in the tree.
void replace_one(nlohmann::json& tree, generator& random) {
  static const std::vector<nlohmann::json> others{
      nullptr,
      true,
      -1,
      1e300,
      18446744073709551615ULL,
      "",
      "x",
      nlohmann::json::array(),
      nlohmann::json::object(),
      nlohmann::json{{"a", {1, "b"}}},
      nlohmann::json{nullptr, 1},
  };
  if (!tree.is_structured() || tree.empty() || random() % 4 == 0) {
    tree = others[random() % others.size()];
    return;
  }
  auto at = tree.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(random() % tree.size()));
  replace_one(*at, random);
}

void check_total(const std::string& body, const std::string& query) {
  for (size_t i = 0; i < operation_count; ++i) {
    auto what = static_cast<operation>(i);
    auto outcome = parse(what, body, query, body.substr(0, 60));
    if (const auto* error = std::get_if<api_error>(&outcome)) {
      // An internal error would be an exception that nobody expected.
      if (error->code != api_errc::invalid || error->message.empty())
        FAIL(name_of(what) << " on " << body << ": " << error->message);
    }
  }
}

} // namespace

TEST_CASE("every parser survives mutated bytes") {
  generator random{20'240'601};
  for (int round = 0; round < 200; ++round)
    for (const auto& body : bodies())
      check_total(mutated(body, random), mutated("tagKeys=a%20b&c=d", random));
  SUCCEED("every outcome was a request or a refusal");
}

TEST_CASE("every parser survives values of other types") {
  generator random{7};
  for (int round = 0; round < 200; ++round)
    for (const auto& body : bodies()) {
      auto tree = nlohmann::json::parse(body);
      replace_one(tree, random);
      check_total(tree.dump(), "");
    }
  SUCCEED("every outcome was a request or a refusal");
}

TEST_CASE("routing survives mutated paths") {
  generator random{11};
  for (int round = 0; round < 20'000; ++round) {
    auto found = route(round % 2 ? "POST" : "GET",
                       mutated("/v1/tags/arn%3Aaws%3Abatch%2Fq", random));
    if (found)
      CHECK(found->what.has_value());
  }
}

} // namespace berth::aws_batch
