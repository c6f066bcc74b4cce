#include "client/submission.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace berth;
using Catch::Contains;
using nlohmann::json;

namespace {

const submitter here{"/here",
                     {{"PATH", "/bin"}, {"HOME", "/me"}, {"SECRET", "s"}}};

submit_settings command(std::vector<std::string> words) {
  submit_settings settings;
  settings.command = std::move(words);
  return settings;
}

json made(const submit_settings& settings) {
  auto outcome = make_submission(settings, here);
  REQUIRE(std::holds_alternative<json>(outcome));
  return std::get<json>(outcome);
}

std::string refused(const submit_settings& settings) {
  auto outcome = make_submission(settings, here);
  REQUIRE(std::holds_alternative<std::string>(outcome));
  return std::get<std::string>(outcome);
}

json variable(const std::string& name, const std::string& value) {
  return {{"name", name}, {"value", value}};
}

} // namespace

TEST_CASE("a bare command uses the defaults and runs where it was submitted") {
  CHECK(made(command({"/usr/bin/make", "-j2"}))
        == json{{"jobName", "make"},
                {"jobQueue", "default"},
                {"jobDefinition", "default"},
                {"containerOverrides",
                 {{"command", {"/usr/bin/make", "-j2"}},
                  {"environment",
                   {variable("BERTH_WORKING_DIRECTORY", "/here"),
                    variable("HOME", "/me"), variable("PATH", "/bin")}}}}});
}

TEST_CASE("every option has its place in the request") {
  auto settings = command({"true"});
  settings.queue = "high";
  settings.name = "n";
  settings.array_size = 3;
  settings.depends_on = {"id1", "id2,N_TO_N", "SEQUENTIAL"};
  settings.attempts = 2;
  settings.timeout_s = 90;
  settings.vcpus = "0.5";
  settings.memory_mib = 64;
  auto body = made(settings);
  CHECK(body["jobQueue"] == "high");
  CHECK(body["jobName"] == "n");
  CHECK(body["arrayProperties"]["size"] == 3);
  CHECK(body["dependsOn"]
        == json::array({{{"jobId", "id1"}},
                        {{"jobId", "id2"}, {"type", "N_TO_N"}},
                        {{"type", "SEQUENTIAL"}}}));
  CHECK(body["retryStrategy"]["attempts"] == 2);
  CHECK(body["timeout"]["attemptDurationSeconds"] == 90);
  CHECK(body["containerOverrides"]["resourceRequirements"]
        == json::array({{{"type", "VCPU"}, {"value", "0.5"}},
                        {{"type", "MEMORY"}, {"value", "64"}}}));
}

TEST_CASE("a job gets only those variables of its submitter that it is told") {
  auto settings = command({"true"});
  CHECK_THAT(made(settings).dump(), !Contains("SECRET"));
  settings.environment = {"SECRET", "PATH=/mine", "EMPTY=", "A=b=c"};
  auto list = made(settings)["containerOverrides"]["environment"];
  CHECK_THAT(list.dump(), Contains(variable("SECRET", "s").dump())
                              && Contains(variable("PATH", "/mine").dump())
                              && Contains(variable("EMPTY", "").dump())
                              && Contains(variable("A", "b=c").dump())
                              && !Contains("\"/bin\""));
}

TEST_CASE("wrong settings are refused by name, saying what is right") {
  CHECK_THAT(refused(command({})), Contains("after --"));
  auto settings = command({"true"});
  for (const auto* wrong : {"=x", "NOT_SET", ""}) {
    settings.environment = {wrong};
    CHECK_THAT(refused(settings), Contains("--env"));
  }
  settings.environment.clear();
  for (const auto* wrong : {"id,", "id,n_to_n", ",SEQUENTIAL", ""}) {
    settings.depends_on = {wrong};
    CHECK_THAT(refused(settings), Contains("--depends-on"));
  }
}

TEST_CASE("a job's name is made of what AWS allows in names") {
  CHECK(name_of_command("/opt/x/run.sh") == "runsh");
  CHECK(name_of_command("./--weird__") == "weird__");
  CHECK(name_of_command("\u00e4\u00f6") == "job");
  CHECK(name_of_command("") == "job");
  CHECK(name_of_command("/") == "job");
  CHECK(name_of_command(std::string(300, 'a')).size() == 128);
}

TEST_CASE("the defaults fit each other") {
  CHECK(default_queue_request()["computeEnvironmentOrder"][0]
                               ["computeEnvironment"]
        == default_environment_request()["computeEnvironmentName"]);
  CHECK(default_environment_request()["computeResources"]["maxvCpus"]
        == default_vcpus_max);
  CHECK(default_definition_request()["jobDefinitionName"] == default_name);
}
