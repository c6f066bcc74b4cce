#include "api/berth/why.hpp"

#include "api/aws_batch/job_details.hpp"
#include "api/json_writer.hpp"
#include "api/uri.hpp"

namespace berth {

std::variant<request, api_error> parse_why(std::string_view query) {
  auto jobs = query_values(query, "job");
  if (!jobs || jobs->size() != 1 || jobs->front().empty())
    return api_error{api_errc::invalid,
                     "the query must name one job: /v1/why?job=<job id>"};
  return request{why_request{jobs->front()}};
}

std::string print_why(const why_response& answer) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.member("reason", to_string(answer.reason));
  if (answer.position >= 0)
    json.member("position", answer.position);
  json.member("sentences", answer.sentences);
  json.key("job").begin_object();
  aws_batch::print_job_members(json, answer.job);
  json.member("tags", answer.job.tags);
  json.end_object();
  json.end_object();
  return out;
}

} // namespace berth
