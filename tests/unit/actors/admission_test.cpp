#include "actors/admission.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

const account_region ours{"123456789012", "eu-central-1"};
const auto some_job = std::string("4e6d1c1e-3b4e-4c8e-8000-0123456789ab");

/// A queue `q` and a definition `d`, and a submission that names them.
struct world {
  world() {
    environment_object environment;
    environment.uid = environment_uid{1};
    environment.owner = ours;
    environment.settings.name = "ce";
    catalog.apply(environment_created{environment});
    queue.uid = queue_uid{2};
    queue.owner = ours;
    queue.shard = shard_id{3};
    queue.settings.name = "q";
    queue.settings.environments = {{1, environment.uid}};
    catalog.apply(queue_created{queue});
    definition.owner = ours;
    definition.revision = 1;
    definition.settings.name = "d";
    definition.settings.container.command = {"true"};
    definition.settings.container.needs = {1000, 512, {}};
    asked.name = "job";
    asked.queue = "q";
    asked.definition = "d";
  }

  std::variant<admitted_submission, refused_submission> run() {
    catalog.apply(definition_registered{definition});
    return admit(catalog, ours, asked);
  }

  job_spec admitted() {
    auto outcome = run();
    if (auto* refused = std::get_if<refused_submission>(&outcome))
      FAIL("refused: " << refused->error.message);
    auto& good = std::get<admitted_submission>(outcome);
    CHECK(good.queue == queue.uid);
    CHECK(good.queue_shard == queue.shard);
    return *good.spec;
  }

  std::string refused(bool may_be_stale) {
    auto outcome = run();
    REQUIRE(std::holds_alternative<refused_submission>(outcome));
    const auto& bad = std::get<refused_submission>(outcome);
    CHECK(bad.error.code == api_errc::invalid);
    CHECK(bad.may_be_stale == may_be_stale);
    return bad.error.message;
  }

  catalog_actor catalog{catalog_options{}};
  queue_object queue;
  definition_object definition;
  submit_job_request asked;
};

std::vector<std::pair<std::string, std::string>>
pairs(const std::vector<key_value>& variables) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& v : variables)
    all.emplace_back(v.name, v.value);
  return all;
}

} // namespace

TEST_CASE("a submission is checked by name, queue, definition, parameters") {
  world w;
  w.asked = {};
  w.asked.name = "a b";
  w.asked.queue = "none";
  w.asked.definition = "none";
  w.definition.settings.container.command = {"Ref::x"};
  CHECK(w.refused(false)
        == "Job name should match valid pattern: jobName \"a b\"");
  w.asked.name = "job";
  CHECK(w.refused(true) == "JobQueue none not found.");
  w.asked.queue = "q";
  CHECK(w.refused(true)
        == "JobDefinition name none does not exist or is not in ACTIVE status");
  w.asked.definition = "d";
  CHECK(w.refused(false)
        == "Unable to substitute value. No parameter found for reference x");
  w.asked.parameters = {{"x", "1"}};
  CHECK(w.admitted().container.command == std::vector<std::string>{"1"});
}

TEST_CASE("a queue that is disabled or being deleted takes no jobs") {
  world w;
  SECTION("disabled") {
    w.queue.settings.state = object_state::disabled;
  }
  SECTION("being deleted") {
    w.queue.status = object_status::deleting;
  }
  w.catalog.apply(queue_updated{w.queue});
  CHECK(w.refused(true)
        == "JobQueue q is DISABLED: enable it before submitting jobs");
}

TEST_CASE("queue and definition may be named by their ARNs") {
  world w;
  w.asked.queue = make_arn(ours, resource_kind::job_queue, "q");
  w.asked.definition = make_arn(ours, resource_kind::job_definition, "d:1");
  CHECK(w.admitted().definition_revision == 1);
  w.asked.definition = make_arn(ours, resource_kind::job_definition, "d:2");
  CHECK(w.refused(true)
        == "JobDefinition " + w.asked.definition + " not found.");
  w.asked.definition = "d";
  w.asked.queue =
      make_arn({"1", "eu-central-1"}, resource_kind::job_queue, "q");
  CHECK(w.refused(true) == "JobQueue " + w.asked.queue + " not found.");
}

TEST_CASE("an inactive revision is refused, a bare name finds the newest") {
  world w;
  w.admitted();
  w.definition.revision = 2;
  CHECK(w.admitted().definition_revision == 2);
  w.asked.definition = "d:1";
  CHECK(w.admitted().definition_revision == 1);
  w.definition.active = false;
  w.asked.definition = "d:2";
  CHECK(w.refused(true)
        == "JobDefinition name d:2 does not exist or is not in ACTIVE status");
  w.asked.definition = "d";
  CHECK(w.admitted().definition_revision == 1);
}

TEST_CASE("references are replaced, also inside longer words") {
  world w;
  w.definition.settings.parameters = {{"a", "from definition"}, {"b", "B"}};
  w.asked.parameters = {{"a", "A"}, {"self", "Ref::a"}, {"empty", ""}};
  w.definition.settings.container.command = {
      "Ref::a", "--x=Ref::a.txt", "Ref::aRef::b", "Ref::b/Ref::a",
      "ref::a", "Ref::self",      "[Ref::empty]", "Ref:a"};
  SECTION("one after another") {
    // A name goes on as long as it can: `aRef` is followed by `::b`.
    w.asked.parameters["aRef"] = "both";
    auto spec = w.admitted();
    CHECK(spec.container.command
          == std::vector<std::string>{"A", "--x=A.txt", "both::b", "B/A",
                                      "ref::a", "Ref::a", "[]", "Ref:a"});
    CHECK(spec.parameters.at("a") == "A");
    CHECK(spec.parameters.at("b") == "B");
  }
  SECTION("the first one that is missing is named") {
    CHECK(w.refused(false).ends_with("reference aRef"));
  }
}

