// SubmitJob (AWS reference, section 8, 13, 14). Also the form of a submission
// that arrives by a topic.
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/json_place.hpp"
#include "api/json_writer.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"

namespace berth::aws_batch {

request parse_submit_job(const json_place& body, const parse_context& context);

/// `{jobArn, jobName, jobId}`
void print_submitted(json_writer& json, const submitted_response& response);

} // namespace berth::aws_batch
