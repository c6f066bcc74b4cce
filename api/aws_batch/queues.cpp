#include "api/aws_batch/queues.hpp"

#include "api/aws_batch/pages.hpp"
#include "api/aws_batch/tags.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace berth::aws_batch {

namespace {

using environment_order = std::vector<requested_environment_order>;

/// Ascending by `order`; entries of one order keep theirs.
environment_order parse_order(const json_place& place) {
  place.require_list();
  auto count = place.size();
  if (count < 1 || count > limits::environments_per_queue_max)
    place.fail("must be a list of 1 to "
               + std::to_string(limits::environments_per_queue_max)
               + " compute environments");
  environment_order list;
  place.for_each_element([&](const json_place& element) {
    auto order = element.member("order").integer(INT32_MIN, INT32_MAX);
    list.push_back({static_cast<int32_t>(order),
                    parse_reference(element.member("computeEnvironment"))});
  });
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return a.order < b.order;
  });
  return list;
}

int32_t parse_priority(const json_place& place) {
  return static_cast<int32_t>(place.integer(0, INT32_MAX));
}

void refuse_unsupported_members(const json_place& body) {
  refuse_unsupported(body, {"schedulingPolicyArn", "serviceEnvironmentOrder",
                            "jobStateTimeLimitActions"});
  auto type = body.member("jobQueueType");
  auto text = type.text_or_empty();
  if (!text.empty() && text != "ECS" && text != "ECS_FARGATE")
    type.fail("must be ECS or ECS_FARGATE, or left out: other queues are not "
              "supported yet");
}

const char* print_status(object_status status) {
  return status == object_status::valid ? "VALID" : "DELETING";
}

void print_queue(json_writer& json, const queue_view& view) {
  const auto& object = view.object;
  const auto& settings = object.settings;
  json.begin_object();
  json.member("jobQueueName", settings.name);
  json.member("jobQueueArn",
              make_arn(object.owner, resource_kind::job_queue, settings.name));
  json.member("state", to_string(settings.state));
  json.member("status", print_status(object.status));
  json.member("statusReason", object.status == object_status::valid
                                  ? "JobQueue Healthy"
                                  : "JobQueue is being deleted");
  json.member("priority", settings.priority);
  json.key("computeEnvironmentOrder").begin_array();
  auto count = std::min(settings.environments.size(), view.arns.size());
  for (size_t i = 0; i < count; ++i) {
    json.begin_object();
    json.member("order", settings.environments[i].order);
    json.member("computeEnvironment", view.arns[i]);
    json.end_object();
  }
  json.end_array();
  json.empty_list("serviceEnvironmentOrder");
  json.member("jobQueueType", "ECS");
  json.member("tags", object.tags);
  json.empty_list("jobStateTimeLimitActions");
  json.end_object();
}

} // namespace

request parse_create_queue(const json_place& body) {
  create_queue_request made;
  made.name = parse_new_name(body.member("jobQueueName"));
  made.state = parse_state(body.member("state")).value_or(made.state);
  refuse_unsupported_members(body);
  made.priority = parse_priority(body.member("priority"));
  made.environments = parse_order(body.member("computeEnvironmentOrder"));
  made.tags = parse_tags(body.member("tags"));
  return made;
}

request parse_describe_queues(const json_place& body,
                              const parse_context& context) {
  return describe_queues_request{parse_names(body.member("jobQueues"), context),
                                 parse_page(body, limits::page_size_max)};
}

request parse_update_queue(const json_place& body) {
  update_queue_request made;
  made.queue = parse_reference(body.member("jobQueue"));
  refuse_unsupported_members(body);
  made.state = parse_state(body.member("state"));
  auto priority = body.member("priority");
  if (!priority.absent())
    made.priority = parse_priority(priority);
  auto order = body.member("computeEnvironmentOrder");
  if (!order.absent())
    made.environments = parse_order(order);
  return made;
}

request parse_delete_queue(const json_place& body) {
  return delete_queue_request{parse_reference(body.member("jobQueue"))};
}

request parse_queue_snapshot(const json_place& body) {
  return queue_snapshot_request{parse_reference(body.member("jobQueue"))};
}

void print_changed_queue(json_writer& json, const object_response& response) {
  json.begin_object();
  json.member("jobQueueName", response.name);
  json.member("jobQueueArn", response.arn);
  json.end_object();
}

void print_queues(json_writer& json, const queues_response& response) {
  json.begin_object();
  json.key("jobQueues").begin_array();
  for (const auto& queue : response.queues)
    print_queue(json, queue);
  json.end_array();
  if (!response.next_token.empty())
    json.member("nextToken", response.next_token);
  json.end_object();
}

void print_queue_snapshot(json_writer& json,
                          const queue_snapshot_response& response) {
  json.begin_object();
  json.key("frontOfQueue").begin_object();
  json.key("jobs").begin_array();
  for (const auto& job : response.front) {
    json.begin_object();
    json.member("jobArn", make_arn(response.owner, resource_kind::job,
                                   to_string(job.key)));
    json.member("earliestTimeAtPosition", job.at_position_ms);
    json.end_object();
  }
  json.end_array();
  json.member("lastUpdatedAt", response.at_ms);
  json.end_object();
  json.key("queueUtilization").begin_object();
  json.key("totalCapacityUsage").begin_array();
  json.begin_object();
  json.member("capacityUnit", "VCPU");
  json.key("quantity").thousandths(response.vcpu_milli_used);
  json.end_object();
  json.end_array();
  json.member("lastUpdatedAt", response.at_ms);
  json.end_object();
  json.end_object();
}

} // namespace berth::aws_batch
