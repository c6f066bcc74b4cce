#include "api/aws_batch/queues.hpp"

#include "tests/unit/api/aws_batch/calls.hpp"

namespace berth::aws_batch {

using Catch::Contains;
using nlohmann::json;

namespace {

json minimal() {
  return {{"jobQueueName", "q"},
          {"priority", 1},
          {"computeEnvironmentOrder",
           {{{"order", 1}, {"computeEnvironment", "ce"}}}}};
}

json with(const char* name, json value) {
  auto body = minimal();
  body[name] = std::move(value);
  return body;
}

create_queue_request created(const json& body) {
  return accepted<create_queue_request>(
      parse(operation::create_job_queue, body.dump()));
}

std::string refuse(const json& body) {
  return refusal(parse(operation::create_job_queue, body.dump()));
}

} // namespace

TEST_CASE("a queue's environments are put in their order") {
  auto made = created(json::parse(R"({"jobQueueName":"q","priority":7,
    "state":"DISABLED","tags":{"a":"b"},"jobQueueType":"ECS",
    "computeEnvironmentOrder":[{"order":5,"computeEnvironment":"c"},
      {"order":1,"computeEnvironment":"a"},
      {"order":5,"computeEnvironment":"d"}]})"));
  create_queue_request wanted{"q",
                              object_state::disabled,
                              7,
                              {{1, "a"}, {5, "c"}, {5, "d"}},
                              {{"a", "b"}}};
  CHECK(made == wanted);
}

TEST_CASE("a queue is enabled unless it says otherwise") {
  CHECK(created(minimal()).state == object_state::enabled);
}

TEST_CASE("a queue's refusals name the member") {
  auto order = [](json list) {
    return with("computeEnvironmentOrder", std::move(list));
  };
  json entry{{"order", 1}, {"computeEnvironment", "ce"}};
  struct row {
    json body;
    const char* message;
  };
  const std::vector<row> rows{
      {with("jobQueueName", ""), "Provided name \"\""},
      {with("priority", nullptr), "priority is missing"},
      {with("priority", -1), "priority is -1, but must be an integer from 0"},
      {with("priority", "high"), "priority is \"high\""},
      {with("state", "OFF"), "state is \"OFF\""},
      {with("schedulingPolicyArn", "arn:x"),
       "schedulingPolicyArn is not supported yet"},
      {with("serviceEnvironmentOrder",
            {{{"order", 1}, {"serviceEnvironment", "s"}}}),
       "serviceEnvironmentOrder is not supported yet"},
      {with("jobStateTimeLimitActions", {{{"reason", "x"}}}),
       "jobStateTimeLimitActions is not supported yet"},
      {with("jobQueueType", "EKS"), "jobQueueType is \"EKS\""},
      {order(nullptr), "computeEnvironmentOrder is missing: it must be a list "
                       "of 1 to 3"},
      {order(json::array()), "computeEnvironmentOrder is []"},
      {order({entry, entry, entry, entry}), "must be a list of 1 to 3"},
      {order({{{"computeEnvironment", "a"}}}),
       "computeEnvironmentOrder[0].order is missing"},
      {order({{{"order", 1}}}),
       "computeEnvironmentOrder[0].computeEnvironment is missing"},
      {order({{{"order", 1}, {"computeEnvironment", ""}}}),
       "computeEnvironmentOrder[0].computeEnvironment is \"\""},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    CHECK_THAT(refuse(row.body), Contains(row.message));
  }
}

TEST_CASE("what is empty needs no support") {
  auto body = minimal();
  body["schedulingPolicyArn"] = "";
  body["serviceEnvironmentOrder"] = json::array();
  body["jobStateTimeLimitActions"] = json::array();
  CHECK(created(body) == created(minimal()));
}

TEST_CASE("a queue's update carries only what was given") {
  auto update = [](const json& body) {
    return accepted<update_queue_request>(
        parse(operation::update_job_queue, body.dump()));
  };
  update_queue_request wanted;
  wanted.queue = "q";
  CHECK(update({{"jobQueue", "q"}}) == wanted);
  wanted.state = object_state::enabled;
  wanted.priority = 0;
  wanted.environments = {{2, "b"}};
  CHECK(update({{"jobQueue", "q"},
                {"state", "ENABLED"},
                {"priority", 0},
                {"computeEnvironmentOrder",
                 {{{"order", 2}, {"computeEnvironment", "b"}}}}})
        == wanted);
}

TEST_CASE("a queue reads back healthy, with ARNs in order") {
  queue_view view;
  view.object.owner = {"123456789012", "us-east-1"};
  view.object.settings.name = "q";
  view.object.settings.priority = 9;
  view.object.settings.environments = {{1, environment_uid{4}},
                                       {3, environment_uid{2}}};
  view.object.tags = {{"a", "b"}};
  view.arns = {"arn:one", "arn:two"};
  CHECK(printed(operation::describe_job_queues, queues_response{{view}, "t"})
        == json::parse(R"({"nextToken":"t","jobQueues":[{
    "jobQueueName":"q",
    "jobQueueArn":"arn:aws:batch:us-east-1:123456789012:job-queue/q",
    "state":"ENABLED","status":"VALID","statusReason":"JobQueue Healthy",
    "priority":9,"jobQueueType":"ECS","tags":{"a":"b"},
    "computeEnvironmentOrder":[{"order":1,"computeEnvironment":"arn:one"},
                               {"order":3,"computeEnvironment":"arn:two"}],
    "serviceEnvironmentOrder":[],"jobStateTimeLimitActions":[]}]})"));
  view.object.status = object_status::deleting;
  auto answer =
      printed(operation::describe_job_queues, queues_response{{view}, ""});
  CHECK(answer["jobQueues"][0]["status"] == "DELETING");
  CHECK(!answer.contains("nextToken"));
}

