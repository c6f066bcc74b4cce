#include "api/aws_batch/dialect.hpp"

#include "api/aws_batch/bounds.hpp"
#include "api/aws_batch/definitions.hpp"
#include "api/aws_batch/environments.hpp"
#include "api/aws_batch/job_details.hpp"
#include "api/aws_batch/jobs.hpp"
#include "api/aws_batch/queues.hpp"
#include "api/aws_batch/submissions.hpp"
#include "api/aws_batch/tags.hpp"
#include "messages/limits.hpp"

#include <exception>

namespace berth::aws_batch {

namespace {

void check_size(operation what, std::string_view body) {
  auto limit = request_bytes_max;
  if (what == operation::submit_job)
    limit = limits::submission_bytes_max;
  else if (what == operation::register_job_definition)
    limit = limits::definition_bytes_max;
  if (body.size() > limit)
    throw refused{"the request body of " + std::string{name_of(what)} + " has "
                  + std::to_string(body.size()) + " bytes, but must have at "
                  + "most " + std::to_string(limit)};
}

request parse_body(const routed& call, operation what, const json_place& body,
                   std::string_view query, const parse_context& context) {
  switch (what) {
  case operation::create_compute_environment:
    return parse_create_environment(body);
  case operation::describe_compute_environments:
    return parse_describe_environments(body, context);
  case operation::update_compute_environment:
    return parse_update_environment(body);
  case operation::delete_compute_environment:
    return parse_delete_environment(body);
  case operation::create_job_queue:
    return parse_create_queue(body);
  case operation::describe_job_queues:
    return parse_describe_queues(body, context);
  case operation::update_job_queue:
    return parse_update_queue(body);
  case operation::delete_job_queue:
    return parse_delete_queue(body);
  case operation::get_job_queue_snapshot:
    return parse_queue_snapshot(body);
  case operation::register_job_definition:
    return parse_register_definition(body, context);
  case operation::describe_job_definitions:
    return parse_describe_definitions(body, context);
  case operation::deregister_job_definition:
    return parse_deregister_definition(body);
  case operation::submit_job:
    return parse_submit_job(body, context);
  case operation::describe_jobs:
    return parse_describe_jobs(body, context);
  case operation::list_jobs:
    return parse_list_jobs(body);
  case operation::cancel_job:
    return parse_cancel_job(body);
  case operation::terminate_job:
    return parse_terminate_job(body);
  case operation::list_tags_for_resource:
    return parse_list_tags(call.resource_arn);
  case operation::tag_resource:
    return parse_tag_resource(call.resource_arn, body);
  case operation::untag_resource:
    break;
  }
  return parse_untag_resource(call.resource_arn, query);
}

struct response_printer {
  operation what;
  json_writer& json;

  void operator()(const done_response&) { json.raw("{}"); }
  void operator()(const object_response& r) {
    if (what == operation::register_job_definition)
      print_registered_definition(json, r);
    else if (what == operation::create_job_queue
             || what == operation::update_job_queue)
      print_changed_queue(json, r);
    else
      print_changed_environment(json, r);
  }
  void operator()(const submitted_response& r) { print_submitted(json, r); }
  void operator()(const environments_response& r) {
    print_environments(json, r);
  }
  void operator()(const queues_response& r) { print_queues(json, r); }
  void operator()(const definitions_response& r) { print_definitions(json, r); }
  void operator()(const jobs_response& r) { print_jobs(json, r); }
  void operator()(const job_list_response& r) { print_job_list(json, r); }
  void operator()(const queue_snapshot_response& r) {
    print_queue_snapshot(json, r);
  }
  void operator()(const tags_response& r) { print_tags(json, r); }
  // Not an answer of AWS Batch.
  void operator()(const why_response&) { json.raw("{}"); }
};

} // namespace

std::variant<request, api_error>
parse_request(const routed& call, std::string_view body, std::string_view query,
              const parse_context& context) {
  if (!call.what)
    return api_error{api_errc::invalid,
                     std::string{call.name} + " is not implemented yet"};
  try {
    check_size(*call.what, body);
    // Clients send no body with GET and DELETE; one that is there means
    // nothing.
    auto has_body = *call.what != operation::list_tags_for_resource
                    && *call.what != operation::untag_resource;
    json_text text{has_body ? body : std::string_view{}};
    return parse_body(call, *call.what, text.root(), query, context);
  } catch (const refused& refusal) {
    return api_error{api_errc::invalid, refusal.message};
  } catch (const std::exception& problem) {
    return api_error{api_errc::internal, "parsing " + std::string{call.name}
                                             + " failed: " + problem.what()};
  }
}

std::string print_response(operation what, const response& answer) {
  std::string out;
  json_writer json{out};
  std::visit(response_printer{what, json}, answer);
  return out;
}

} // namespace berth::aws_batch
