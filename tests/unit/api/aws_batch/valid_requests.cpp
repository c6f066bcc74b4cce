#include "tests/unit/api/aws_batch/valid_requests.hpp"

#include <nlohmann/json.hpp>
#include <rapidcheck.h>
#include <utility>
#include <vector>

namespace berth::aws_batch {

using nlohmann::json;

namespace {

bool chance() {
  return *rc::gen::arbitrary<bool>();
}

int64_t between(int64_t min, int64_t max) {
  return *rc::gen::inRange<int64_t>(min, max + 1);
}

std::string one_of(std::vector<std::string> choices) {
  return *rc::gen::elementOf(std::move(choices));
}

std::string new_name() {
  return one_of({"a", "9", "night-run", "A_b-3", std::string(128, 'n')});
}

std::string reference() {
  return one_of({"q", "calc:3",
                 "arn:aws:batch:us-east-1:123456789012:"
                 "job-queue/q"});
}

std::string some_text() {
  return one_of({"x", "a b", "$HOME", "Ref::n", "Zürich", "\t\"\\\n", "0"});
}

template <class Make>
json list(int64_t min, int64_t max, Make make) {
  auto made = json::array();
  auto count = between(min, max);
  for (int64_t i = 0; i < count; ++i)
    made.push_back(make());
  return made;
}

template <class Make>
void maybe(json& object, const char* name, Make make) {
  if (chance())
    object[name] = make();
}

json text_map() {
  auto made = json::object();
  auto count = between(0, 3);
  for (int64_t i = 0; i < count; ++i)
    made["k" + std::to_string(i)] = some_text();
  return made;
}

json page(json body) {
  maybe(body, "maxResults", [] { return between(1, 200); });
  maybe(body, "nextToken", some_text);
  return body;
}

json names() {
  return list(0, 5, reference);
}

json state() {
  return one_of({"ENABLED", "DISABLED"});
}

json needs() {
  return json::array(
      {{{"type", "VCPU"}, {"value", one_of({"1", "0.25", "4", "16.5"})}},
       {{"type", "MEMORY"}, {"value", one_of({"4", "512", "30000"})}}});
}

json environment() {
  return list(0, 3, [] {
    return json{{"name", one_of({"A", "PATH", "x y"})}, {"value", some_text()}};
  });
}

json retry() {
  json made{{"attempts", between(1, 10)}};
  maybe(made, "evaluateOnExit", [] {
    return list(0, 5, [] {
      json rule{{"action", one_of({"RETRY", "EXIT", "retry", "Exit"})},
                {"onExitCode", one_of({"1", "13*", "*"})}};
      maybe(rule, "onReason", [] { return one_of({"Cannot*", "x", "*"}); });
      maybe(rule, "onStatusReason", [] { return one_of({"Host EC2*"}); });
      return rule;
    });
  });
  return made;
}

json timeout() {
  return {{"attemptDurationSeconds", between(60, 100'000)}};
}

json ulimit() {
  return {{"name", one_of({"nofile", "core", "stack"})},
          {"softLimit", between(-1, 0) == 0 ? 5 : 7},
          {"hardLimit", between(7, 4096)}};
}

json linux_parameters() {
  json made = json::object();
  maybe(made, "devices", [] {
    return list(0, 2, [] {
      return json{{"hostPath", "/dev/x"}, {"permissions", {"READ"}}};
    });
  });
  maybe(made, "tmpfs", [] {
    return list(0, 2, [] {
      return json{{"containerPath", "/t"}, {"size", between(1, 64)}};
    });
  });
  maybe(made, "sharedMemorySize", [] { return between(0, 100); });
  maybe(made, "initProcessEnabled", chance);
  return made;
}

json volumes() {
  return list(0, 2, [] {
    json made{{"name", "v"}, {"host", {{"sourcePath", "/tmp"}}}};
    maybe(made, "efsVolumeConfiguration", [] {
      return json{{"fileSystemId", "fs-1"},
                  {"authorizationConfig", {{"iam", "ENABLED"}}}};
    });
    return made;
  });
}

json container() {
  json made{{"image", "busybox"}, {"resourceRequirements", needs()}};
  maybe(made, "command", [] { return list(0, 4, some_text); });
  maybe(made, "environment", environment);
  maybe(made, "ulimits", [] { return list(0, 2, ulimit); });
  maybe(made, "user", [] { return one_of({"me", "1000:50", "", "a_b-c"}); });
  maybe(made, "volumes", volumes);
  maybe(made, "linuxParameters", linux_parameters);
  maybe(made, "privileged", chance);
  maybe(made, "logConfiguration", [] {
    return json{{"logDriver", "awslogs"}, {"options", text_map()}};
  });
  maybe(made, "ephemeralStorage", [] { return json{{"sizeInGiB", 21}}; });
  return made;
}

json overrides() {
  json made = json::object();
  maybe(made, "command", [] { return list(0, 4, some_text); });
  maybe(made, "environment", environment);
  maybe(made, "resourceRequirements", needs);
  maybe(made, "vcpus", [] { return between(1, 16); });
  maybe(made, "memory", [] { return between(4, 4096); });
  return made;
}

json submission() {
  json made{{"jobName", new_name()},
            {"jobQueue", reference()},
            {"jobDefinition", reference()}};
  auto is_array = chance();
  if (is_array)
    made["arrayProperties"] = {{"size", between(2, 10'000)}};
  maybe(made, "parameters", text_map);
  maybe(made, "containerOverrides", overrides);
  maybe(made, "retryStrategy", retry);
  maybe(made, "timeout", timeout);
  maybe(made, "propagateTags", chance);
  maybe(made, "tags", text_map);
  maybe(made, "dependsOn", [&] {
    return list(0, 4, [&]() -> json {
      auto id = one_of({"x", "7f8d1a55-0a0b-4c0d-8e0f-112233445566"});
      if (is_array && chance())
        return {{"type", "SEQUENTIAL"}};
      if (is_array && chance())
        return {{"jobId", id}, {"type", "N_TO_N"}};
      return {{"jobId", id}};
    });
  });
  return made;
}

json definition() {
  json made{{"jobDefinitionName", new_name()},
            {"type", "container"},
            {"containerProperties", container()}};
  maybe(made, "parameters", text_map);
  maybe(made, "retryStrategy", retry);
  maybe(made, "timeout", timeout);
  maybe(made, "propagateTags", chance);
  maybe(made, "schedulingPriority", [] { return between(0, 9999); });
  maybe(made, "platformCapabilities", [] { return json{"EC2"}; });
  maybe(made, "tags", text_map);
  return made;
}

json resources() {
  json made{{"type", one_of({"EC2", "SPOT"})},
            {"maxvCpus", between(8, 256)},
            {"minvCpus", between(0, 4)},
            {"subnets", {"subnet-1"}}};
  maybe(made, "desiredvCpus", [] { return between(4, 8); });
  maybe(made, "instanceTypes", [] { return json{"optimal"}; });
  maybe(made, "instanceRole", [] { return "ecsInstanceRole"; });
  maybe(made, "tags", text_map);
  maybe(made, "launchTemplate", [] {
    return json{{"launchTemplateName", "t"}, {"version", "1"}};
  });
  return made;
}

json environment_members(json made) {
  maybe(made, "state", state);
  maybe(made, "serviceRole", some_text);
  maybe(made, "updatePolicy", [] {
    return json{{"terminateJobsOnUpdate", chance()},
                {"jobExecutionTimeoutMinutes", between(1, 7200)}};
  });
  return made;
}

json new_environment() {
  json made{{"computeEnvironmentName", new_name()},
            {"type", one_of({"MANAGED", "UNMANAGED"})}};
  if (made["type"] == "MANAGED")
    made["computeResources"] = resources();
  else
    maybe(made, "unmanagedvCpus", [] { return between(0, 64); });
  maybe(made, "tags", text_map);
  return environment_members(std::move(made));
}

json environment_order() {
  return list(1, 3, [] {
    return json{{"order", between(-5, 5)}, {"computeEnvironment", reference()}};
  });
}

json queue_members(json made) {
  maybe(made, "state", state);
  maybe(made, "jobQueueType", [] { return one_of({"ECS", "ECS_FARGATE"}); });
  return made;
}

json listing() {
  json made = json::object();
  made[chance() ? "jobQueue" : "arrayJobId"] = reference();
  maybe(made, "jobStatus", [] { return one_of({"RUNNING", "FAILED"}); });
  maybe(made, "filters", []() -> json {
    if (chance())
      return {{{"name", "AFTER_CREATED_AT"}, {"values", {"1700000000000"}}}};
    return {{{"name", one_of({"JOB_NAME", "JOB_DEFINITION"})},
             {"values", list(1, 3, some_text)}}};
  });
  return page(std::move(made));
}

json update_of_queue() {
  auto made = queue_members({{"jobQueue", reference()}});
  maybe(made, "priority", [] { return between(0, 100); });
  maybe(made, "computeEnvironmentOrder", environment_order);
  return made;
}

json update_of_environment() {
  auto made = environment_members({{"computeEnvironment", reference()}});
  maybe(made, "computeResources", [] {
    return json{{"maxvCpus", between(8, 256)}, {"minvCpus", 0}};
  });
  return made;
}

json description_of_definitions() {
  auto made = page(json::object());
  maybe(made, "jobDefinitions", names);
  maybe(made, "jobDefinitionName", new_name);
  maybe(made, "status", [] { return one_of({"ACTIVE", "INACTIVE"}); });
  return made;
}

} // namespace

json valid_body(operation what) {
  switch (what) {
  case operation::create_compute_environment:
    return new_environment();
  case operation::describe_compute_environments:
    return page({{"computeEnvironments", names()}});
  case operation::update_compute_environment:
    return update_of_environment();
  case operation::delete_compute_environment:
    return {{"computeEnvironment", reference()}};
  case operation::create_job_queue: {
    auto made = queue_members(
        {{"jobQueueName", new_name()}, {"priority", between(0, 100)}});
    made["computeEnvironmentOrder"] = environment_order();
    maybe(made, "tags", text_map);
    return made;
  }
  case operation::describe_job_queues:
    return page({{"jobQueues", names()}});
  case operation::update_job_queue:
    return update_of_queue();
  case operation::delete_job_queue:
  case operation::get_job_queue_snapshot:
    return {{"jobQueue", reference()}};
  case operation::register_job_definition:
    return definition();
  case operation::describe_job_definitions:
    return description_of_definitions();
  case operation::deregister_job_definition:
    return {{"jobDefinition", reference()}};
  case operation::submit_job:
    return submission();
  case operation::describe_jobs:
    return {{"jobs", names()}};
  case operation::list_jobs:
    return listing();
  case operation::cancel_job:
  case operation::terminate_job:
    return {{"jobId", reference()}, {"reason", some_text()}};
  case operation::tag_resource:
    return {{"tags", text_map()}};
  case operation::list_tags_for_resource:
  case operation::untag_resource:
    break;
  }
  return json::object();
}

std::string valid_arn(operation what) {
  if (what == operation::list_tags_for_resource
      || what == operation::tag_resource || what == operation::untag_resource)
    return "arn:aws:batch:us-east-1:123456789012:job-queue/q";
  return {};
}

std::string valid_query(operation what) {
  return what == operation::untag_resource ? "tagKeys=a%20b&tagKeys=c" : "";
}

} // namespace berth::aws_batch
