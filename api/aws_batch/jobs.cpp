#include "api/aws_batch/jobs.hpp"

#include "api/aws_batch/bounds.hpp"
#include "api/aws_batch/pages.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace berth::aws_batch {

namespace {

struct stop_members {
  std::string job;
  std::string reason;
};

stop_members parse_stop(const json_place& body) {
  stop_members members;
  members.job = parse_reference(body.member("jobId"));
  auto reason = body.member("reason");
  members.reason = reason.nonempty_text();
  if (members.reason.size() > limits::reason_length_max)
    reason.fail("must have at most " + std::to_string(limits::reason_length_max)
                + " bytes");
  return members;
}

job_filter_kind parse_filter_name(const json_place& place) {
  auto name = place.text();
  if (name == "SHARE_IDENTIFIER")
    throw refused{place.path()
                  + " is SHARE_IDENTIFIER, which is not supported yet: there "
                    "are no queues with shares"};
  if (name == "JOB_NAME")
    return job_filter_kind::job_name;
  if (name == "JOB_DEFINITION")
    return job_filter_kind::job_definition;
  if (name == "BEFORE_CREATED_AT")
    return job_filter_kind::before_created_at;
  if (name == "AFTER_CREATED_AT")
    return job_filter_kind::after_created_at;
  place.fail("must be one of JOB_NAME, JOB_DEFINITION, BEFORE_CREATED_AT, "
             "AFTER_CREATED_AT");
}

void check_time(const json_place& place, const std::string& text) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  // 18 digits always fit 64 bits.
  if (text.empty() || text.size() > 18
      || !std::all_of(text.begin(), text.end(), is_digit))
    place.fail("must be milliseconds since 1970 in digits");
}

void parse_filter(const json_place& place, list_jobs_request& made) {
  made.filter = parse_filter_name(place.member("name"));
  auto is_time = made.filter == job_filter_kind::before_created_at
                 || made.filter == job_filter_kind::after_created_at;
  auto values = place.member("values");
  values.for_each_element([&](const json_place& element) {
    auto text = element.nonempty_text();
    if (is_time)
      check_time(element, text);
    made.filter_values.push_back(std::move(text));
  });
  auto limit = is_time ? size_t{1} : filter_values_max;
  if (made.filter_values.empty() || made.filter_values.size() > limit)
    values.fail("must have 1 to " + std::to_string(limit) + " entries");
}

void parse_selectors(const json_place& body, list_jobs_request& made) {
  if (!body.member("multiNodeJobId").empty())
    refuse_unsupported(body, {"multiNodeJobId"});
  made.queue = body.member("jobQueue").text_or_empty();
  made.array_job = body.member("arrayJobId").text_or_empty();
  if (made.queue.empty() == made.array_job.empty())
    throw refused{"exactly one of jobQueue, arrayJobId and multiNodeJobId "
                  "must be given, but "
                  + std::string{made.queue.empty() ? "none" : "two"} + " are"};
}

} // namespace

request parse_describe_jobs(const json_place& body,
                            const parse_context& context) {
  auto jobs = body.member("jobs");
  if (jobs.absent())
    jobs.fail("must be a list of job ids");
  return describe_jobs_request{parse_names(jobs, context)};
}

request parse_list_jobs(const json_place& body) {
  list_jobs_request made;
  parse_selectors(body, made);
  auto status = body.member("jobStatus");
  if (auto text = status.text_or_empty(); !text.empty()) {
    made.status = parse_job_status(text);
    if (!made.status)
      status.fail("must be one of SUBMITTED, PENDING, RUNNABLE, STARTING, "
                  "RUNNING, SUCCEEDED, FAILED");
  }
  auto filters = body.member("filters");
  filters.require_list();
  if (filters.size() > 1)
    filters.fail("must have at most one entry");
  filters.for_each_element(
      [&](const json_place& element) { parse_filter(element, made); });
  auto has_filter = made.filter != job_filter_kind::none;
  if (!made.status && !has_filter)
    made.status = job_status::running;
  made.page = parse_page(body, has_filter ? limits::page_size_max
                                          : limits::job_page_size_max);
  return made;
}

request parse_cancel_job(const json_place& body) {
  auto members = parse_stop(body);
  return cancel_job_request{std::move(members.job), std::move(members.reason)};
}

request parse_terminate_job(const json_place& body) {
  auto members = parse_stop(body);
  return terminate_job_request{std::move(members.job),
                               std::move(members.reason)};
}

} // namespace berth::aws_batch
