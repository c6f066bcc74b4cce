// A node on the embedded log, as `berth dev` hosts it, without agents: what it
// was told is there after a restart, whatever the store looks like.

#include "messages/assert.hpp"
#include "runtime/audit.hpp"
#include "runtime/node.hpp"
#include "storage/data_folder.hpp"
#include "tests/support/temporary_folder.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>

using namespace berth;

namespace {

const account_region owner{"123456789012", "us-east-1"};

class running_node {
public:
  explicit running_node(const std::filesystem::path& folder,
                        uint32_t shards = 1) {
    auto opened = data_folder::open(folder, folder_access::exclusive);
    REQUIRE_FALSE(opened.error);
    node_options o;
    o.shards = shards;
    o.checkpoint_interval_ms = 50;
    o.merge_details = [](const std::string& stored, const std::string&) {
      return stored;
    };
    o.on_fatal = [](const std::string& why) {
      assertion_failed("no fatal error", why.c_str(), __FILE__, __LINE__);
    };
    auto started = node::start(std::move(opened.opened), std::move(o));
    REQUIRE_FALSE(started.error);
    node_ = std::move(started.started);
  }

  result call(request what, const std::string& invocation = {}) {
    std::promise<result> answered;
    node_->gateway().call({owner, invocation, "body"}, std::move(what),
                          [&](result r) { answered.set_value(std::move(r)); });
    return answered.get_future().get();
  }

  void set_up(const std::string& environment, const std::string& queue) {
    create_environment_request e;
    e.settings.name = environment;
    e.settings.max_vcpus = 4;
    require_good(call(e));
    create_queue_request q;
    q.name = queue;
    q.environments = {{1, environment}};
    require_good(call(q));
    register_definition_request d;
    d.settings.name = "d";
    d.settings.type = "container";
    d.settings.container.command = {"true"};
    d.settings.container.needs = {1000, 128, {}};
    require_good(call(d));
  }

  std::string submit(const std::string& queue, const std::string& invocation) {
    submit_job_request s;
    s.name = "job";
    s.queue = queue;
    s.definition = "d";
    auto answer = call(s, invocation);
    require_good(answer);
    return to_string(
        std::get<submitted_response>(std::get<response>(answer)).id);
  }

  job_status status_of(const std::string& job) {
    auto answer = call(describe_jobs_request{{job}});
    require_good(answer);
    auto jobs = std::get<jobs_response>(std::get<response>(answer)).jobs;
    REQUIRE(jobs.size() == 1);
    CHECK(jobs[0].spec->name == "job");
    return jobs[0].status;
  }

  static void require_good(const result& r) {
    if (const auto* error = std::get_if<api_error>(&r))
      FAIL(error->message);
  }

  node& get() { return *node_; }

private:
  std::unique_ptr<node> node_;
};

void require_sound(node& n) {
  auto verdicts = make_node_audit(n)->verify();
  for (const auto& v : std::get<std::vector<shard_verdict>>(verdicts)) {
    INFO(v.problem);
    CHECK(v.agrees);
  }
}

} // namespace

TEST_CASE("jobs of a node are there after a restart") {
  auto shards = GENERATE(1U, 3U);
  temporary_folder folder;
  std::string job;
  {
    running_node n{folder.path() / "data", shards};
    n.set_up("e1", "q1");
    n.set_up("e2", "q2");
    job = n.submit("q2", "one");
    CHECK(n.submit("q2", "one") == job);
    CHECK(n.status_of(job) == job_status::runnable);
    require_sound(n.get());
  }
  running_node again{folder.path() / "data", shards};
  CHECK(again.status_of(job) == job_status::runnable);
  CHECK(again.submit("q2", "one") == job);
  require_sound(again.get());
}

TEST_CASE("a store that is gone is rebuilt from the log") {
  temporary_folder folder;
  std::string job;
  {
    running_node n{folder.path() / "data"};
    n.set_up("e", "q");
    job = n.submit("q", "one");
  }
  std::filesystem::remove_all(folder.path() / "data" / "store" / "0000");
  running_node again{folder.path() / "data"};
  CHECK(again.status_of(job) == job_status::runnable);
  require_sound(again.get());
}

TEST_CASE("the audit of a stopped folder agrees with its store") {
  temporary_folder folder;
  std::string job;
  {
    running_node n{folder.path() / "data"};
    n.set_up("e", "q");
    job = n.submit("q", "one");
  }
  auto opened =
      data_folder::open(folder.path() / "data", folder_access::read_only);
  REQUIRE_FALSE(opened.error);
  storage_error error;
  auto audit = make_folder_audit(*opened.opened, error);
  REQUIRE(audit);
  auto verdicts = std::get<std::vector<shard_verdict>>(audit->verify());
  REQUIRE(verdicts.size() == 1);
  CHECK(verdicts[0].agrees);
  CHECK(verdicts[0].compared_with == "store");
  auto story =
      std::get<std::vector<story_line>>(audit->history(*parse_job_key(job)));
  REQUIRE_FALSE(story.empty());
  CHECK(story[0].text.find("submitted as \"job\"") == 0);
}

TEST_CASE("a cancelled job fails with the caller's reason") {
  temporary_folder folder;
  running_node n{folder.path() / "data"};
  n.set_up("e", "q");
  auto job = n.submit("q", "one");
  running_node::require_good(n.call(cancel_job_request{job, "not needed"}));
  CHECK(n.status_of(job) == job_status::failed);
  auto answer = n.call(describe_jobs_request{{job}});
  CHECK(
      std::get<jobs_response>(std::get<response>(answer)).jobs[0].status_reason
      == "not needed");
}

TEST_CASE("many clients' submissions are each there once") {
  temporary_folder folder;
  running_node n{folder.path() / "data"};
  n.set_up("e", "q");
  constexpr int submissions = 500;
  std::atomic<int> left = submissions;
  std::atomic<int> refused = 0;
  std::promise<void> all;
  for (int i = 0; i < submissions; ++i) {
    submit_job_request s;
    s.name = "job";
    s.queue = "q";
    s.definition = "d";
    n.get().gateway().call({owner, std::to_string(i), "body"}, s,
                           [&](const result& r) {
                             if (std::holds_alternative<api_error>(r))
                               ++refused;
                             if (--left == 0)
                               all.set_value();
                           });
  }
  all.get_future().get();
  CHECK(refused == 0);
  CHECK(n.get().status(false)[0].live_jobs == submissions);
  require_sound(n.get());
}