TEST_CASE("a queue's snapshot shows its front and its use") {
  queue_snapshot_response answer;
  answer.owner = {"123456789012", "us-east-1"};
  job_key key{*parse_job_id("0b6cdd0e-b200-4948-8a4e-b596507f2f60"), 3};
  answer.front = {{key, 1'700'000'000'000}};
  answer.at_ms = 1'700'000'000'001;
  answer.vcpu_milli_used = 2'250;
  CHECK(printed(operation::get_job_queue_snapshot, answer) == json::parse(R"({
    "frontOfQueue":{"jobs":[{"jobArn":
      "arn:aws:batch:us-east-1:123456789012:job/0b6cdd0e-b200-4948-8a4e-b596507f2f60:3",
      "earliestTimeAtPosition":1700000000000}],
      "lastUpdatedAt":1700000000001},
    "queueUtilization":{"totalCapacityUsage":[
      {"capacityUnit":"VCPU","quantity":2.25}],
      "lastUpdatedAt":1700000000001}})"));
  CHECK(printed(operation::get_job_queue_snapshot, queue_snapshot_response{})
            .at("frontOfQueue")
            .at("jobs")
        == json::array());
  CHECK(accepted<queue_snapshot_request>(
            parse(operation::get_job_queue_snapshot, R"({"jobQueue":"q"})"))
            .queue
        == "q");
}

TEST_CASE("a created, updated or deleted queue is answered as on AWS") {
  for (auto what : {operation::create_job_queue, operation::update_job_queue})
    CHECK(printed(what, object_response{"q", "arn:x", 0})
          == json{{"jobQueueName", "q"}, {"jobQueueArn", "arn:x"}});
  CHECK(printed(operation::delete_job_queue, done_response{})
        == json::object());
  CHECK(accepted<delete_queue_request>(
            parse(operation::delete_job_queue, R"({"jobQueue":"q"})"))
            .queue
        == "q");
  CHECK(accepted<describe_queues_request>(
            parse(operation::describe_job_queues, R"({"jobQueues":["q"]})"))
            .queues
        == std::vector<std::string>{"q"});
}

} // namespace berth::aws_batch
