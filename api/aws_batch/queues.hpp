// Job queues (AWS reference, section 5, 12.1, 12.2).
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/json_place.hpp"
#include "api/json_writer.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"

namespace berth::aws_batch {

request parse_create_queue(const json_place& body);
request parse_describe_queues(const json_place& body,
                              const parse_context& context);
request parse_update_queue(const json_place& body);
request parse_delete_queue(const json_place& body);
request parse_queue_snapshot(const json_place& body);

/// `{jobQueueName, jobQueueArn}`
void print_changed_queue(json_writer& json, const object_response& response);
void print_queues(json_writer& json, const queues_response& response);
void print_queue_snapshot(json_writer& json,
                          const queue_snapshot_response& response);

} // namespace berth::aws_batch
