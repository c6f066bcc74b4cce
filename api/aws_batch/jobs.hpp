// What clients ask about jobs and do to them after submission (AWS reference,
// section 8).
#pragma once

#include "api/aws_batch/parse_context.hpp"
#include "api/json_place.hpp"
#include "messages/requests.hpp"

namespace berth::aws_batch {

request parse_describe_jobs(const json_place& body,
                            const parse_context& context);
/// Without status and filter, RUNNING jobs are meant.
request parse_list_jobs(const json_place& body);
request parse_cancel_job(const json_place& body);
request parse_terminate_job(const json_place& body);

} // namespace berth::aws_batch
