#include "client/job_watch.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace berth;
using nlohmann::json;

namespace {

json detail(const std::string& id, const std::string& status,
            std::size_t attempts = 0) {
  return {{"jobId", id},
          {"jobName", "name-of-" + id},
          {"status", status},
          {"attempts", json(attempts, json::object())}};
}

json array_detail(const std::string& id, const std::string& status, int size) {
  auto d = detail(id, status);
  d["arrayProperties"] = {{"size", size}};
  return d;
}

json event(json of) {
  return {{"position", "1"}, {"detail", std::move(of)}};
}

uint32_t count(const job_progress& job, job_status status) {
  return job.children[static_cast<std::size_t>(status)];
}

} // namespace

TEST_CASE("a watch is over when every job has ended") {
  job_watch watch{{"a", "b", "a"}};
  CHECK(watch.jobs().size() == 2);
  watch.describe(detail("a", "SUCCEEDED"));
  watch.describe(detail("b", "RUNNING"));
  CHECK_FALSE(watch.all_ended());
  CHECK(watch.apply(event(detail("b", "FAILED"))) == 1);
  CHECK(watch.all_ended());
  CHECK(watch.any_failed());
}

TEST_CASE("ids that no description names are unknown") {
  job_watch watch{{"a", "b"}};
  watch.describe(detail("b", "RUNNING"));
  CHECK(watch.unknown() == std::vector<std::string>{"a"});
}

TEST_CASE("an event that is older than the description revives no job") {
  job_watch watch{{"a"}};
  watch.describe(detail("a", "SUCCEEDED", 1));
  CHECK_FALSE(watch.apply(event(detail("a", "RUNNING"))));
  CHECK(watch.jobs()[0].status == job_status::succeeded);
  // Its end is told a second time and counts once.
  CHECK_FALSE(watch.apply(event(detail("a", "SUCCEEDED", 1))));
  CHECK(watch.all_ended());
}

TEST_CASE("an attempt counts as finished when its event says so, not before") {
  job_watch watch{{"a"}};
  watch.describe(detail("a", "STARTING"));
  // Printed after the attempt had ended.
  watch.apply(event(detail("a", "RUNNING", 1)));
  CHECK(watch.jobs()[0].attempts == 0);
  watch.apply(event(detail("a", "RUNNABLE", 1)));
  CHECK(watch.jobs()[0].attempts == 1);
  watch.apply(event(detail("a", "RUNNING", 1)));
  CHECK(watch.jobs()[0].attempts == 1);
  watch.apply(event(detail("a", "SUCCEEDED", 2)));
  CHECK(watch.jobs()[0].attempts == 2);
}

TEST_CASE("an event of a stranger changes nothing") {
  job_watch watch{{"a"}};
  CHECK_FALSE(watch.apply(event(detail("z", "FAILED"))));
  CHECK_FALSE(watch.apply(event(detail("z:0", "FAILED"))));
  CHECK_FALSE(watch.apply(json::object()));
  CHECK_FALSE(watch.apply({{"detail", {{"jobId", 7}, {"status", {}}}}}));
  CHECK_FALSE(watch.apply(event(detail("a", "WHATEVER"))));
  CHECK_FALSE(watch.all_ended());
}

TEST_CASE("children are counted by listing and events alike") {
  job_watch watch{{"a"}};
  watch.describe(array_detail("a", "PENDING", 3));
  CHECK(count(watch.jobs()[0], job_status::pending) == 3);
  watch.list_child(detail("a:0", "RUNNING"));
  CHECK(watch.apply(event(detail("a:0", "SUCCEEDED"))) == 0);
  CHECK(watch.apply(event(detail("a:1", "RUNNING"))) == 0);
  // The same again, and one that the listing already told.
  CHECK_FALSE(watch.apply(event(detail("a:1", "RUNNING"))));
  CHECK_FALSE(watch.apply(event(detail("a:0", "RUNNING"))));
  const auto& job = watch.jobs()[0];
  CHECK(count(job, job_status::succeeded) == 1);
  CHECK(count(job, job_status::running) == 1);
  CHECK(count(job, job_status::pending) == 1);
}

TEST_CASE("a retried child goes back to waiting") {
  job_watch watch{{"a"}};
  watch.describe(array_detail("a", "PENDING", 2));
  watch.apply(event(detail("a:0", "RUNNING")));
  watch.apply(event(detail("a:0", "RUNNABLE")));
  CHECK(count(watch.jobs()[0], job_status::running) == 0);
  CHECK(count(watch.jobs()[0], job_status::runnable) == 1);
}

TEST_CASE("children outside the array and wild sizes are not believed") {
  job_watch watch{{"a"}};
  watch.describe(array_detail("a", "PENDING", 2));
  CHECK_FALSE(watch.apply(event(detail("a:2", "RUNNING"))));
  CHECK_FALSE(watch.apply(event(detail("a:-1", "RUNNING"))));
  CHECK_FALSE(watch.apply(event(detail("a:1x", "RUNNING"))));
  job_watch wild{{"b"}};
  wild.describe(array_detail("b", "PENDING", 2'000'000'000));
  CHECK(wild.jobs()[0].array_size == 0);
}

TEST_CASE("an array that has ended shows the server's own count") {
  job_watch watch{{"a"}};
  watch.describe(array_detail("a", "PENDING", 4));
  auto ended = array_detail("a", "FAILED", 4);
  ended["arrayProperties"]["statusSummary"] = {{"SUCCEEDED", 3}, {"FAILED", 1}};
  CHECK(watch.apply(event(ended)) == 0);
  const auto& job = watch.jobs()[0];
  CHECK(count(job, job_status::succeeded) == 3);
  CHECK(count(job, job_status::failed) == 1);
  CHECK(count(job, job_status::pending) == 0);
}

TEST_CASE("a child can be watched by itself") {
  job_watch watch{{"a:1"}};
  watch.describe(detail("a:1", "RUNNING"));
  watch.apply(event(detail("a:1", "SUCCEEDED", 1)));
  CHECK(watch.all_ended());
}
