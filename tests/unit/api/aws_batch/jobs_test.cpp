#include "api/aws_batch/jobs.hpp"

#include "tests/unit/api/aws_batch/calls.hpp"

namespace berth::aws_batch {

using Catch::Contains;
using nlohmann::json;

namespace {

list_jobs_request listed(const json& body) {
  return accepted<list_jobs_request>(parse(operation::list_jobs, body.dump()));
}

std::string refuse_list(const json& body) {
  return refusal(parse(operation::list_jobs, body.dump()));
}

json filter(const char* name, json values) {
  return {{"jobQueue", "q"},
          {"filters", {{{"name", name}, {"values", std::move(values)}}}}};
}

} // namespace

TEST_CASE("a listing means running jobs unless it says otherwise") {
  CHECK(listed({{"jobQueue", "q"}}).status == job_status::running);
  CHECK(listed({{"arrayJobId", "x"}}).status == job_status::running);
  CHECK(listed({{"jobQueue", "q"}, {"jobStatus", "FAILED"}}).status
        == job_status::failed);
  CHECK(!listed(filter("JOB_NAME", {"a"})).status);
}

TEST_CASE("a listing names exactly one of queue, array and multi-node job") {
  CHECK_THAT(refuse_list(json::object()), Contains("but none are"));
  CHECK_THAT(refuse_list({{"jobQueue", ""}}), Contains("but none are"));
  CHECK_THAT(refuse_list({{"jobQueue", "q"}, {"arrayJobId", "x"}}),
             Contains("but two are"));
  CHECK_THAT(refuse_list({{"multiNodeJobId", "x"}}),
             Contains("multiNodeJobId is not supported yet"));
}

TEST_CASE("a listing's filters reach the request") {
  const std::vector<std::pair<const char*, job_filter_kind>> names{
      {"JOB_NAME", job_filter_kind::job_name},
      {"JOB_DEFINITION", job_filter_kind::job_definition}};
  for (const auto& [name, kind] : names) {
    auto made = listed(filter(name, {"a*", "b"}));
    CHECK(made.filter == kind);
    CHECK(made.filter_values == std::vector<std::string>{"a*", "b"});
  }
  CHECK(listed(filter("BEFORE_CREATED_AT", {"1700000000000"})).filter
        == job_filter_kind::before_created_at);
  CHECK(listed(filter("AFTER_CREATED_AT", {"0"})).filter
        == job_filter_kind::after_created_at);
}

TEST_CASE("a listing's page is at most 1000 jobs, 100 with a filter") {
  auto body = filter("JOB_NAME", {"a"});
  body["maxResults"] = 5000;
  CHECK(listed(body).page.max_results == 100);
  CHECK(listed({{"jobQueue", "q"}, {"maxResults", 5000}}).page.max_results
        == 1000);
  CHECK(listed({{"jobQueue", "q"}}).page == page_request{0, ""});
}

TEST_CASE("a listing's refusals name the member") {
  auto two = filter("JOB_NAME", {"a"});
  two["filters"].push_back(two["filters"][0]);
  struct row {
    json body;
    const char* message;
  };
  const std::vector<row> rows{
      {{{"jobQueue", "q"}, {"jobStatus", "DEAD"}}, "jobStatus is \"DEAD\""},
      {{{"jobQueue", "q"}, {"jobStatus", 1}}, "jobStatus is 1"},
      {two, "filters is [{"},
      {filter("SHARE_IDENTIFIER", {"a"}), "which is not supported yet"},
      {filter("COLOUR", {"red"}), "filters[0].name is \"COLOUR\""},
      {filter("JOB_NAME", json::array()), "filters[0].values is []"},
      {filter("JOB_NAME", {""}), "filters[0].values[0] is \"\""},
      {filter("AFTER_CREATED_AT", {"yesterday"}),
       "filters[0].values[0] is \"yesterday\""},
      {filter("AFTER_CREATED_AT", {"-1"}), "filters[0].values[0] is \"-1\""},
      {filter("AFTER_CREATED_AT", {"1", "2"}), "must have 1 to 1 entries"},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    CHECK_THAT(refuse_list(row.body), Contains(row.message));
  }
}

TEST_CASE("jobs are described in the order asked for, at most 100") {
  auto ask = [](const json& body) {
    return parse(operation::describe_jobs, body.dump());
  };
  CHECK(accepted<describe_jobs_request>(ask({{"jobs", {"b", "a", ""}}})).jobs
        == std::vector<std::string>{"b", "a", ""});
  CHECK_THAT(refusal(ask(json::object())),
             Contains("jobs is missing: it must be a list of job ids"));
  auto many = json::array();
  for (int i = 0; i < 101; ++i)
    many.push_back("x");
  CHECK(refusal(ask({{"jobs", many}}))
        == "Error executing request, Exception : Maximum number of jobs "
           "supported is  100 ., RequestId: "
               + std::string{test_request_id});
}

TEST_CASE("cancelling and terminating need a job and a reason") {
  for (auto what : {operation::cancel_job, operation::terminate_job}) {
    auto ask = [&](const json& body) { return parse(what, body.dump()); };
    CHECK_THAT(refusal(ask({{"reason", "r"}})), Contains("jobId is missing"));
    CHECK_THAT(refusal(ask({{"jobId", "j"}})), Contains("reason is missing"));
    CHECK_THAT(refusal(ask({{"jobId", ""}, {"reason", "r"}})),
               Contains("jobId is \"\", but must not be empty"));
    CHECK_THAT(refusal(ask({{"jobId", "j"}, {"reason", ""}})),
               Contains("reason is \"\", but must not be empty"));
    CHECK_THAT(
        refusal(ask({{"jobId", "j"}, {"reason", std::string(1025, 'r')}})),
        Contains("at most 1024"));
  }
  CHECK(accepted<cancel_job_request>(
            parse(operation::cancel_job, R"({"jobId":"j","reason":"r"})"))
        == cancel_job_request{"j", "r"});
  CHECK(accepted<terminate_job_request>(
            parse(operation::terminate_job, R"({"jobId":"j","reason":"r"})"))
        == terminate_job_request{"j", "r"});
}

} // namespace berth::aws_batch