TEST_CASE("a given command replaces the definition's, and is substituted") {
  world w;
  w.definition.settings.container.command = {"Ref::missing"};
  w.asked.overrides.command = {{"echo", "Ref::x"}};
  w.asked.parameters = {{"x", "1"}};
  CHECK(w.admitted().container.command
        == std::vector<std::string>{"echo", "1"});
}

TEST_CASE("overriding variables replace those of the same name in place") {
  world w;
  w.definition.settings.container.environment = {{"A", "1"}, {"B", "2"}};
  w.asked.overrides.environment = {{"C", "3"}, {"A", "4"}, {"C", "5"}};
  CHECK(pairs(w.admitted().container.environment)
        == std::vector<std::pair<std::string, std::string>>{
            {"A", "4"}, {"B", "2"}, {"C", "5"}});
}

TEST_CASE("needs of the new form override either form, one by one") {
  world w;
  auto old_form = GENERATE(false, true);
  w.definition.settings.container.vcpus_in_old_form = old_form;
  w.definition.settings.container.memory_in_old_form = old_form;
  w.asked.overrides.vcpu_milli = 250;
  auto container = w.admitted().container;
  CHECK(container.needs.vcpu_milli == 250);
  CHECK(container.needs.memory_mib == 512);
  CHECK_FALSE(container.vcpus_in_old_form);
  CHECK(container.memory_in_old_form == old_form);
  w.asked.overrides.memory_mib = 64;
  container = w.admitted().container;
  CHECK(container.needs.memory_mib == 64);
  CHECK_FALSE(container.memory_in_old_form);
}

TEST_CASE("needs of the old form override only the old form") {
  world w;
  auto refusal = [](const std::string& member) {
    return "This value was submitted in a deprecated key and may conflict "
           "with resourceRequirements of the job definition: "
           "containerOverrides."
           + member + "; use containerOverrides.resourceRequirements";
  };
  w.asked.overrides.old_vcpus = 2;
  CHECK(w.refused(false) == refusal("vcpus"));
  w.definition.settings.container.vcpus_in_old_form = true;
  CHECK(w.admitted().container.needs.vcpu_milli == 2000);
  w.asked.overrides.old_memory_mib = 128;
  CHECK(w.refused(false) == refusal("memory"));
  w.definition.settings.container.memory_in_old_form = true;
  CHECK(w.admitted().container.needs.memory_mib == 128);
}

TEST_CASE("retry and timeout come from the job, the definition, or defaults") {
  world w;
  auto spec = w.admitted();
  CHECK(spec.retry.attempts == 1);
  CHECK_FALSE(spec.retry_given);
  CHECK_FALSE(spec.timeout_ms);
  CHECK_FALSE(spec.propagate_tags);

  w.definition.settings.retry = retry_strategy{3, {}};
  w.definition.settings.timeout_ms = 60'000;
  w.definition.settings.propagate_tags = true;
  spec = w.admitted();
  CHECK(spec.retry.attempts == 3);
  CHECK(spec.retry_given);
  CHECK(spec.timeout_ms == 60'000);
  CHECK(spec.propagate_tags);

  w.asked.retry = retry_strategy{5, {}};
  w.asked.timeout_ms = 90'000;
  w.asked.propagate_tags = false;
  spec = w.admitted();
  CHECK(spec.retry.attempts == 5);
  CHECK(spec.timeout_ms == 90'000);
  CHECK_FALSE(spec.propagate_tags);
}

TEST_CASE("dependencies name jobs, children, or the array itself") {
  world w;
  w.asked.depends_on = {{some_job, dependency_kind::plain},
                        {some_job + ":4", dependency_kind::sequential}};
  auto spec = w.admitted();
  REQUIRE(spec.depends_on.size() == 2);
  CHECK(spec.depends_on[0].on == parse_job_key(some_job));
  CHECK(spec.depends_on[1].on->index == 4);

  w.asked.depends_on = {{std::nullopt, dependency_kind::sequential}};
  CHECK(w.refused(false)
        == "dependsOn: type SEQUENTIAL without a jobId is for array jobs; "
           "give arrayProperties.size");
  w.asked.array_size = 2;
  CHECK_FALSE(w.admitted().depends_on.at(0).on);
}

TEST_CASE("dependencies that make no sense are refused") {
  world w;
  w.asked.depends_on = {{"nonsense", dependency_kind::plain}};
  CHECK(w.refused(false) == "dependsOn: job nonsense does not exist");
  w.asked.depends_on = {{some_job, dependency_kind::n_to_n}};
  CHECK(w.refused(false)
        == "dependsOn: type N_TO_N is for array jobs; give "
           "arrayProperties.size");
  w.asked.array_size = 2;
  CHECK(w.admitted().array_size == 2);
  w.asked.depends_on = {{std::nullopt, dependency_kind::n_to_n}};
  CHECK(w.refused(false)
        == "dependsOn: jobId is required unless type is SEQUENTIAL");
}

TEST_CASE("what is admitted keeps name, tags and platform") {
  world w;
  w.definition.settings.platform_capabilities = {"EC2"};
  w.asked.tags = {{"k", "v"}};
  auto spec = w.admitted();
  CHECK(spec.name == "job");
  CHECK(spec.definition_name == "d");
  CHECK(spec.tags == tag_map{{"k", "v"}});
  CHECK(spec.platform_capabilities == std::vector<std::string>{"EC2"});
}
