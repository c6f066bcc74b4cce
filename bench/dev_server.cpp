#include "bench/dev_server.hpp"

#include "messages/assert.hpp"

#include <csignal>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace berth::bench {

namespace {

constexpr char authorization[] =
    "AWS4-HMAC-SHA256 Credential=bench/20000101/us-east-1/batch/aws4_request, "
    "SignedHeaders=host, Signature="
    "0000000000000000000000000000000000000000000000000000000000000000";

std::string read_line(int fd) {
  std::string line;
  char c = 0;
  while (read(fd, &c, 1) == 1 && c != '\n')
    line += c;
  return line;
}

} // namespace

dev_server::dev_server(const std::string& folder, int vcpus) {
  int ends[2];
  BERTH_ASSERT(pipe(ends) == 0, "a pipe can be had");
  auto data = folder + "/data";
  auto cores = std::to_string(vcpus);
  std::vector<std::string> words{BERTH_BINARY, "dev",         "--data",  data,
                                 "--listen",   "127.0.0.1:0", "--vcpus", cores,
                                 "--memory",   "16000"};
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  auto failed =
      posix_spawn(&pid_, BERTH_BINARY, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  BERTH_ASSERT(failed == 0, "build the berth binary first");
  auto line = read_line(ends[0]);
  auto at = line.find("http://");
  BERTH_ASSERT(at != std::string::npos, "berth dev says where it is");
  url_ = line.substr(at);
  close(ends[0]);
}

dev_server::~dev_server() {
  kill(pid_, SIGUSR2);
  int status = 0;
  waitpid(pid_, &status, 0);
}

std::string batch_client::call(const std::string& operation,
                               const std::string& body) {
  auto outcome = http_.request(
      "POST", url_ + "/v1/" + operation,
      {{"Authorization", authorization}, {"Content-Type", "application/json"}},
      body);
  auto* answer = std::get_if<http_client_response>(&outcome);
  BERTH_ASSERT(answer != nullptr, "the server answers");
  BERTH_ASSERT(answer->status == 200, "the server takes the call");
  return std::move(answer->body);
}

void batch_client::prepare(int vcpus, const std::string& command,
                           const std::string& vcpus_per_job) {
  call("createcomputeenvironment",
       R"({"computeEnvironmentName":"e","type":"MANAGED","computeResources":)"
       R"({"type":"EC2","minvCpus":0,"maxvCpus":)"
           + std::to_string(vcpus)
           + R"(,"subnets":["s"],"instanceTypes":["optimal"],)"
             R"("instanceRole":"r"}})");
  call("createjobqueue",
       R"({"jobQueueName":"q","priority":1,"computeEnvironmentOrder":)"
       R"([{"order":1,"computeEnvironment":"e"}]})");
  call("registerjobdefinition",
       R"({"jobDefinitionName":"d","type":"container","containerProperties":)"
       R"({"image":"none","command":)"
           + command + R"(,"resourceRequirements":[{"type":"VCPU","value":")"
           + vcpus_per_job + R"("},{"type":"MEMORY","value":"128"}]}})");
}

} // namespace berth::bench
