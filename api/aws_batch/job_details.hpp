// How a job reads back: JobDetail, JobSummary (AWS reference, 12.7, 15). The
// same detail is the body of a state change event.
#pragma once

#include "api/json_writer.hpp"
#include "messages/responses.hpp"

namespace berth::aws_batch {

/// The members of JobDetail, inside an object that the caller opened. `tags`
/// are left out: an event prints them in a way of its own.
void print_job_members(json_writer& json, const job_view& job);

void print_jobs(json_writer& json, const jobs_response& response);
void print_job_list(json_writer& json, const job_list_response& response);

/// The spec of a view that has none.
const job_spec& spec_of(const job_view& job);

} // namespace berth::aws_batch
