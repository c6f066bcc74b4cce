#include "api/aws_batch/submissions.hpp"

#include "messages/limits.hpp"
#include "tests/unit/api/aws_batch/calls.hpp"

namespace berth::aws_batch {

using Catch::Contains;
using nlohmann::json;

namespace {

json minimal() {
  return {{"jobName", "sum"}, {"jobQueue", "q1"}, {"jobDefinition", "calc"}};
}

submit_job_request submit(const json& body) {
  return accepted<submit_job_request>(
      parse(operation::submit_job, body.dump()));
}

std::string refuse(const json& body) {
  return refusal(parse(operation::submit_job, body.dump()));
}

/// The minimal submission with one more member.
json with(const char* name, json value) {
  auto body = minimal();
  body[name] = std::move(value);
  return body;
}

} // namespace

TEST_CASE("a submission's members reach the request") {
  auto made = submit(json::parse(R"({
    "jobName":"sum","jobQueue":"q1","jobDefinition":"calc:3",
    "parameters":{"n":"5"},
    "containerOverrides":{"environment":[{"name":"MODE","value":"fast"}],
      "command":["sh","-c","echo 5"],
      "resourceRequirements":[{"type":"VCPU","value":"2"},
                              {"type":"MEMORY","value":"512"}],
      "vcpus":3,"memory":64},
    "retryStrategy":{"attempts":2},"timeout":{"attemptDurationSeconds":600},
    "propagateTags":true,"arrayProperties":{"size":10},
    "dependsOn":[{"jobId":"a"},{"type":"SEQUENTIAL"},
                 {"jobId":"b","type":"N_TO_N"}],
    "tags":{"team":"x"}})"));

  submit_job_request wanted;
  wanted.name = "sum";
  wanted.queue = "q1";
  wanted.definition = "calc:3";
  wanted.parameters = {{"n", "5"}};
  wanted.overrides.command = {{"sh", "-c", "echo 5"}};
  wanted.overrides.environment = {{"MODE", "fast"}};
  wanted.overrides.vcpu_milli = 2000;
  wanted.overrides.memory_mib = 512;
  wanted.overrides.old_vcpus = 3;
  wanted.overrides.old_memory_mib = 64;
  wanted.retry = retry_strategy{2, {}};
  wanted.timeout_ms = 600'000;
  wanted.propagate_tags = true;
  wanted.array_size = 10;
  wanted.depends_on = {{"a", dependency_kind::plain},
                       {std::nullopt, dependency_kind::sequential},
                       {"b", dependency_kind::n_to_n}};
  wanted.tags = {{"team", "x"}};
  CHECK(made == wanted);
}

TEST_CASE("a minimal submission leaves everything else to the definition") {
  submit_job_request wanted;
  wanted.name = "sum";
  wanted.queue = "q1";
  wanted.definition = "calc";
  CHECK(submit(minimal()) == wanted);
}

TEST_CASE("null and unknown members of a submission are as if absent") {
  auto body = minimal();
  for (const auto* name :
       {"parameters", "containerOverrides", "retryStrategy", "timeout",
        "propagateTags", "arrayProperties", "dependsOn", "tags",
        "shareIdentifier", "nodeOverrides"})
    body[name] = nullptr;
  body["somethingNew"] = {{"deep", {1, 2, 3}}};
  CHECK(submit(body) == submit(minimal()));
}

TEST_CASE("empty structures of a submission change nothing") {
  auto body = minimal();
  body["containerOverrides"] = {{"command", json::array()},
                                {"environment", json::array()},
                                {"resourceRequirements", json::array()}};
  body["arrayProperties"] = json::object();
  body["timeout"] = json::object();
  body["nodeOverrides"] = {{"nodePropertyOverrides", json::array()}};
  body["consumableResourcePropertiesOverride"] = {
      {"consumableResourceList", json::array()}};
  CHECK(submit(body) == submit(minimal()));
}

TEST_CASE("a bad job name is refused in AWS's words before anything else") {
  for (const auto* name : {"", "-a", "a b", "ä", "a.b"}) {
    auto body = with("jobName", name);
    body.erase("jobQueue");
    body["timeout"] = "junk";
    CHECK_THAT(refuse(body), Contains("Job name should match valid pattern"));
  }
  CHECK_THAT(refuse(with("jobName", std::string(129, 'a'))),
             Contains("Job name should match valid pattern"));
  CHECK(submit(with("jobName", std::string(128, 'a'))).name.size() == 128);
}

TEST_CASE("a refusal names the member, its value and what would be right") {
  struct row {
    const char* name;
    json value;
    const char* message;
  };
  const std::vector<row> rows{
      {"jobName", 5, "jobName is 5, but must be a string"},
      {"jobQueue", "", "jobQueue is \"\", but must not be empty"},
      {"jobDefinition", json::array(),
       "jobDefinition is [], but must be a string"},
      {"parameters", json{{"n", 5}}, "parameters.n is 5, but must be a string"},
      {"arrayProperties", json{{"size", 10'001}},
       "arrayProperties.size is 10001, but must be an integer from 2 to "
       "10000"},
      {"arrayProperties", json{{"size", 1}},
       "arrayProperties.size is 1, but must be an integer from 2 to 10000"},
      {"arrayProperties", json{{"size", 2.5}}, "arrayProperties.size is 2.5"},
      {"arrayProperties", json{{"size", 18446744073709551615ULL}},
       "arrayProperties.size is 18446744073709551615, but must be an integer"},
      {"timeout", json{{"attemptDurationSeconds", 59}},
       "timeout.attemptDurationSeconds is 59, but must be an integer from 60"},
      {"timeout", "1h", "timeout is \"1h\", but must be an object"},
      {"propagateTags", "yes",
       "propagateTags is \"yes\", but must be true or false"},
      {"containerOverrides", json{{"command", json{"a", 1}}},
       "containerOverrides.command[1] is 1, but must be a string"},
      {"containerOverrides", json{{"vcpus", 0}},
       "containerOverrides.vcpus is 0, but must be an integer from 1"},
      {"containerOverrides", json{{"memory", 3}},
       "containerOverrides.memory is 3, but must be an integer from 4"},
      {"containerOverrides", json{{"environment", {{{"name", ""}}}}},
       "containerOverrides.environment[0].name is \"\", but must not be "
       "empty"},
      {"containerOverrides",
       json{{"environment", {{{"name", "AWS_BATCH_X"}, {"value", "1"}}}}},
       "containerOverrides.environment[0].name is \"AWS_BATCH_X\", but must "
       "not begin with AWS_BATCH"},
      {"containerOverrides",
       json{{"resourceRequirements", {{{"type", "GPU"}, {"value", "1"}}}}},
       "containerOverrides.resourceRequirements[0].type is GPU, which is not "
       "supported yet"},
      {"containerOverrides",
       json{{"resourceRequirements", {{{"type", "DISK"}, {"value", "1"}}}}},
       "must be VCPU or MEMORY"},
      {"retryStrategy", json{{"attempts", 11}},
       "retryStrategy.attempts is 11, but must be an integer from 1 to 10"},
      {"dependsOn", json{{{"type", "SEQUENTIAL"}}},
       "dependsOn[0].type is \"SEQUENTIAL\", but must have a jobId"},
      {"dependsOn", json{{{"type", "N_TO_N"}, {"jobId", "x"}}},
       "dependsOn[0].type is \"N_TO_N\", but must be left out"},
      {"dependsOn", json{{{"jobId", ""}}}, "dependsOn[0].jobId is \"\""},
      {"dependsOn", json{{{"jobId", "x"}, {"type", "MAYBE"}}},
       "dependsOn[0].type is \"MAYBE\", but must be one of N_TO_N, "
       "SEQUENTIAL"},
      {"dependsOn", json{7}, "dependsOn[0] is 7, but must be an object"},
      {"dependsOn", json{{"jobId", "x"}},
       "dependsOn is {\"jobId\":\"x\"}, but must be a list"},
  };
  for (const auto& row : rows) {
    INFO(row.name << ": " << row.value);
    CHECK_THAT(refuse(with(row.name, row.value)), Contains(row.message));
  }
}

TEST_CASE("required members of a submission are missed by name") {
  for (const auto* name : {"jobName", "jobQueue", "jobDefinition"}) {
    auto body = minimal();
    body.erase(name);
    CHECK_THAT(refuse(body), Contains(std::string{name} + " is missing"));
  }
}

TEST_CASE("an array dependency without an id needs an array") {
  auto body = with("dependsOn", json::array({{{"type", "SEQUENTIAL"}}}));
  body["arrayProperties"] = {{"size", 2}};
  CHECK(submit(body).depends_on.size() == 1);
  body["dependsOn"] = json::array({{{"type", "N_TO_N"}}});
  CHECK_THAT(refuse(body), Contains("dependsOn[0].jobId is missing"));
}

TEST_CASE("SEQUENTIAL with another job's id needs no array") {
  auto made = submit(with(
      "dependsOn", json::array({{{"type", "SEQUENTIAL"}, {"jobId", "x"}}})));
  REQUIRE(made.depends_on.size() == 1);
  CHECK(made.depends_on[0].kind == dependency_kind::sequential);
  CHECK(made.depends_on[0].job == "x");
}

TEST_CASE("at most 20 dependencies are taken") {
  auto list = json::array();
  for (size_t i = 0; i < limits::dependencies_max; ++i)
    list.push_back({{"jobId", std::to_string(i)}});
  CHECK(submit(with("dependsOn", list)).depends_on.size() == 20);
  list.push_back({{"jobId", "x"}});
  CHECK_THAT(refuse(with("dependsOn", list)),
             Contains("must have at most 20 entries"));
}

TEST_CASE("what would change what runs or where is refused by name") {
  const std::vector<std::pair<const char*, json>> rows{
      {"nodeOverrides", {{"numNodes", 2}}},
      {"eksPropertiesOverride", {{"podProperties", {{"x", 1}}}}},
      {"ecsPropertiesOverride", {{"taskProperties", {1}}}},
      {"consumableResourcePropertiesOverride",
       {{"consumableResourceList", {{{"quantity", 1}}}}}}};
  for (const auto& [name, value] : rows)
    CHECK_THAT(refuse(with(name, value)),
               Contains(std::string{name} + " is not supported yet"));
  for (const auto* name : {"shareIdentifier", "schedulingPriorityOverride"}) {
    auto value = name[1] == 'h' ? json("a") : json(7);
    CHECK_THAT(refuse(with(name, value)),
               Contains("Job with shareIdentifier or schedulingPriority can "
                        "onlybe submitted to job queue with fair share "
                        "scheduling policy."));
  }
}

TEST_CASE("vCPUs are decimal numbers, counted in thousandths") {
  auto vcpus = [](const char* text) {
    return with(
        "containerOverrides",
        {{"resourceRequirements", {{{"type", "VCPU"}, {"value", text}}}}});
  };
  const std::vector<std::pair<const char*, int64_t>> good{
      {"1", 1000}, {"0.25", 250}, {"2.0", 2000}, {"0.001", 1}, {"16", 16'000}};
  for (const auto& [text, milli] : good)
    CHECK(submit(vcpus(text)).overrides.vcpu_milli == milli);
  for (const auto* text :
       {"", "0", "0.0", "-1", "+1", "1.", ".5", "1e3", "0.0001", "one", "1 ",
        "99999999", "1000001", "1.2.3", "0x1", "--1", "1.-1"}) {
    INFO(text);
    CHECK_THAT(refuse(vcpus(text)), Contains("resourceRequirements[0].value"));
  }
}

TEST_CASE("memory is a whole number of MiB") {
  auto memory = [](const char* text) {
    return with(
        "containerOverrides",
        {{"resourceRequirements", {{{"type", "MEMORY"}, {"value", text}}}}});
  };
  CHECK(submit(memory("4")).overrides.memory_mib == 4);
  for (const auto* text : {"", "3", "-8", "512.5", "512M", "1000000001"})
    CHECK_THAT(refuse(memory(text)), Contains("integer number of MiB"));
}

TEST_CASE("a requirement may be there once") {
  CHECK_THAT(refuse(with("containerOverrides",
                         {{"resourceRequirements",
                           {{{"type", "VCPU"}, {"value", "1"}},
                            {{"type", "VCPU"}, {"value", "2"}}}}})),
             Contains("must not be there twice"));
}

TEST_CASE("an override may blank a variable") {
  auto made = submit(with("containerOverrides",
                          {{"environment", {{{"name", "A"}, {"value", ""}}}}}));
  REQUIRE(made.overrides.environment.size() == 1);
  CHECK(made.overrides.environment[0].value.empty());
}

TEST_CASE("NUL characters are refused, since no program can be given one") {
  auto body =
      with("containerOverrides", {{"command", {std::string("a\0b", 3)}}});
  CHECK_THAT(refuse(body), Contains("must not contain a NUL character"));
}

TEST_CASE("51 tags, long keys and long values are refused in AWS's words") {
  json tags;
  for (int i = 0; i < 51; ++i)
    tags["k" + std::to_string(i)] = "v";
  CHECK_THAT(refuse(with("tags", tags)),
             Contains("Member must have length less than or equal to 50"));
  CHECK_THAT(refuse(with("tags", {{std::string(129, 'k'), "v"}})),
             Contains("Member must have length less than or equal to 128"));
  CHECK_THAT(refuse(with("tags", {{"k", std::string(257, 'v')}})),
             Contains("Member must have length less than or equal to 256"));
  std::string umlauts;
  for (int i = 0; i < 256; ++i)
    umlauts += "ä";
  CHECK(submit(with("tags", {{"k", umlauts}})).tags.at("k") == umlauts);
  CHECK_THAT(refuse(with("tags", {{"aws:x", "v"}})), Contains("reserved"));
}

TEST_CASE("a submission over 30 KiB is refused, whatever it says") {
  auto body = minimal().dump();
  body.append(limits::submission_bytes_max - body.size(), ' ');
  CHECK(std::holds_alternative<request>(parse(operation::submit_job, body)));
  body += ' ';
  CHECK_THAT(refusal(parse(operation::submit_job, body)),
             Contains("at most 30720"));
}

TEST_CASE("text that is no JSON object is refused with where it breaks") {
  for (const auto* body :
       {"{", "[]", "5", "null", "\"x\"", "{\"a\":}", "{\"a\":1}x", "\xff",
        "{\"a\":\"\xff\"}", "nul", "{\"a\":1e999}"}) {
    INFO(body);
    CHECK_THAT(refusal(parse(operation::submit_job, body)),
               Contains("request body"));
  }
  std::string deep(1000, '[');
  CHECK_THAT(refusal(parse(operation::submit_job, "{\"a\":" + deep)),
             Contains("nested deeper than 64 levels"));
}

TEST_CASE("brackets inside texts are no nesting") {
  auto body = with("parameters", {{"n", std::string(200, '[') + "\\\""}});
  CHECK(submit(body).parameters.at("n").size() == 202);
}

TEST_CASE("a submission is answered with ARN, name and id") {
  submitted_response answer;
  answer.id = *parse_job_id("0b6cdd0e-b200-4948-8a4e-b596507f2f60");
  answer.name = "sum";
  answer.arn = "arn:aws:batch:us-east-1:123456789012:job/"
               "0b6cdd0e-b200-4948-8a4e-b596507f2f60";
  CHECK(printed(operation::submit_job, answer)
        == json{{"jobArn", answer.arn},
                {"jobName", "sum"},
                {"jobId", "0b6cdd0e-b200-4948-8a4e-b596507f2f60"}});
}

} // namespace berth::aws_batch
